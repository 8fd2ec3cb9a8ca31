import assert from "node:assert/strict";
import { delay } from "@azure/service-bus";
import { name, until } from "../operation.js";
import { operation, bodies, receive } from "./bus.js";

export function sessions(bus) {
  const say = (queue, sessionId, ...texts) => bus().send(queue, ...texts.map((body) => ({ body, sessionId })));

  async function inSession(accepting, work) {
    const receiver = await accepting;
    try {
      return await work(receiver);
    } finally {
      await receiver.close();
    }
  }

  const accept = (queue, sessionId, options = {}) => bus().client.acceptSession(queue, sessionId, options);

  operation("session-next", "the next free sessions", async () => {
    const [a, b] = [`${name()}-a`, `${name()}-b`];
    await say("talks", a, "a1", "a2");
    await say("talks", b, "b1");
    const next = () => bus().client.acceptNextSession("talks");
    await inSession(next(), (one) => inSession(next(), async (other) => {
      assert.deepEqual([one.sessionId, other.sessionId].sort(), [a, b].sort());
      for (const receiver of [one, other]) {
        for (const message of await receive(receiver, receiver.sessionId === a ? 2 : 1)) {
          assert.equal(message.sessionId, receiver.sessionId);
          await receiver.completeMessage(message);
        }
      }
    }));
  });

  operation("session-by-id", "a session in its order", async () => {
    const [mine, yours] = [name(), name()];
    for (const index of [1, 2, 3]) {
      await say("talks", mine, `mine ${index}`);
      await say("talks", yours, `yours ${index}`);
    }
    for (const [id, who] of [[mine, "mine"], [yours, "yours"]]) {
      await inSession(accept("talks", id), async (receiver) => {
        assert.equal(receiver.sessionId, id);
        const messages = await receive(receiver, 3);
        assert.deepEqual(bodies(messages), [`${who} 1`, `${who} 2`, `${who} 3`]);
        for (const message of messages) await receiver.completeMessage(message);
      });
    }
  });

  operation("session-state", "state is kept", async () => {
    const id = name();
    await inSession(accept("talks", id), async (receiver) => {
      assert.ok(!(await receiver.getSessionState()));
      await receiver.setSessionState({ step: 2 });
    });
    await inSession(accept("talks", id), async (receiver) => {
      assert.deepEqual(await receiver.getSessionState(), { step: 2 });
      await receiver.setSessionState(null);
    });
  });

  operation("session-renew", "a renewed lock holds", async () => {
    const id = name();
    await say("brief-talks", id, "long work");
    await inSession(accept("brief-talks", id, { maxAutoLockRenewalDurationInMs: 0 }), async (receiver) => {
      const first = receiver.sessionLockedUntilUtc.getTime();
      const [message] = await receive(receiver);
      while (Date.now() < first + 200) {
        assert.ok((await receiver.renewSessionLock()).getTime() > first);
        await delay(200);
      }
      await receiver.completeMessage(message);
    });
  });

  operation("session-held", "a session someone else holds", async () => {
    const id = name();
    await inSession(accept("talks", id), async () => {
      await assert.rejects(accept("talks", id), { code: "SessionCannotBeLocked" });
    });
    await inSession(accept("talks", id), async (receiver) => assert.equal(receiver.sessionId, id));
  });

  operation("session-none", "no free session", async () => {
    const { ServiceBusClient } = await import("@azure/service-bus");
    const impatient = new ServiceBusClient(bus().connectionString, { retryOptions: { timeoutInMs: 1_500, maxRetries: 0 } });
    await assert.rejects(impatient.acceptNextSession("talks"), { code: /SessionCannotBeLocked|ServiceTimeout/ });
    await impatient.close();
  });

  operation("session-required", "what does not fit the queue", async () => {
    await assert.rejects(bus().receiving("talks", (receiver) => receiver.receiveMessages(1, { maxWaitTimeInMs: 1_000 })));
    await assert.rejects(accept("work", "none"));
    await assert.rejects(bus().send("talks", "no session"));
  });

  operation("session-lock-lost", "settling after the session's lock ran out", async () => {
    const id = name();
    await say("brief-talks", id, "slow");
    await inSession(accept("brief-talks", id, { maxAutoLockRenewalDurationInMs: 0 }), async (receiver) => {
      const [message] = await receive(receiver);
      await until(() => Date.now() > receiver.sessionLockedUntilUtc.getTime() + 200);
      await assert.rejects(receiver.completeMessage(message), { code: "SessionLockLost" });
    });
    await inSession(accept("brief-talks", id), async (receiver) => receiver.completeMessage((await receive(receiver))[0]));
  });
}
