/** The Service Bus client as the tests use it. */

import assert from "node:assert/strict";
import { ServiceBusClient } from "@azure/service-bus";
import Long from "long";
import { client, operations } from "../operation.js";

export const operation = operations(client("@azure/service-bus"));

// Longer than any delivery takes; a test that waits this long has failed.
const PATIENCE = 20_000;

/** A client with every right, and what tests do with it again and again. */
export class Bus {
  constructor(connectionString) {
    this.connectionString = connectionString;
    this.client = new ServiceBusClient(connectionString);
  }

  async close() {
    await this.client.close();
  }

  async send(queue, ...messages) {
    const sender = this.client.createSender(queue);
    for (const message of messages) await sender.sendMessages(typeof message === "string" ? { body: message } : message);
    await sender.close();
  }

  /** Lends a receiver of a queue, or of a topic's subscription given as `topic/subscription`. */
  async receiving(source, work, options = {}) {
    const receiver = this.client.createReceiver(...source.split("/"), options);
    try {
      return await work(receiver);
    } finally {
      await receiver.close();
    }
  }

  /** Receives and deletes this many messages. */
  take(source, count = 1, options = {}) {
    return this.receiving(source, (receiver) => receive(receiver, count), { receiveMode: "receiveAndDelete", ...options });
  }

  deadLetters(source, count = 1) {
    return this.take(source, count, { subQueueType: "deadLetter" });
  }

  /** Up to ten messages from the first on; the client itself would go on where it last stopped. */
  peek(source, options = {}) {
    return this.receiving(source, (receiver) => receiver.peekMessages(10, { fromSequenceNumber: Long.ONE }), options);
  }

  async assertEmpty(source, options = {}) {
    assert.deepEqual(bodies(await this.peek(source, options)), []);
  }
}

/** Exactly this many messages: a receive may give fewer than are asked for. */
export async function receive(receiver, count = 1) {
  const messages = [];
  while (messages.length < count) {
    const more = await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: PATIENCE });
    assert.ok(more.length > 0, `only ${messages.length} of ${count} messages came`);
    messages.push(...more);
  }
  return messages;
}

export function bodies(messages) {
  return messages.map((message) => message.body);
}
