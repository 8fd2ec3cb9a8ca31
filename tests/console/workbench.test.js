// The workbench in a real browser: an unknown workbook becomes a mapping, is loaded, and its rejected row comes back corrected.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browser.js";

const WORKBOOK = new URL("./eye-gaps-2026-Q4.xlsx", import.meta.url).pathname;

let tools, host, page;

before(async () => {
  tools = await openBrowser();
  ({ host, page } = tools);
});

after(() => tools?.close());

const line = (header) => page.locator(`tr[data-column="${header}"]`);
const press = async (name) => {
  await Promise.all([page.waitForLoadState("load"), page.waitForResponse((answer) => answer.request().method() === "POST"), page.getByRole("button", { name }).click()]);
};

test("a file nobody knows is refused with the way to the workbench", async () => {
  await page.setInputFiles("#file", WORKBOOK);
  const row = page.locator("#drops tr", { hasText: "eye-gaps-2026-Q4.xlsx" });
  await row.getByText("refused").waitFor();
  await row.getByRole("link").click();
  await page.getByRole("button", { name: "Say what its columns are" }).click();
  await page.waitForURL(/\/workbench\//);
});

test("what is sure is chosen, and what is not is asked", async () => {
  assert.equal(await line("D.O.B.").locator("select").inputValue(), "PatientDob");
  assert.equal(await line("Mbr #").locator("select").inputValue(), "HealthPlanMemberId");
  assert.equal(await line("Status").locator("select").inputValue(), "");
  assert.match(await line("PCP NPI").innerText(), /exact[\s\S]*monthly member file/);
  assert.match(await line("Diagnosis").innerText(), /strong[\s\S]*ICD-10-CM codes/);
  assert.match(await page.locator("#dates-head + p").innerText(), /5 of 7 have a second part over 12: month first/);
  const needs = page.locator(".need");
  assert.deepEqual(await needs.evaluateAll((all) => all.map((need) => need.dataset.field)), ["PatientLocalId", "EvaluationType"]);
  assert.equal(await page.getByRole("button", { name: "Save the mapping" }).count(), 0);
  await tools.accessible("the workbench");
  await tools.picture("workbench");
});

test("a person says what is missing and confirms ids and birth dates", async () => {
  await page.selectOption('[name="m-PatientLocalId"]', { label: "column Mbr #" });
  await page.selectOption('[name="m-EvaluationType"]', "constant");
  await page.selectOption('[name="v-EvaluationType"]', "DR");
  await page.locator('table[data-field="SiteLocalId"] tr', { hasText: "Eastside" }).locator("select").selectOption("HV-BOI");
  await page.check('[name="k-PatientDob"]');
  await page.check('[name="k-OrderLocalId"]');
  await press("Preview");
  await page.getByText("PatientLocalId wants your confirmation").waitFor();
  await page.check('[name="k-PatientLocalId"]');
  await press("Preview");
  const preview = page.locator("#preview");
  await preview.waitFor();
  assert.match(await preview.innerText(), /8 rows · 7 created · 1 rejected/);
  assert.match(await preview.innerText(), /D\.O\.B\.: .*3\/4\/61.*year of two digits/);
  await preview.locator(".tried .changed", { hasText: "HV-SEA" }).first().getByText("Seattle").waitFor();
  await tools.accessible("the preview");
  await tools.picture("preview");
});

test("the mapping is saved, and the file loads by it", async () => {
  await press("Save the mapping");
  await page.getByText("The mapping is saved").waitFor();
  await press("Load this file now");
  await page.waitForURL(host.address);
  await page.locator("#drops tr", { hasText: "eye-gaps-2026-Q4.xlsx" }).getByText("7 created").waitFor();
});

test("the corrected row loads under any name", async () => {
  await page.locator("#drops tr", { hasText: "7 created" }).getByRole("link").click();
  const rejected = await tools.download(page.locator("#download-rejected"));
  assert.match(rejected.name, /rejected\.xlsx$/);
  // As a person would who corrects it in a spreadsheet and saves it as text under a name of their own.
  const header = "Mbr #,Last,First,D.O.B.,Gender,Home Clinic,Phone,Referral #,PCP NPI,Diagnosis,Status";
  const row = "M40103,Sample,Dan,3/4/1961,Male,Boise,206-555-0103,RF-7004,1234567893,E11.9,open";
  await page.goto(host.address);
  await page.setInputFiles("#file", { name: "for iris.csv", mimeType: "text/csv", buffer: Buffer.from(`${header}\n${row}\n`) });
  await page.locator("#drops tr", { hasText: "for iris.csv" }).getByText("1 created").waitFor();
});

test("pages keep to the browser's strictest rules", () => {
  assert.deepEqual(tools.complaints, []);
});
