import assert from "node:assert/strict";
import { delay } from "@azure/service-bus";
import { until } from "../operation.js";
import { operation, bodies, receive } from "./bus.js";

export function receiving(bus) {
  operation("receive-and-delete", "a message is gone when it is received", async () => {
    await bus().send("work", "gone");
    const [message] = await bus().take("work");
    assert.equal(message.lockToken, undefined);
    await bus().assertEmpty("work");
  });

  operation("complete", "a completed message is gone", async () => {
    await bus().send("work", "done");
    await bus().receiving("work", async (receiver) => {
      const [message] = await receive(receiver);
      assert.ok(message.lockedUntilUtc > new Date());
      await receiver.completeMessage(message);
      await assert.rejects(receiver.completeMessage(message));
    });
    await bus().assertEmpty("work");
  });

  operation("complete-many", "a hundred are completed side by side", async () => {
    await bus().send("work", ...Array.from({ length: 100 }, (_, index) => String(index)));
    await bus().receiving("work", async (receiver) => {
      const messages = await receive(receiver, 100);
      assert.equal(new Set(messages.map((message) => message.lockToken)).size, 100);
      await Promise.all(messages.map((message) => receiver.completeMessage(message)));
    });
    await bus().assertEmpty("work");
  });

  operation("abandon", "an abandoned message comes again, counted", async () => {
    await bus().send("work", "again");
    await bus().receiving("work", async (receiver) => {
      for (let delivery = 0; delivery < 3; delivery++) {
        const [message] = await receive(receiver);
        assert.equal(message.deliveryCount, delivery);
        await receiver.abandonMessage(message);
      }
      await receiver.completeMessage((await receive(receiver))[0]);
    });
  });

  operation("abandon-properties", "abandoning changes properties", async () => {
    await bus().send("work", { body: "again", applicationProperties: { kept: 1, attempt: 1 } });
    await bus().receiving("work", async (receiver) => {
      await receiver.abandonMessage((await receive(receiver))[0], { attempt: 2, note: "later" });
      const [message] = await receive(receiver);
      assert.deepEqual(message.applicationProperties, { kept: 1, attempt: 2, note: "later" });
      await receiver.completeMessage(message);
    });
  });

  operation("defer", "a deferred message is received by its number", async () => {
    await bus().send("work", "set aside", "next");
    await bus().receiving("work", async (receiver) => {
      const [aside] = await receive(receiver);
      await receiver.deferMessage(aside);
      const [following] = await receive(receiver);
      assert.equal(following.body, "next");
      await receiver.completeMessage(following);
      assert.equal((await bus().peek("work"))[0].state, "deferred");
      const [again] = await receiver.receiveDeferredMessages(aside.sequenceNumber);
      assert.equal(again.body, "set aside");
      await receiver.completeMessage(again);
      await assert.rejects(receiver.receiveDeferredMessages(aside.sequenceNumber));
    });
    await bus().assertEmpty("work");
  });

  operation("dead-letter", "a dead letter has reason and description", async () => {
    await bus().send("work", { body: "bad", applicationProperties: { kept: "yes" } });
    await bus().receiving("work", async (receiver) => {
      const why = { deadLetterReason: "malformed", deadLetterErrorDescription: "no “total”", seen: 1 };
      await receiver.deadLetterMessage((await receive(receiver))[0], why);
    });
    const [message] = await bus().deadLetters("work");
    assert.deepEqual([message.body, message.deadLetterReason, message.deadLetterErrorDescription], ["bad", "malformed", "no “total”"]);
    assert.equal(message.applicationProperties.kept, "yes");
    assert.equal(message.applicationProperties.seen, 1);
    await bus().assertEmpty("work");
  });

  operation("dead-letter-complete", "a dead letter is completed", async () => {
    await bus().send("work", "bad");
    await bus().receiving("work", async (receiver) => receiver.deadLetterMessage((await receive(receiver))[0]));
    const dead = { subQueueType: "deadLetter" };
    await bus().receiving("work", async (receiver) => receiver.completeMessage((await receive(receiver))[0]), dead);
    await bus().assertEmpty("work", dead);
  });

  operation("peek", "peeking goes on where it stopped", async () => {
    await bus().send("work", "1", "2", "3");
    await bus().receiving("work", async (receiver) => {
      const [{ sequenceNumber }] = await bus().peek("work");
      assert.deepEqual(bodies(await receiver.peekMessages(2, { fromSequenceNumber: sequenceNumber })), ["1", "2"]);
      assert.deepEqual(bodies(await receiver.peekMessages(10)), ["3"]);
      assert.deepEqual(await receiver.peekMessages(10), []);
    });
    assert.deepEqual((await bus().take("work", 3)).map((message) => message.deliveryCount), [0, 0, 0]);
  });

  operation("renew-lock", "a renewed lock holds", async () => {
    await bus().send("brief", "long work");
    await bus().receiving("brief", async (receiver) => {
      const [message] = await receive(receiver);
      const first = message.lockedUntilUtc.getTime();
      while (Date.now() < first + 200) {
        assert.ok((await receiver.renewMessageLock(message)).getTime() > first);
        await delay(200);
      }
      await receiver.completeMessage(message);
    }, { maxAutoLockRenewalDurationInMs: 0 });
    await bus().assertEmpty("brief");
  });

  operation("auto-renew", "the client renews by itself", async () => {
    await bus().send("brief", "long work");
    await bus().receiving("brief", async (receiver) => {
      const [message] = await receive(receiver);
      const first = message.lockedUntilUtc.getTime();
      await until(() => Date.now() > first + 500);
      await receiver.completeMessage(message);
    }, { maxAutoLockRenewalDurationInMs: 30_000 });
    await bus().assertEmpty("brief");
  });

  operation("lock-lost", "settling after the lock ran out is refused", async () => {
    await bus().send("brief", "slow");
    await bus().receiving("brief", async (receiver) => {
      const [message] = await receive(receiver);
      await until(() => Date.now() > message.lockedUntilUtc.getTime() + 200);
      await assert.rejects(receiver.completeMessage(message), { code: "MessageLockLost" });
      await assert.rejects(receiver.renewMessageLock(message), { code: "MessageLockLost" });
      await receiver.completeMessage((await receive(receiver))[0]);
    }, { maxAutoLockRenewalDurationInMs: 0 });
  });

  operation("lock-expiry", "a message whose lock ran out comes again", async () => {
    await bus().send("brief", "slow");
    await bus().receiving("brief", async (receiver) => {
      const [first] = await receive(receiver);
      const [second] = await receive(receiver);
      assert.ok(second.sequenceNumber.equals(first.sequenceNumber));
      assert.deepEqual([first.deliveryCount, second.deliveryCount], [0, 1]);
      await receiver.completeMessage(second);
    }, { maxAutoLockRenewalDurationInMs: 0 });
  });

  operation("empty", "waiting for nothing ends in time", async () => {
    await bus().receiving("work", async (receiver) => {
      assert.deepEqual(await receiver.receiveMessages(5, { maxWaitTimeInMs: 500 }), []);
    });
  });

  operation("partial", "fewer come than are asked for (drain)", async () => {
    await bus().send("work", "1", "2");
    await bus().receiving("work", async (receiver) => {
      const messages = await receiver.receiveMessages(50, { maxWaitTimeInMs: 5_000 });
      while (messages.length < 2) messages.push(...(await receiver.receiveMessages(50, { maxWaitTimeInMs: 5_000 })));
      for (const message of messages) await receiver.completeMessage(message);
      await bus().send("work", "3");
      await receiver.completeMessage((await receive(receiver))[0]);
    });
    await bus().assertEmpty("work");
  });

  operation("stream", "ten handlers at once", async () => {
    const sent = Array.from({ length: 50 }, (_, index) => String(index));
    await bus().send("work", ...sent);
    const seen = [];
    await bus().receiving("work", async (receiver) => {
      const subscription = receiver.subscribe({
        processMessage: async (message) => void seen.push(message.body),
        processError: async ({ error }) => assert.fail(error),
      }, { maxConcurrentCalls: 10 });
      await until(() => seen.length >= sent.length);
      await subscription.close();
    });
    assert.deepEqual(seen.sort(), sent.sort());
    await until(async () => (await bus().peek("work")).length === 0);
  });

  operation("stream", "a handler that fails abandons", async () => {
    await bus().send("work", "hard");
    const counts = [];
    await bus().receiving("work", async (receiver) => {
      const subscription = receiver.subscribe({
        processMessage: async (message) => {
          counts.push(message.deliveryCount);
          if (counts.length < 3) throw new Error("not yet");
        },
        processError: async () => {},
      });
      await until(() => counts.length === 3);
      await subscription.close();
    });
    assert.deepEqual(counts, [0, 1, 2]);
    await until(async () => (await bus().peek("work")).length === 0);
  });

  operation("stream", "an asynchronous iterator", async () => {
    await bus().send("work", "1", "2");
    await bus().receiving("work", async (receiver) => {
      const seen = [];
      for await (const message of receiver.getMessageIterator()) {
        seen.push(message.body);
        await receiver.completeMessage(message);
        if (seen.length === 2) break;
      }
      assert.deepEqual(seen, ["1", "2"]);
    });
  });

  operation("two-receivers", "two receivers share a queue", async () => {
    await bus().send("work", ...Array.from({ length: 20 }, (_, index) => String(index)));
    await bus().receiving("work", (one) => bus().receiving("work", async (other) => {
      const taken = [[one, await receive(one, 10)], [other, await receive(other, 10)]];
      const all = taken.flatMap(([, messages]) => bodies(messages));
      assert.equal(new Set(all).size, 20);
      for (const [receiver, messages] of taken) for (const message of messages) await receiver.completeMessage(message);
    }));
    await bus().assertEmpty("work");
  });

  operation("settle-later", "another receiver's link settles what was received before", async () => {
    await bus().send("work", "slow");
    await bus().receiving("work", async (receiver) => {
      let held;
      const subscription = receiver.subscribe({
        processMessage: async (message) => void (held = message),
        processError: async () => {},
      }, { autoCompleteMessages: false });
      await until(() => held);
      await subscription.close();
      await receiver.completeMessage(held);
    });
    await bus().assertEmpty("work");
  });

  operation("delivery-counts", "deferring counts, dead letters do not", async () => {
    await bus().send("work", "counted");
    await bus().receiving("work", async (receiver) => {
      const [first] = await receive(receiver);
      assert.equal(first.deliveryCount, 0);
      await receiver.deferMessage(first);
      const [second] = await receiver.receiveDeferredMessages(first.sequenceNumber);
      assert.equal(second.deliveryCount, 1);
      await receiver.deadLetterMessage(second);
    });
    await bus().receiving("work", async (letters) => {
      const counts = new Set();
      for (let time = 0; time < 3; time++) {
        const [letter] = await receive(letters);
        counts.add(letter.deliveryCount);
        await letters.abandonMessage(letter);
      }
      assert.equal(counts.size, 1);
      await letters.completeMessage((await receive(letters))[0]);
    }, { subQueueType: "deadLetter" });
  });
}
