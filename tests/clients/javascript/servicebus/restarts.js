import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { Host, dataFolder } from "../host.js";
import { operation, Bus, bodies, receive } from "./bus.js";

/** A waiting, a locked, a deferred, a scheduled and a dead message, and a session's state; gives the deferred one's number. */
async function leaveOneOfEach(bus) {
  const sender = bus.client.createSender("work");
  for (const body of ["deferred", "dead", "done", "locked", "waiting"]) await sender.sendMessages({ body });
  await sender.scheduleMessages({ body: "scheduled" }, new Date(Date.now() + 3_600_000));
  const session = await bus.client.acceptSession("talks", "kept");
  await session.setSessionState("step 3");
  await bus.send("unique", { body: "first", messageId: "u-1" });
  return bus.receiving("work", async (receiver) => {
    const messages = await receive(receiver, 4);
    await receiver.deferMessage(messages[0]);
    await receiver.deadLetterMessage(messages[1], { deadLetterReason: "why" });
    await receiver.completeMessage(messages[2]);
    return messages[0].sequenceNumber;
  });
}

async function findOneOfEach(bus, deferred) {
  await bus.receiving("work", async (receiver) => {
    const states = Object.fromEntries((await bus.peek("work")).map((message) => [message.body, message.state]));
    assert.deepEqual(states, { deferred: "deferred", locked: "active", waiting: "active", scheduled: "scheduled" });
    const messages = [...(await receive(receiver, 2)), ...(await receiver.receiveDeferredMessages(deferred))];
    assert.deepEqual(bodies(messages).sort(), ["deferred", "locked", "waiting"]);
    for (const message of messages) await receiver.completeMessage(message);
  });
  assert.equal((await bus.deadLetters("work"))[0].deadLetterReason, "why");
  const session = await bus.client.acceptSession("talks", "kept");
  assert.equal(await session.getSessionState(), "step 3");
  await bus.send("unique", { body: "second", messageId: "u-1" });
  assert.deepEqual(bodies(await bus.take("unique")), ["first"]);
  await bus.assertEmpty("unique");
}

async function survives(ending) {
  const data = dataFolder();
  const before = await Host.start(data);
  let bus = new Bus(before.serviceBus);
  const deferred = await leaveOneOfEach(bus);
  await before[ending]();
  await bus.close();
  const after = await Host.start(data);
  bus = new Bus(after.serviceBus);
  await findOneOfEach(bus, deferred);
  await bus.close();
  await after.remove();
}

export function restarts() {
  operation("restart", "messages survive a restart", () => survives("stop"));
  operation("kill", "acknowledged messages survive a kill", () => survives("kill"));

  operation("reconnect", "a client goes on after a restart", async () => {
    const data = dataFolder();
    const before = await Host.start(data);
    const bus = new Bus(before.serviceBus);
    const sender = bus.client.createSender("work");
    const receiver = bus.client.createReceiver("work");
    await sender.sendMessages({ body: "before" });
    await receiver.completeMessage((await receive(receiver))[0]);
    await before.kill();
    const after = await Host.start(data, { amqpPort: before.amqpPort });
    await sender.sendMessages({ body: "after" });
    const [message] = await receive(receiver);
    assert.equal(message.body, "after");
    await receiver.completeMessage(message);
    await bus.close();
    await after.stop();
    rmSync(data, { recursive: true, force: true });
  });
}
