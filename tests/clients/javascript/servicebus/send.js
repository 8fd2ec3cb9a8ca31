import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { operation, bodies, receive } from "./bus.js";

export function sending(bus) {
  operation("send", "a message is sent", async () => {
    await bus().send("work", "one");
    assert.deepEqual(bodies(await bus().take("work")), ["one"]);
  });

  operation("send", "an object is sent as JSON", async () => {
    const body = { text: "grün", list: [1, null, { deep: true }] };
    await bus().send("work", { body });
    assert.deepEqual((await bus().take("work"))[0].body, body);
  });

  operation("send-sections", "every property arrives", async () => {
    const at = new Date("2026-11-21T08:30:00Z");
    const sent = {
      body: Buffer.from([0, 255, 1]), messageId: "m-1", correlationId: "c-1", subject: "label", contentType: "application/x-test",
      to: "there", replyTo: "here", replyToSessionId: "r-1", timeToLive: 300_000, partitionKey: "p-1",
      applicationProperties: { text: "grün", whole: 7, part: 0.5, yes: true, at },
    };
    await bus().send("work", sent);
    const [got] = await bus().take("work");
    const { body, applicationProperties, ...properties } = sent;
    assert.deepEqual(Buffer.from(got.body), body);
    for (const [name, value] of Object.entries(properties)) assert.deepEqual(got[name], value, name);
    // The client hands out times as numbers.
    assert.deepEqual(got.applicationProperties, { ...applicationProperties, at: at.getTime() });
    assert.equal(got.deliveryCount, 0);
    assert.ok(got.sequenceNumber.toNumber() > 0 && got.enqueuedTimeUtc <= new Date(Date.now() + 5_000));
  });

  operation("send-batch", "a batch arrives in order", async () => {
    const expected = Array.from({ length: 100 }, (_, index) => `b-${index}`);
    const sender = bus().client.createSender("work");
    await sender.sendMessages(expected.map((body) => ({ body })));
    await sender.close();
    assert.deepEqual(bodies(await bus().take("work", 100)), expected);
  });

  operation("send-batch-full", "a batch is filled until it refuses", async () => {
    const sender = bus().client.createSender("work");
    const batch = await sender.createMessageBatch();
    while (batch.tryAddMessage({ body: Buffer.alloc(50_000) })) assert.ok(batch.sizeInBytes <= batch.maxSizeInBytes);
    await sender.sendMessages(batch);
    await sender.close();
    assert.ok(batch.count > 1);
    assert.equal((await bus().take("work", batch.count)).length, batch.count);
  });

  operation("send-large", "a message of many frames", async () => {
    const body = randomBytes(700_000);
    await bus().send("work", { body });
    assert.ok(body.equals((await bus().take("work"))[0].body));
  });

  operation("send-too-large", "a message over 1 MiB is refused", async () => {
    await assert.rejects(bus().send("work", { body: Buffer.alloc(1 << 20) }), { code: "MessageSizeExceeded" });
    await bus().assertEmpty("work");
  });

  operation("schedule", "scheduled messages wait for their time", async () => {
    const at = new Date(Date.now() + 2_000);
    const sender = bus().client.createSender("work");
    const numbers = await sender.scheduleMessages([{ body: "later" }, { body: "later" }], at);
    await sender.close();
    await bus().receiving("work", async (receiver) => {
      const [waiting] = await receiver.peekMessages(1, { fromSequenceNumber: numbers[0] });
      assert.equal(waiting.state, "scheduled");
      assert.equal(waiting.scheduledEnqueueTimeUtc.getTime(), at.getTime());
    });
    assert.deepEqual(bodies(await bus().take("work", 2)), ["later", "later"]);
    assert.ok(Date.now() >= at.getTime());
  });

  operation("schedule-by-property", "a message names its own time", async () => {
    const at = new Date(Date.now() + 2_000);
    await bus().send("work", { body: "later", scheduledEnqueueTimeUtc: at });
    assert.deepEqual(bodies(await bus().take("work")), ["later"]);
    assert.ok(Date.now() >= at.getTime());
  });

  operation("schedule-cancel", "a scheduled message is cancelled", async () => {
    const sender = bus().client.createSender("work");
    const numbers = await sender.scheduleMessages([{ body: "1" }, { body: "2" }], new Date(Date.now() + 3_600_000));
    await sender.cancelScheduledMessages(numbers);
    await assert.rejects(sender.cancelScheduledMessages(numbers[0]));
    await sender.close();
    await bus().assertEmpty("work");
  });

  operation("send-received", "a received message is sent again", async () => {
    await bus().send("work", { body: "again", messageId: "m-7", applicationProperties: { kept: 1 } });
    await bus().receiving("work", async (receiver) => receiver.deadLetterMessage((await receive(receiver))[0]));
    await bus().receiving("work", async (letters) => {
      const [letter] = await receive(letters);
      await bus().send("work", letter);
      await letters.completeMessage(letter);
    }, { subQueueType: "deadLetter" });
    const [got] = await bus().take("work");
    assert.deepEqual([got.body, got.messageId, got.deliveryCount, got.applicationProperties.kept], ["again", "m-7", 0, 1]);
  });
}
