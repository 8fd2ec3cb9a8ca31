/** Tests that prove a line of the table in docs/LOCAL-HOST.md. */

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { test } from "node:test";

const groups = JSON.parse(readFileSync(new URL("../operations.json", import.meta.url)));
const known = new Set(groups.flatMap((group) => Object.keys(group.operations)));

/** A client library's name with its installed release. */
export function client(name) {
  const description = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url)));
  return `${name} ${description.version}`;
}

/** Gives the function that declares tests of a client. */
export function operations(client) {
  return (operation, title, run) => {
    if (!known.has(operation)) throw new Error(`${operation} is no known operation`);
    test(title, { timeout: 120_000 }, async (context) => {
      let passed = false;
      try {
        await run(context);
        passed = true;
      } finally {
        const line = JSON.stringify({ operation, client, passed });
        if (process.env.IRIS_CLIENTS_RESULTS) appendFileSync(process.env.IRIS_CLIENTS_RESULTS, `${line}\n`);
      }
    });
  };
}

/** A name no other test has. */
export function name() {
  return `t${randomUUID().replaceAll("-", "").slice(0, 16)}`;
}

/** Waits until the condition gives something, and gives that. */
export async function until(condition, limit = 60_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
