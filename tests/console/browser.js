// A local host, a browser on its console, and what the tests of all pages have in common.
//
// Chromium's own background connections are switched off; every request the pages make is watched, and none may leave for another host.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startLocalHost } from "./local-host.js";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PATIENCE = 90_000;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What is asked of pages: WCAG 2.0 to 2.2, levels A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function openBrowser() {
  const host = await startLocalHost();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(host.address)) complaints.push(`a request to ${request.url()}`);
  });
  page.on("pageerror", (error) => complaints.push(`an error in a script: ${error.message}`));
  page.on("console", (line) => {
    // Leaving a page ends the requests it has under way, which htmx tells as an error.
    const left = /^htmx:(afterRequest|sendAbort)/.test(line.text());
    if (line.type() === "error" && !left) complaints.push(`the browser complains of ${line.location().url}: ${line.text()}`);
  });
  await page.goto(host.address);
  const source = await readFile(AXE, "utf8");

  return {
    host,
    page,
    complaints,
    /** Ends everything. */
    close: async () => {
      await browser.close();
      await host.stop();
    },
    /** Keeps a picture where `PICTURES` names a folder. */
    picture: async (name) => {
      if (process.env.PICTURES) await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), fullPage: true });
    },
    /** Downloads what a link leads to. */
    download: async (link) => {
      const [started] = await Promise.all([page.waitForEvent("download"), link.click()]);
      return { name: started.suggestedFilename(), content: await readFile(await started.path(), "latin1") };
    },
    /** Nothing on the page is against WCAG 2.2 AA, as far as a program can tell. */
    accessible: async (what) => {
      await page.evaluate(source);
      const found = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
      const wrong = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
      assert.deepEqual(wrong, [], `${what} is against WCAG 2.2 AA`);
    },
  };
}
