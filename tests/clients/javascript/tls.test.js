/** Both libraries in TLS, with the certificate the local host makes. Node takes further authorities from its environment only. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Host, dataFolder } from "./host.js";
import { client, operations } from "./operation.js";

const bus = operations(client("@azure/service-bus"));
const blob = operations(client("@azure/storage-blob"));
const PROGRAM = fileURLToPath(new URL("./stories/secure.js", import.meta.url));
/** What Node says of a certificate whose authority it does not know; it depends on what else the server sends. */
const NOT_TRUSTED = { stderr: /unable to verify the first certificate|self.signed certificate/i };
let host;

before(async () => {
  host = await Host.start(dataFolder(), { tls: true });
});

after(() => host?.remove());

function run(what, connectionString, trusted) {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: trusted ? host.connections.certificate : "" };
  return promisify(execFile)(process.execPath, [PROGRAM, what, connectionString], { env });
}

bus("tls", "a message in TLS", async () => {
  assert.equal((await run("bus", host.serviceBus, true)).stdout, "secret\n");
});

bus("tls-untrusted", "a certificate that is not trusted", async () => {
  await assert.rejects(run("bus", host.serviceBus, false), NOT_TRUSTED);
});

blob("blob-tls", "a blob in TLS", async () => {
  assert.ok(host.storage.includes("https://"));
  assert.equal((await run("blob", host.storage, true)).stdout, "secret\n");
  await assert.rejects(run("blob", host.storage, false), NOT_TRUSTED);
});
