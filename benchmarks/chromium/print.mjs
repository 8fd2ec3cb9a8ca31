// Prints HTML files to PDF with one running browser, on several pages at once, and tells the seconds it took:
// node print.mjs BROWSER FOLDER FILES COUNT AT_ONCE
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, folder] = process.argv.slice(2, 4);
const [files, count, atOnce] = process.argv.slice(4).map(Number);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
let next = 0;
async function print(page, last) {
  while (next < last) {
    const file = pathToFileURL(`${folder}/${next++ % files}.html`).href;
    await page.goto(file, { waitUntil: "load" });
    const pdf = await page.pdf({ format: "Letter", printBackground: true, tagged: true });
    if (pdf.subarray(0, 5).toString() !== "%PDF-") throw new Error("the browser printed something else");
  }
}
const pages = await Promise.all(Array.from({ length: atOnce }, () => browser.newPage()));
// Once without the clock: the browser loads its fonts and code.
await Promise.all(pages.map((page) => print(page, atOnce)));
next = 0;
const started = process.hrtime.bigint();
await Promise.all(pages.map((page) => print(page, count)));
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const version = browser.version();
await browser.close();
console.log(JSON.stringify({ seconds, version }));
