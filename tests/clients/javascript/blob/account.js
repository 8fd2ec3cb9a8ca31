/** The Blob client as the tests use it. */

import assert from "node:assert/strict";
import { BlobServiceClient } from "@azure/storage-blob";
import { client, name, operations } from "../operation.js";

const target = process.env.IRIS_CLIENTS_STORAGE ? " on Azurite" : "";
export const operation = operations(client("@azure/storage-blob") + target);

/** What the local host does not offer but Azurite does. */
export const oursOnly = target ? () => {} : operation;

// What is refused must be refused at once.
export const ONCE = { retryOptions: { maxTries: 1 } };

export function connect(connectionString) {
  return BlobServiceClient.fromConnectionString(connectionString, ONCE);
}

/** Lends a new, empty container. */
export async function inContainer(service, work) {
  const { containerClient } = await service.createContainer(name());
  try {
    return await work(containerClient);
  } finally {
    await containerClient.delete();
  }
}

/** Uploads text and gives the blob's client. */
export async function put(container, blobName, text, options = {}) {
  const blob = container.getBlockBlobClient(blobName);
  await blob.upload(text, Buffer.byteLength(text), options);
  return blob;
}

export async function text(blob, ...range) {
  return (await blob.downloadToBuffer(...range)).toString();
}

/** The request is refused with this status, and this code where one is given. */
export async function refused(request, statusCode, code) {
  await assert.rejects(request, (error) => {
    assert.equal(error.statusCode, statusCode, error.message);
    if (code) assert.equal(error.code ?? error.details?.errorCode, code);
    return true;
  });
}

export async function collect(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}
