/** Starts the local host as a developer does, and tells what it printed to connect with. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SUITES = fileURLToPath(new URL("..", import.meta.url));
const BINARY = process.env.IRIS_LOCAL ?? join(SUITES, "../../target/debug/iris-local");
const START_LIMIT = 120_000;
const STOP_LIMIT = 30_000;

/** A new, empty folder for a local host's data. */
export function dataFolder() {
  return mkdtempSync(join(tmpdir(), "iris-clients-"));
}

/** A running local host whose data is in a folder; the folder outlives it. */
export class Host {
  static async start(data, { amqpPort = 0, tls = false } = {}) {
    const host = new Host();
    host.data = data;
    const errors = openSync(join(data, "stderr.log"), "a");
    const options = ["--json", "--data", data, "--entities", join(SUITES, "entities.json"), ...(tls ? ["--tls"] : [])];
    host.process = spawn(BINARY, [...options, "--amqp-port", String(amqpPort), "--blob-port", "0"], {
      stdio: ["ignore", "pipe", errors],
    });
    closeSync(errors);
    host.ended = once(host.process, "exit");
    const tooLate = setTimeout(() => host.process.kill("SIGKILL"), START_LIMIT);
    let line;
    for await (line of createInterface({ input: host.process.stdout })) break;
    clearTimeout(tooLate);
    if (!line) throw new Error(`the local host did not start:\n${readFileSync(join(data, "stderr.log"), "utf8")}`);
    host.connections = JSON.parse(line);
    return host;
  }

  /** Connection string with every right on every queue and topic. */
  get serviceBus() {
    return this.connections.serviceBus;
  }

  /** Connection string with every right on every container. */
  get storage() {
    return this.connections.storage;
  }

  /** What the sample organization connects with. */
  get caller() {
    return this.connections.organizations[0];
  }

  get amqpPort() {
    // The usual one is not said.
    return Number(new URL(parts(this.serviceBus).Endpoint).port || 5672);
  }

  /** Asks it to stop, as Ctrl-C does. */
  async stop() {
    const tooLate = setTimeout(() => this.process.kill("SIGKILL"), STOP_LIMIT);
    await this.#end("SIGINT");
    clearTimeout(tooLate);
  }

  /** Ends it without a word. */
  async kill() {
    await this.#end("SIGKILL");
  }

  async #end(signal) {
    this.process.kill(signal);
    await this.ended;
  }

  /** Stops it and removes its data. */
  async remove() {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** A connection string as an object. */
export function parts(connectionString) {
  const fields = connectionString.replace(/;$/, "").split(";");
  return Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf("=")), field.slice(field.indexOf("=") + 1)]));
}
