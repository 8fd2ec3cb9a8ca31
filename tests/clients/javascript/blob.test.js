/** `@azure/storage-blob` against the local host, or the account the environment names (Azurite's). */

import { after, before } from "node:test";
import { connect } from "./blob/account.js";
import { conditions } from "./blob/conditions.js";
import { containers } from "./blob/containers.js";
import { content } from "./blob/content.js";
import { copies } from "./blob/copies.js";
import { listing } from "./blob/listing.js";
import { signatures } from "./blob/signatures.js";
import { strictness } from "./blob/strictness.js";
import { Host, dataFolder } from "./host.js";

let host;
let service;

before(async () => {
  if (!process.env.IRIS_CLIENTS_STORAGE) host = await Host.start(dataFolder());
  service = connect(process.env.IRIS_CLIENTS_STORAGE ?? host.storage);
});

after(() => host?.remove());

for (const suite of [containers, content, listing, conditions, copies, signatures, strictness]) suite(() => service);
