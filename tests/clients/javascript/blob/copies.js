import assert from "node:assert/strict";
import { BlobSASPermissions } from "@azure/storage-blob";
import { collect, inContainer, operation, put, refused, text } from "./account.js";

export function copies(service) {
  const within = (work) => () => inContainer(service(), work);
  const readable = (blob) =>
    blob.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3_600_000) });

  operation("copy", "a blob is copied", within(async (container) => {
    const source = await put(container, "source", "content", { metadata: { m: "1" }, blobHTTPHeaders: { blobContentType: "text/csv" } });
    const target = container.getBlobClient("target");
    const poller = await target.beginCopyFromURL(source.url);
    const { copyStatus } = await poller.pollUntilDone();
    assert.equal(copyStatus, "success");
    const { metadata, contentType } = await target.getProperties();
    assert.deepEqual([metadata, contentType, await text(target)], [{ m: "1" }, "text/csv", "content"]);
  }));

  operation("copy-conditional", "a copy only if absent", within(async (container) => {
    const source = await put(container, "source", "new");
    const target = await put(container, "target", "old");
    const absent = { conditions: { ifNoneMatch: "*" } };
    await refused(target.beginCopyFromURL(source.url, absent), 409, "BlobAlreadyExists");
    assert.equal(await text(target), "old");
  }));

  operation("copy-from-url", "a blob is put from a URL", within(async (container) => {
    const source = await put(container, "source", "content");
    const target = container.getBlockBlobClient("target");
    await target.syncUploadFromURL(await readable(source));
    assert.equal(await text(target), "content");
  }));

  operation("block-from-url", "a block is put from a URL", within(async (container) => {
    const source = await put(container, "source", "0123456789");
    const target = container.getBlockBlobClient("target");
    const id = Buffer.from("a").toString("base64");
    await target.stageBlockFromURL(id, await readable(source), 2, 3);
    await target.commitBlockList([id]);
    assert.equal(await text(target), "234");
  }));

  operation("batch-delete", "many are deleted at once", within(async (container) => {
    const blobs = await Promise.all(["a", "b c", "d/ü"].map((each) => put(container, each, "x")));
    const missing = container.getBlobClient("none");
    const answer = await service().getBlobBatchClient().deleteBlobs([...blobs, missing]);
    assert.deepEqual(answer.subResponses.map((each) => each.status), [202, 202, 202, 404]);
    assert.deepEqual([answer.subResponsesSucceededCount, answer.subResponsesFailedCount], [3, 1]);
    assert.deepEqual(await collect(container.listBlobsFlat()), []);
  }));
}
