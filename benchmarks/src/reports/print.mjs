// Prints files to PDF with one running browser and tells the seconds it took: node print.mjs BROWSER FILES COUNT AT_ONCE
import puppeteer from "puppeteer-core";
import { pathToFileURL } from "node:url";

const [executablePath, files, count, atOnce] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const browser = await puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
let next = 0;
let bytes = 0;
async function print(page, last) {
  while (next < last) {
    const index = next++;
    await page.goto(pathToFileURL(`${index % files}.html`).href, { waitUntil: "load" });
    bytes += (await page.pdf({ format: "letter", printBackground: true, tagged: true })).length;
  }
}
const pages = await Promise.all(Array.from({ length: atOnce }, () => browser.newPage()));
// Once without the clock: the browser loads its fonts and code.
await Promise.all(pages.map((page) => print(page, atOnce)));
next = 0;
const started = process.hrtime.bigint();
await Promise.all(pages.map((page) => print(page, count)));
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
await browser.close();
if (bytes === 0) process.exit(1);
console.log(seconds);
