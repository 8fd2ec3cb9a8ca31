/** rhea: AMQP 1.0 without anything of Azure's. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before } from "node:test";
import rhea from "rhea";
import { Host, dataFolder, parts } from "./host.js";
import { client, operations } from "./operation.js";

const operation = operations(client("rhea"));
let host;

before(async () => {
  host = await Host.start(dataFolder());
});

after(() => host?.remove());

/** Lends a connection that shows a key's name and secret. */
async function connected(connectionString, work) {
  const { SharedAccessKeyName: username, SharedAccessKey: password } = parts(connectionString);
  const container = rhea.create_container();
  const connection = container.connect({ host: "127.0.0.1", port: host.amqpPort, username, password, reconnect: false });
  await once(connection, "connection_open");
  try {
    return await work(connection);
  } finally {
    connection.close();
    await once(connection, "connection_close");
  }
}

async function send(connection, address, ...messages) {
  const sender = connection.open_sender(address);
  await once(sender, "sendable");
  for (const message of messages) {
    const settled = once(sender, "accepted");
    sender.send(message);
    await settled;
  }
  sender.close();
}

/** Takes a message under a lock; `settle` says what becomes of it. */
async function take(connection, address, settle) {
  const receiver = connection.open_receiver({ source: address, autoaccept: false, credit_window: 0 });
  const arrived = once(receiver, "message");
  receiver.add_credit(1);
  const [{ message, delivery }] = await arrived;
  settle(delivery);
  receiver.close();
  await once(receiver, "receiver_close");
  return message;
}

operation("amqp-send", "a message is sent and received", () => connected(host.serviceBus, async (connection) => {
  const large = "x".repeat(700_000);
  await send(connection, "work", { body: "one", message_id: "m-1", application_properties: { kept: 1 } }, { body: large });
  const one = await take(connection, "work", (delivery) => delivery.accept());
  assert.deepEqual([one.body, one.message_id, one.application_properties], ["one", "m-1", { kept: 1 }]);
  assert.equal((await take(connection, "work", (delivery) => delivery.accept())).body, large);
}));

operation("amqp-settle", "a message is settled in every way", () => connected(host.serviceBus, async (connection) => {
  await send(connection, "work", { body: "again" });
  await take(connection, "work", (delivery) => delivery.release());
  await take(connection, "work", (delivery) => delivery.modified({ delivery_failed: true }));
  const again = await take(connection, "work", (delivery) => delivery.reject({ condition: "a:b", description: "why" }));
  assert.equal(again.delivery_count, 1);
  const letter = await take(connection, "work/$DeadLetterQueue", (delivery) => delivery.accept());
  assert.deepEqual([letter.body, letter.application_properties.DeadLetterErrorDescription], ["again", "why"]);
}));

operation("amqp-rights", "a key does what it may and no more", () => connected(host.caller.orders.connectionString, async (connection) => {
  const sender = connection.open_sender(host.caller.orders.queue);
  await once(sender, "sendable");
  const refused = connection.open_receiver(host.caller.orders.queue);
  await once(refused, "receiver_error");
  assert.equal(refused.error.condition, "amqp:unauthorized-access");
}));
