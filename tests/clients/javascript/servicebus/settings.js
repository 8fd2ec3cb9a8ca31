import assert from "node:assert/strict";
import { name, until } from "../operation.js";
import { operation, bodies, receive } from "./bus.js";

export function settings(bus) {
  operation("time-to-live", "a message expires", async () => {
    await bus().send("work", { body: "short", timeToLive: 1_000 }, { body: "long", timeToLive: 3_600_000 });
    await until(async () => bodies(await bus().peek("work")).join() === "long");
    assert.deepEqual(bodies(await bus().take("work")), ["long"]);
  });

  operation("queue-time-to-live", "the queue says how long", async () => {
    await bus().send("fading", { body: "short", timeToLive: 3_600_000 });
    await until(async () => (await bus().peek("fading")).length === 0);
    await bus().assertEmpty("fading", { subQueueType: "deadLetter" });
  });

  operation("expired-aside", "expired messages are kept aside", async () => {
    await bus().send("fading-aside", "late");
    const [message] = await bus().deadLetters("fading-aside");
    assert.deepEqual([message.body, message.deadLetterReason], ["late", "TTLExpiredException"]);
  });

  operation("duplicates", "the same id is taken once", async () => {
    const messageId = name();
    await bus().send("unique", { body: "first", messageId }, { body: "second", messageId }, { body: "other" });
    assert.deepEqual(bodies(await bus().take("unique", 2)), ["first", "other"]);
    await bus().send("unique", { body: "third", messageId });
    await bus().assertEmpty("unique");
  });

  operation("max-deliveries", "delivered too often", async () => {
    await bus().send("impatient", "poison");
    await bus().receiving("impatient", async (receiver) => {
      for (let delivery = 0; delivery < 2; delivery++) await receiver.abandonMessage((await receive(receiver))[0]);
    });
    const [message] = await bus().deadLetters("impatient");
    assert.deepEqual([message.body, message.deadLetterReason], ["poison", "MaxDeliveryCountExceeded"]);
  });

  operation("forward", "a message is passed on", async () => {
    await bus().send("relay", { body: "passed on", messageId: "f-1", applicationProperties: { kept: 1 } });
    const [message] = await bus().take("inbox");
    assert.deepEqual([message.body, message.messageId, message.applicationProperties], ["passed on", "f-1", { kept: 1 }]);
  });

  operation("forward-dead-letters", "dead letters are passed on", async () => {
    await bus().send("strict", "bad");
    await bus().receiving("strict", async (receiver) =>
      receiver.deadLetterMessage((await receive(receiver))[0], { deadLetterReason: "why" }));
    const [message] = await bus().take("lost-letters");
    assert.deepEqual([message.body, message.deadLetterReason, message.deadLetterSource], ["bad", "why", "strict"]);
  });
}
