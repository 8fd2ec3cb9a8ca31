/** The JavaScript snippets of docs/INTEGRATORS.md, run as they stand there. */

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = new URL("../../../../", import.meta.url);
/** Below the packages, so that a snippet finds them. */
const FOLDER = new URL("../node_modules/.guide/", import.meta.url);

/** Runs them in the order of the guide, each in a process of its own, and gives what they print. */
export async function runGuide(caller) {
  const guide = readFileSync(new URL("docs/INTEGRATORS.md", ROOT), "utf8");
  const env = {
    ...process.env,
    ORDERS: caller.orders.connectionString,
    EVENTS: caller.events.connectionString,
    DROPS: caller.drops.url,
    RESULTS: caller.receipts.url,
  };
  mkdirSync(FOLDER, { recursive: true });
  const said = [];
  for (const [, snippet] of guide.matchAll(/^```js\n([^]*?)^```$/gm)) {
    const file = fileURLToPath(new URL(`${said.length}.mjs`, FOLDER));
    writeFileSync(file, snippet);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: fileURLToPath(ROOT), env });
    said.push(stdout);
  }
  return said;
}
