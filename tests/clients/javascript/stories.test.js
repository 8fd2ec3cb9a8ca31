/** What a caller's own program does, with nothing but what the local host prints. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { ServiceBusClient } from "@azure/service-bus";
import { ContainerClient } from "@azure/storage-blob";
import { Host, dataFolder } from "./host.js";
import { name, operations, until } from "./operation.js";
import { runGuide } from "./stories/guide.js";
import { publishedClientOrder, runPublishedClient } from "./stories/published-client.js";

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

operation("story-published-names", "the calls of IRIS's published client", async () => {
  const id = name();
  const { published } = caller;
  // One client for each of its three connection strings; the names of the queues are its own.
  const orders = new ServiceBusClient(published.orders);
  const sender = orders.createSender("orders");
  await sender.sendMessages({ body: publishedClientOrder(caller.clientGuid, id) });
  await orders.close();
  const client = new ServiceBusClient(published.events);
  const found = [];
  const subscription = client.createReceiver("events").subscribe({
    processMessage: async ({ body }) => found.push(body),
    processError: async ({ error }) => assert.fail(error),
  });
  const event = await until(() => found.find((each) => each.OrderLocalId === id));
  await subscription.close();
  await client.close();
  assert.deepEqual([event.ResultObjectType, event.Success], ["OrderCreationReceipt", true]);
});

if (process.env.IRIS_PUBLISHED_CLIENT) {
  operation("story-published-names", "IRIS's published client, as it is published", async () => {
    const id = name();
    const said = await runPublishedClient(process.env.IRIS_PUBLISHED_CLIENT, caller, id);
    const event = said.find((each) => each.OrderLocalId === id);
    assert.deepEqual([event?.ResultObjectType, event?.Success], ["OrderCreationReceipt", true]);
  });
}

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

/** Takes messages of a queue until those so far are enough. */
async function take({ queue, connectionString }, isEnough) {
  const client = new ServiceBusClient(connectionString);
  const receiver = client.createReceiver(queue);
  const found = [];
  while (!isEnough(found)) {
    const messages = await receiver.receiveMessages(20, { maxWaitTimeInMs: 60_000 });
    assert.ok(messages.length > 0, `nothing more came after ${found.map((each) => each.ResultObjectType)}`);
    for (const message of messages) {
      found.push(typeof message.body === "object" && !Buffer.isBuffer(message.body) ? message.body : JSON.parse(message.body));
      await receiver.completeMessage(message);
    }
  }
  await client.close();
  return found;
}

/** The events of an order up to the first of a kind. */
async function eventsUntil(id, last) {
  const ofOrder = (all) => all.filter((each) => each.OrderLocalId === id);
  const isLast = (each) => each.ResultObjectType === last;
  return ofOrder(await take(caller.events, (all) => ofOrder(all).some(isLast)));
}

async function upload(file, content) {
  await new ContainerClient(caller.images.url).getBlockBlobClient(file).uploadData(content);
}

/** Posts the sample grading for an order, and gives its events and its result. */
async function graded(id) {
  const client = new ServiceBusClient(caller.gradings.connectionString);
  const body = { ...JSON.parse(sample("exam/grading.json")), LocalId: id };
  await client.createSender(caller.gradings.queue).sendMessages({ body, messageId: name() });
  await client.close();
  const events = await eventsUntil(id, "ResultsDeliveryReceipt");
  const ofOrder = (each) => (each.Order?.LocalId ?? each.OrderLocalId) === id;
  const message = (await take(caller.results, (all) => all.some(ofOrder))).find(ofOrder);
  return { events, result: await whole(message) };
}

/** A result that is larger than its queue takes comes without its report, and says where the whole of it is. */
async function whole(message) {
  const place = message.Document ?? message.ResultsDocument?.Location;
  if (!place) return message;
  const results = new ContainerClient(caller.receipts.url);
  return JSON.parse(await results.getBlobClient(place.FileName).downloadToBuffer());
}

const kinds = (all) => all.map((each) => each.ResultObjectType);

operation("story-loop", "from an order to its report", async () => {
  const id = name();
  const document = JSON.parse(sample("exam/order.json"));
  document.Order.LocalId = id;
  document.Patient.LocalId = `P-${id}`;
  for (const image of document.Camera.Images) image.AzureBlobStorage.FileName = `${id}-${image.Laterality}.jpg`;
  await post(document);
  for (const [eye, side] of [["OD", "right"], ["OS", "left"]]) {
    const content = readFileSync(new URL(`../../../samples/exam/images/hv-exam-1-${side}.jpg`, import.meta.url));
    await upload(`${id}-${eye}.jpg`, content);
  }
  const before = await eventsUntil(id, "ReadyForGradingEvent");
  assert.deepEqual(kinds(before), ["OrderCreationReceipt", "ImageReceipt", "ImageReceipt", "ReadyForGradingEvent"]);
  assert.ok(before.every((each) => each.Success));
  const { events, result } = await graded(id);
  assert.deepEqual(kinds(events), ["GradingReceipt", "OrderGradedEvent", "ResultsDeliveryReceipt"]);
  assert.equal(result.Order.PatientOrderId, before[0].IrisOrderId);
  assert.deepEqual(result.Images.map((image) => image.Preferred), [true, true]);
  const pdf = Buffer.from(result.ResultsDocument.Content, "base64");
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  const file = events[2].Endpoint.slice(caller.receipts.container.length + 1);
  assert.equal(file, `reports/${id}.pdf`);
  const written = await new ContainerClient(caller.receipts.url).getBlobClient(file).downloadToBuffer();
  assert.ok(written.length >= pdf.length, "the file has the full report, a message a smaller one");
});

operation("story-loop-metadata", "pictures that name their order in EXIF", async () => {
  const id = "I-O2";
  const image = (file) => readFileSync(new URL(`../../images/${file}`, import.meta.url));
  await post(order(id));
  await upload(`${name()}.jpg`, image("accession-od.jpg"));
  await upload(`${name()}.png`, image("accession-os.png"));
  const before = await eventsUntil(id, "ReadyForGradingEvent");
  assert.equal(before.filter((each) => each.ResultObjectType === "ImageReceipt" && each.Success).length, 2);
  const { events, result } = await graded(id);
  assert.ok(events.every((each) => each.Success));
  assert.equal(result.ImageDetails.TotalCount, 2);
  assert.equal(Buffer.from(result.ResultsDocument.Content, "base64").subarray(0, 5).toString(), "%PDF-");
});

operation("story-guide", "the snippets of INTEGRATORS.md", async () => {
  const [posted, dropped, read] = await runGuide(caller);
  assert.deepEqual([posted, dropped], ["sent\n", "dropped\n"]);
  assert.match(read, /OrderCreationReceipt HV-FIRST-1 \d+/);
});
