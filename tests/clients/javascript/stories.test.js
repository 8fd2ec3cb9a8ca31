/** What a caller's own program does, with nothing but what the local host prints. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { ServiceBusClient } from "@azure/service-bus";
import { ContainerClient } from "@azure/storage-blob";
import { Host, dataFolder } from "./host.js";
import { name, operations, until } from "./operation.js";
import { runGuide } from "./stories/guide.js";
import { publishedClientOrder } from "./stories/published-client.js";

const operation = operations("JavaScript");
const sample = (file) => readFileSync(new URL(`../../../samples/${file}`, import.meta.url), "utf8");

let host;
let caller;

before(async () => {
  host = await Host.start(dataFolder());
  caller = host.caller;
});

after(() => host?.remove());

async function post(body) {
  const client = new ServiceBusClient(caller.orders.connectionString);
  await client.createSender(caller.orders.queue).sendMessages({ body, messageId: name() });
  await client.close();
}

/** Takes events until there is one for each of these orders; gives them by the caller's order id. */
async function events(...wanted) {
  const client = new ServiceBusClient(caller.events.connectionString);
  const receiver = client.createReceiver(caller.events.queue);
  const found = new Map();
  while (!wanted.every((id) => found.has(id))) {
    const messages = await receiver.receiveMessages(10, { maxWaitTimeInMs: 60_000 });
    assert.ok(messages.length > 0, `no event for ${wanted}`);
    for (const message of messages) {
      const event = typeof message.body === "object" && !Buffer.isBuffer(message.body) ? message.body : JSON.parse(message.body);
      found.set(event.OrderLocalId, event);
      await receiver.completeMessage(message);
    }
  }
  await client.close();
  return found;
}

function order(id) {
  const document = JSON.parse(sample("order.json"));
  document.Order.LocalId = id;
  document.Patient.LocalId = `P-${id}`;
  return document;
}

/** The receipt of a dropped file, once it is there. */
function receipt(receipts, file) {
  return until(async () => {
    for await (const blob of receipts.listBlobsFlat({ prefix: `receipts/${file}.` })) {
      if (blob.name.endsWith(".json") && !blob.name.endsWith(".rejected.json")) {
        return JSON.parse(await receipts.getBlobClient(blob.name).downloadToBuffer());
      }
    }
    return undefined;
  });
}

operation("story-order", "an order is posted and its event received", async () => {
  const id = name();
  await post(order(id));
  const event = (await events(id)).get(id);
  assert.ok(event.Success && event.IrisOrderId);
});

operation("story-published-client", "what IRIS's published TypeScript client writes", async () => {
  const id = name();
  await post(publishedClientOrder(caller.clientGuid, id));
  const event = (await events(id)).get(id);
  assert.ok(event.Success, event.ErrorMessage);
  assert.equal(event.PatientLocalId, `P-${id}`);
});

operation("story-http", "fetch posts one order, and a batch", async () => {
  const id = name();
  const send = (type, body, authorization = caller.ordersHttp.authorization) =>
    fetch(caller.ordersHttp.url, { method: "POST", headers: { authorization, "content-type": type }, body: JSON.stringify(body) });
  assert.equal((await send("application/json", order(`${id}-1`))).status, 201);
  const entries = [2, 3].map((index) => ({ Body: JSON.stringify(order(`${id}-${index}`)), UserProperties: { Source: "fetch" } }));
  assert.equal((await send("application/vnd.microsoft.servicebus.json", entries)).status, 201);
  const found = await events(`${id}-1`, `${id}-2`, `${id}-3`);
  for (const index of [1, 2, 3]) assert.ok(found.get(`${id}-${index}`).Success);
  assert.equal((await send("application/json", {}, "SharedAccessSignature sr=x")).status, 401);
});

operation("story-cancel", "the same message with another control code cancels", async () => {
  const id = name();
  const document = publishedClientOrder(caller.clientGuid, id);
  await post(document);
  assert.equal((await events(id)).get(id).ResultObjectType, "OrderCreationReceipt");
  await post({ ...document, OrderControlCode: 4 });
  assert.equal((await events(id)).get(id).ResultObjectType, "OrderCancelled");
});

operation("story-drop", "a CSV is dropped, its receipts are read", async () => {
  const file = `${name()}.csv`;
  await new ContainerClient(caller.drops.url).getBlockBlobClient(file).uploadData(Buffer.from(sample("harborview-clean.csv")));
  const { totals } = await receipt(new ContainerClient(caller.receipts.url), file);
  assert.deepEqual([totals.rows, totals.created + totals.replayed], [25, 25]);
});

operation("story-rest", "fetch and the printed URLs are enough", async () => {
  const id = name();
  const within = (url, path) => url.replace("?", `/${encodeURI(path)}?`);
  const put = await fetch(within(caller.drops.url, `${id}.json`), {
    method: "PUT",
    headers: { "x-ms-blob-type": "BlockBlob", "content-type": "application/json" },
    body: JSON.stringify(order(id)),
  });
  assert.equal(put.status, 201);
  const list = `${caller.receipts.url}&restype=container&comp=list&prefix=receipts/${id}.json.`;
  const found = await until(async () => {
    const names = [...(await (await fetch(list)).text()).matchAll(/<Name>([^<]*)<\/Name>/g)].map((match) => match[1]);
    return names.find((each) => each.endsWith(".json"));
  });
  const { totals } = await (await fetch(within(caller.receipts.url, found))).json();
  assert.equal(totals.created, 1);
  const get = await fetch(within(caller.drops.url, `${id}.json`));
  assert.equal(get.status, 403, "the drop URL reads nothing");
});

operation("story-guide", "the snippets of INTEGRATORS.md", async () => {
  const [posted, dropped, read] = await runGuide(caller);
  assert.deepEqual([posted, dropped], ["sent\n", "dropped\n"]);
  assert.match(read, /OrderCreationReceipt HV-FIRST-1 \d+/);
});
