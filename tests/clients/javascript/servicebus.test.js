/** `@azure/service-bus` against the local host. */

import { after, before } from "node:test";
import { Host, dataFolder } from "./host.js";
import { Bus } from "./servicebus/bus.js";
import { receiving } from "./servicebus/receive.js";
import { restarts } from "./servicebus/restarts.js";
import { rights } from "./servicebus/rights.js";
import { sending } from "./servicebus/send.js";
import { sessions } from "./servicebus/sessions.js";
import { settings } from "./servicebus/settings.js";
import { topics } from "./servicebus/topics.js";

let host;
let bus;

before(async () => {
  host = await Host.start(dataFolder());
  bus = new Bus(host.serviceBus);
});

after(async () => {
  await bus?.close();
  await host?.remove();
});

sending(() => bus);
receiving(() => bus);
settings(() => bus);
sessions(() => bus);
topics(() => bus);
rights(() => bus, () => host);
restarts();
