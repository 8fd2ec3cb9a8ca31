import assert from "node:assert/strict";
import { operation, bodies, receive } from "./bus.js";

export function topics(bus) {
  const publish = (...messages) => bus().send("news", ...messages);

  async function nothingIsLeft() {
    for (const source of ["news/all", "news/urgent", "news/west", "inbox"]) await bus().assertEmpty(source);
  }

  operation("topic-fan-out", "each subscription gets its copy", async () => {
    await publish({ body: "plain", messageId: "n-1" });
    const copies = [...(await bus().take("news/all")), ...(await bus().take("inbox"))];
    assert.deepEqual(copies.map((copy) => [copy.body, copy.messageId]), [["plain", "n-1"], ["plain", "n-1"]]);
    await nothingIsLeft();
  });

  operation("topic-correlation", "rules choose", async () => {
    const region = (level) => ({ region: "west", level });
    await publish({ body: "plain", subject: "usual" }, { body: "fire", subject: "urgent" });
    await publish({ body: "far", applicationProperties: region(2) }, { body: "near", applicationProperties: region(3) });
    assert.deepEqual(bodies(await bus().take("news/all", 4)), ["plain", "fire", "far", "near"]);
    assert.deepEqual(bodies(await bus().take("news/urgent")), ["fire"]);
    assert.deepEqual(bodies(await bus().take("news/west")), ["near"]);
    await bus().take("inbox", 4);
    await nothingIsLeft();
  });

  operation("topic-action", "rules set", async () => {
    await publish({ body: "near", applicationProperties: { region: "west", level: 3, desk: "forged" } });
    const [stamped] = await bus().take("news/west");
    assert.deepEqual(stamped.applicationProperties, { region: "west", level: 3, desk: "Seattle", checked: true });
    assert.equal((await bus().take("news/all"))[0].applicationProperties.desk, "forged");
    await bus().take("inbox");
    await nothingIsLeft();
  });

  operation("topic-forward", "a subscription forwards", async () => {
    await publish({ body: "passed on", correlationId: "c-9" });
    const [message] = await bus().take("inbox");
    assert.deepEqual([message.body, message.correlationId], ["passed on", "c-9"]);
    await bus().take("news/all");
    await nothingIsLeft();
  });

  operation("topic-dead-letter", "dead letters of a subscription", async () => {
    await publish("bad");
    await bus().receiving("news/all", async (receiver) =>
      receiver.deadLetterMessage((await receive(receiver))[0], { deadLetterReason: "why" }));
    const [message] = await bus().deadLetters("news/all");
    assert.deepEqual([message.body, message.deadLetterReason], ["bad", "why"]);
    await bus().take("inbox");
    await nothingIsLeft();
  });

  operation("topic-rules", "rules are added and come back as they were written", async () => {
    const rules = bus().client.createRuleManager("news", "all");
    const action = "SET  desk='it''s'; SET [two words] = 1.50;";
    await rules.createRule("marked", { subject: "marked" }, { sqlExpression: action });
    const found = await collect(rules.listRules());
    assert.deepEqual(found.map((rule) => rule.name).sort(), ["$Default", "marked"]);
    assert.equal(found.find((rule) => rule.name === "marked").action.sqlExpression, action);
    await rules.deleteRule("marked");
    await assert.rejects(rules.deleteRule("marked"), { code: "MessagingEntityNotFound" });
  });
}

async function collect(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}
