import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { ServiceBusClient } from "@azure/service-bus";
import { parts } from "../host.js";
import { operation, bodies } from "./bus.js";

// A refusal is final: the client's own repetitions would only take time.
const ONCE = { retryOptions: { maxRetries: 0, timeoutInMs: 15_000 } };
const REFUSED = { code: "UnauthorizedAccess" };

async function connected(connectionString, work) {
  const client = new ServiceBusClient(connectionString, ONCE);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const send = (connectionString, queue) =>
  connected(connectionString, (client) => client.createSender(queue).sendMessages({ body: "hello" }));

const look = (connectionString, queue) =>
  connected(connectionString, (client) => client.createReceiver(queue).receiveMessages(1, { maxWaitTimeInMs: 1_000 }));

const withoutEntity = (connectionString) => connectionString.split(";EntityPath=")[0];

export function rights(bus, host) {
  operation("send-only", "a send-only key", async () => {
    const { connectionString, queue } = host().caller.orders;
    await assert.rejects(look(connectionString, queue), REFUSED);
    // What it may do is among the stories; that it was let in shows here.
    await connected(connectionString, async (client) => {
      assert.ok((await client.createSender(queue).createMessageBatch()).maxSizeInBytes > 0);
    });
  });

  operation("listen-only", "a listen-only key", async () => {
    const { connectionString, queue } = host().caller.results;
    await bus().send(queue, "a result");
    await assert.rejects(send(connectionString, queue), REFUSED);
    await connected(connectionString, async (client) => {
      const receiver = client.createReceiver(queue);
      const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
      assert.equal(message.body, "a result");
      await receiver.completeMessage(message);
    });
  });

  operation("other-entity", "a key of another queue", async () => {
    await assert.rejects(send(withoutEntity(host().caller.orders.connectionString), "work"), REFUSED);
    await assert.rejects(look(withoutEntity(host().caller.results.connectionString), "work"), REFUSED);
  });

  operation("wrong-key", "a wrong key", async () => {
    const { SharedAccessKey: key } = parts(host().serviceBus);
    const wrong = host().serviceBus.replace(key, Buffer.alloc(32, 7).toString("base64"));
    await assert.rejects(send(wrong, "work"), REFUSED);
  });

  operation("unknown-key", "an unknown key name", async () => {
    await assert.rejects(look(host().serviceBus.replace("RootManageSharedAccessKey", "Nobody"), "work"), REFUSED);
  });

  operation("unknown-entity", "an unknown queue", async () => {
    const named = { code: "MessagingEntityNotFound", message: /sb:\/\/127.0.0.1[:0-9]*\/nowhere' could not be found/ };
    await assert.rejects(send(host().serviceBus, "nowhere"), named);
    await assert.rejects(look(host().serviceBus, "nowhere"), { code: "MessagingEntityNotFound" });
  });

  operation("named-by-key", "a queue by the name its key has for it", async () => {
    const { published, results } = host().caller;
    await bus().send(results.queue, "a result");
    await connected(published.results, async (client) => {
      const receiver = client.createReceiver("results");
      const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 10_000 });
      assert.equal(message.body, "a result");
      await receiver.completeMessage(message);
    });
    await assert.rejects(send(published.results, "results"), REFUSED);
    await assert.rejects(look(published.results, "orders"), REFUSED);
  });

  function withToken(lifetime) {
    const { Endpoint, SharedAccessKey, SharedAccessKeyName } = parts(host().serviceBus);
    const address = encodeURIComponent(`${Endpoint.replace(/\/$/, "")}/work`);
    const expiry = Math.floor(Date.now() / 1000) + lifetime;
    const signature = createHmac("sha256", SharedAccessKey).update(`${address}\n${expiry}`).digest("base64");
    const token = `sr=${address}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${SharedAccessKeyName}`;
    return `Endpoint=${Endpoint};SharedAccessSignature=SharedAccessSignature ${token};UseDevelopmentEmulator=true`;
  }

  operation("token", "a token of one's own", async () => {
    await send(withToken(60), "work");
    assert.deepEqual(bodies(await bus().take("work")), ["hello"]);
    await assert.rejects(send(withToken(60), "brief"), REFUSED);
  });

  operation("token-expired", "an expired token", async () => {
    await assert.rejects(send(withToken(-60), "work"), REFUSED);
  });
}
