// A local host in a temporary folder, with its console.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Starts the program `IRIS_LOCAL` names. Gives the console's address and a function that ends everything. */
export async function startLocalHost() {
  const program = process.env.IRIS_LOCAL;
  if (!program) throw new Error("IRIS_LOCAL has to name the local host's program; `cargo xtask test --only console` sets it");
  const folder = await mkdtemp(join(tmpdir(), "iris-console-"));
  const ports = ["--console-port", "0", "--amqp-port", "0", "--blob-port", "0"];
  const child = spawn(program, ["--data", join(folder, "data"), ...ports], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /^Console: (\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
    ended.then((code) => reject(new Error(`the local host ended with ${code} before it was up`)));
  });
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { address, folder, stop };
}
