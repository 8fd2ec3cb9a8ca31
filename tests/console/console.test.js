// The console in a real browser: the whole story from a dropped file to the corrected one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.js";

const SAMPLES = new URL("../../samples/", import.meta.url).pathname;

let tools, host, page, complaints, picture, download;

before(async () => {
  tools = await openBrowser();
  ({ host, page, complaints, picture, download } = tools);
});

after(() => tools?.close());

/** Drops a file on the page, as with the mouse. */
async function dropFile(name, content) {
  const transfer = await page.evaluateHandle(
    ([name, bytes]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name));
      return transfer;
    },
    [name, [...content]],
  );
  await page.dispatchEvent("#zone", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent("#zone", "drop", { dataTransfer: transfer });
}

const drop = (name) => page.locator("#drops tr", { hasText: name });
const view = (name) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name });

test("a dropped file becomes orders before one's eyes", async () => {
  await dropFile("harborview-dirty.csv", await readFile(join(SAMPLES, "harborview-dirty.csv")));
  await drop("harborview-dirty.csv").getByText("loaded in part").waitFor();
  const row = await drop("harborview-dirty.csv").innerText();
  assert.match(row, /22 rows/);
  assert.match(row, /14 rejected/);
  await picture("drops");
});

test("each issue stands beside its cell, and the receipts can be had", async () => {
  await drop("harborview-dirty.csv").getByRole("link").click();
  const birth = page.locator("article.rejected", { hasText: "D-8" }).locator(".cells > .bad", { hasText: "DOB" });
  await birth.waitFor();
  assert.match(await birth.innerText(), /3\/4\/61[\s\S]*year of two digits/);
  assert.equal(await page.locator("article.rejected").count(), 14);
  await picture("rejected");

  const rejected = await download(page.locator("#download-rejected"));
  assert.equal(rejected.name, "harborview-dirty.csv.rejected.csv");
  assert.match(rejected.content, /Issues/);
  assert.match(rejected.content, /two-digit-year/);
  const rows = await download(page.getByRole("link", { name: "rows.csv" }));
  assert.equal(rows.content.trim().split("\n").length, 23);
  const receipt = await download(page.getByRole("link", { name: "Receipt (JSON)" }));
  assert.equal(JSON.parse(receipt.content).totals.failed, 14);
});

test("corrected rows are dropped again", async () => {
  const rejected = await download(page.locator("#download-rejected"));
  const lines = rejected.content.split("\r\n").length > 2 ? rejected.content.split("\r\n") : rejected.content.split("\n");
  const corrected = [lines[0], lines.find((line) => line.includes("D-8;")).replace("3/4/61", "3/4/1961")].join("\n");
  await page.keyboard.press("1");
  await page.waitForURL(host.address);
  await dropFile("harborview-dirty corrected.csv", Buffer.from(corrected, "latin1"));
  await drop("harborview-dirty corrected.csv").getByText("loaded", { exact: true }).waitFor();
  assert.match(await drop("harborview-dirty corrected.csv").innerText(), /1 created/);
});

test("an order is found and tells its history", async () => {
  await page.keyboard.press("2");
  await page.waitForURL(`${host.address}orders`);
  await page.keyboard.press("/");
  await page.keyboard.type("d-10");
  const superseded = page.locator("#orders tr", { hasText: "order cancelled" });
  await superseded.waitFor();
  await picture("orders");
  await superseded.first().getByRole("link").first().click();
  await page.locator(".history .superseded").waitFor();
  assert.match(await page.locator(".history").first().innerText(), /Order \d+ took its place/);
  await page.locator(".history", { hasText: "OrderCancelled" }).waitFor();
  await picture("order");
});

test("events wait for the caller, and their messages can be looked at", async () => {
  await view("Events").click();
  const events = page.locator("section", { has: page.locator("#events") });
  await events.getByText("OrderCreationReceipt").first().waitFor();
  await events.locator("summary").first().click();
  await events.locator("pre").first().getByText("TransactionId").waitFor();
  await picture("events");
});

test("personal data can be hidden", async () => {
  await page.getByRole("button", { name: "Hide personal data" }).click();
  await page.getByRole("button", { name: "Show personal data" }).waitFor();
  await page.goto(`${host.address}orders`);
  await page.locator("#orders").getByText("•••").first().waitFor();
  assert.equal(await page.locator("#orders").getByText("D-101").count(), 0);
  await page.getByRole("button", { name: "Show personal data" }).click();
  await page.locator("#orders").getByText("D-101").first().waitFor();
});

test("a killed handler starts again, and nothing is lost", async () => {
  const pid = await page.locator("#handler").getAttribute("data-pid");
  await page.getByRole("button", { name: "Kill the handler" }).click();
  await page.locator("#notices").getByText("killed").waitFor();
  await page.locator(`#handler[data-pid]:not([data-pid="${pid}"])`).waitFor();
  await view("Drops").click();
  await dropFile("harborview-clean.csv", await readFile(join(SAMPLES, "harborview-clean.csv")));
  await drop("harborview-clean.csv").getByText("25 created").waitFor();
});

test("held events stay in the outbox until they are released", async () => {
  await page.getByRole("button", { name: "Hold events and results" }).click();
  await page.getByText("Events and results are held back", { exact: true }).waitFor();
  await page.getByRole("spinbutton").fill("3");
  await page.getByRole("button", { name: "Deliver twice" }).click();
  await page.getByText("The next 3 messages come twice").waitFor();
  await dropFile("members-2026-11.csv", await readFile(join(SAMPLES, "members-2026-11.csv")));
  await drop("members-2026-11.csv").getByText("2 rejected").waitFor();
  await page.getByText("The next 2 messages come twice").waitFor();
  await page.locator("#outbox", { hasNotText: /^0$/ }).waitFor();
  await view("Queues").click();
  await page.locator('tr[data-entity="events-harborview"]', { hasText: "held" }).waitFor();
  await picture("queues");
  await page.getByRole("button", { name: "Release events and results" }).click();
  await page.locator("#outbox", { hasText: /^0$/ }).waitFor();
});

test("the queue's messages are shown without being taken", async () => {
  await page.locator('tr[data-entity="events-harborview"]').getByRole("link").first().click();
  await page.locator("article.message summary").first().click();
  await page.locator("article.message pre").first().getByText("ResultObjectType").waitFor();
});

test("nothing on any page is against WCAG 2.2 AA", async () => {
  const order = await page.goto(`${host.address}orders`).then(() => page.locator("#orders a.row").first().getAttribute("href"));
  const dropped = await page.goto(host.address).then(() => page.locator("#drops a.row").first().getAttribute("href"));
  const wrong = [];
  for (const path of ["", "orders", order, dropped, "messages", "events", "queues", "queues/messages?name=events-harborview", "workbench", "nowhere"]) {
    await page.goto(new URL(path, host.address).href);
    await tools.accessible(`/${path}`).catch((error) => wrong.push(error.message));
  }
  assert.deepEqual(wrong, []);
});

test("the organization that was chosen stays", async () => {
  await page.goto(`${host.address}events?organization=harborview`);
  await page.goto(host.address);
  assert.equal(await page.locator("#organization").inputValue(), "harborview");
});

test("pages keep to the browser's strictest rules", () => {
  // The address that is not there is one the browser complains about, as it should.
  const unwanted = complaints.filter((complaint) => !complaint.startsWith(`the browser complains of ${host.address}nowhere: `));
  assert.deepEqual(unwanted, []);
});
