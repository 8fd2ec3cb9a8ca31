import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { collect, inContainer, operation, oursOnly, put, refused, text } from "./account.js";

const id = (plain) => Buffer.from(plain).toString("base64");

export function content(service) {
  const within = (work) => () => inContainer(service(), work);

  operation("put", "a blob is put, got and replaced", within(async (container) => {
    const blob = await put(container, "a.txt", "hello");
    assert.equal(await text(blob), "hello");
    const first = await blob.getProperties();
    assert.deepEqual([first.contentLength, first.blobType], [5, "BlockBlob"]);
    await put(container, "a.txt", "again");
    const second = await blob.getProperties();
    assert.equal(await text(blob), "again");
    assert.notEqual(second.etag, first.etag);
    assert.deepEqual(second.createdOn, first.createdOn);
  }));

  operation("put-empty", "an empty blob", within(async (container) => {
    const blob = await put(container, "empty", "");
    assert.equal((await blob.getProperties()).contentLength, 0);
    assert.equal((await blob.downloadToBuffer()).length, 0);
  }));

  operation("put-large", "a large blob goes up and down in parallel", within(async (container) => {
    const bytes = randomBytes(6_000_000);
    const blob = container.getBlockBlobClient("large");
    await blob.uploadData(bytes, { blockSize: 512 * 1024, maxSingleShotSize: 64 * 1024, concurrency: 4 });
    assert.equal((await blob.getBlockList("committed")).committedBlocks.length, 12);
    assert.ok(bytes.equals(await blob.downloadToBuffer(0, undefined, { blockSize: 512 * 1024, concurrency: 4 })));
  }));

  operation("put-md5", "MD5 is checked and kept", within(async (container) => {
    const blob = container.getBlockBlobClient("m");
    const md5 = createHash("md5").update("hello").digest();
    await blob.upload("hello", 5, { blobHTTPHeaders: { blobContentMD5: md5 } });
    assert.deepEqual(Buffer.from((await blob.getProperties()).contentMD5), md5);
    const part = await blob.download(1, 3, { rangeGetContentMD5: true });
    assert.deepEqual(Buffer.from(part.contentMD5), createHash("md5").update("ell").digest());
    await refused(blob.stageBlock(id("a"), "changed", 7, { transactionalContentMD5: md5 }), 400, "Md5Mismatch");
  }));

  operation("blocks", "blocks are staged and committed", within(async (container) => {
    const blob = container.getBlockBlobClient("b");
    for (const block of ["b", "a"]) await blob.stageBlock(id(block), block.repeat(3), 3);
    await blob.commitBlockList([id("a"), id("b")], { metadata: { m: "1" }, blobHTTPHeaders: { blobContentType: "text/csv" } });
    assert.equal(await text(blob), "aaabbb");
    const properties = await blob.getProperties();
    assert.deepEqual([properties.metadata, properties.contentType], [{ m: "1" }, "text/csv"]);
    const { committedBlocks } = await blob.getBlockList("all");
    assert.deepEqual(committedBlocks.map(({ name, size }) => [name, size]), [[id("a"), 3], [id("b"), 3]]);
  }));

  operation("blocks-reuse", "committed blocks are kept in a new list", within(async (container) => {
    const blob = container.getBlockBlobClient("b");
    for (const block of ["a", "b"]) await blob.stageBlock(id(block), block, 1);
    await blob.commitBlockList([id("a"), id("b")]);
    await blob.stageBlock(id("c"), "c", 1);
    await blob.stageBlock(id("b"), "B", 1);
    await blob.commitBlockList(["c", "a", "b", "a"].map(id));
    assert.equal(await text(blob), "caBa");
  }));

  operation("blocks-hidden", "what is not committed is not there", within(async (container) => {
    const blob = container.getBlockBlobClient("b");
    await blob.stageBlock(id("a"), "a", 1);
    assert.equal(await blob.exists(), false);
    await refused(blob.download(), 404, "BlobNotFound");
    assert.equal((await blob.getBlockList("uncommitted")).uncommittedBlocks.length, 1);
  }));

  operation("blocks-unknown", "an unknown block is refused", within(async (container) => {
    const blob = container.getBlockBlobClient("b");
    await blob.stageBlock(id("aa"), "a", 1);
    await refused(blob.commitBlockList([id("aa"), id("bb")]), 400, "InvalidBlockList");
    await refused(blob.stageBlock(id("longer"), "x", 1), 400, "InvalidBlobOrBlock");
  }));

  operation("range", "ranges are read", within(async (container) => {
    const blob = await put(container, "r", "0123456789");
    assert.equal(await text(blob, 2, 3), "234");
    assert.equal(await text(blob, 8), "89");
    const part = await blob.download(8, 100);
    assert.deepEqual([part.contentLength, part.contentRange], [2, "bytes 8-9/10"]);
    part.readableStreamBody.destroy();
  }));

  operation("range-outside", "a range beyond the end is refused", within(async (container) => {
    const blob = await put(container, "r", "0123456789");
    await refused(blob.download(10, 1), 416, "InvalidRange");
  }));

  operation("stream-read", "a blob is read as a stream", within(async (container) => {
    const bytes = randomBytes(1_000_000);
    const blob = container.getBlockBlobClient("chunks");
    await blob.uploadData(bytes);
    const chunks = await collect((await blob.download()).readableStreamBody);
    assert.ok(bytes.equals(Buffer.concat(chunks)));
  }));

  operation("headers", "content headers are kept and replaced", within(async (container) => {
    const blobHTTPHeaders = {
      blobContentType: "text/csv; charset=utf-8", blobContentEncoding: "identity", blobContentLanguage: "de",
      blobContentDisposition: 'attachment; filename="x.csv"', blobCacheControl: "no-store",
    };
    const blob = await put(container, "h", "x", { blobHTTPHeaders });
    const found = await blob.getProperties();
    for (const [key, value] of Object.entries(blobHTTPHeaders)) {
      assert.equal(found[key.replace("blobC", "c")], value);
    }
    await blob.setHTTPHeaders({ blobContentType: "text/plain" });
    const { contentType, cacheControl } = await blob.getProperties();
    assert.deepEqual([contentType, cacheControl], ["text/plain", undefined]);
  }));

  operation("metadata", "metadata is kept and replaced", within(async (container) => {
    const blob = await put(container, "m", "x", { metadata: { one: "1", two: "with space" } });
    assert.deepEqual((await blob.getProperties()).metadata, { one: "1", two: "with space" });
    await blob.setMetadata({ three: "3" });
    assert.deepEqual((await blob.getProperties()).metadata, { three: "3" });
  }));

  operation("metadata-case", "metadata names keep their case", within(async (container) => {
    const metadata = { AccessionNumber: "A-1", patientID: "P-1" };
    await put(container, "m", "x", { metadata });
    // The client lower-cases the names of headers; the listing has them as they are stored.
    const [listed] = await collect(container.listBlobsFlat({ includeMetadata: true }));
    assert.deepEqual(listed.metadata, metadata);
  }));

  operation("tags", "tags are set and replaced", within(async (container) => {
    const blob = await put(container, "t", "x", { tags: { kind: "csv", "a b": "c/d" } });
    assert.deepEqual((await blob.getTags()).tags, { kind: "csv", "a b": "c/d" });
    await blob.setTags({});
    assert.deepEqual((await blob.getTags()).tags, {});
  }));

  operation("delete", "a deleted blob is gone", within(async (container) => {
    const blob = await put(container, "d", "x");
    await blob.delete();
    await refused(blob.delete(), 404, "BlobNotFound");
    assert.equal((await blob.deleteIfExists()).succeeded, false);
  }));

  operation("missing", "what is not there is told by code", within(async (container) => {
    await refused(container.getBlobClient("nothing").download(), 404, "BlobNotFound");
    await refused(put(service().getContainerClient(`${container.containerName}-none`), "x", "x"), 404, "ContainerNotFound");
  }));

  operation("names", "unusual names", within(async (container) => {
    const names = [
      "with space.csv", "grün/Ä ß.csv", "a%20b", "a+b&c=d", "quote'\"", "#hash?mark", "a//b", "tilde~(x)!*", "日本.csv",
      "semi;colon:at@", "<tag>&amp;",
    ];
    for (const each of names) await put(container, each, each);
    for (const each of names) assert.equal(await text(container.getBlobClient(each)), each);
    assert.deepEqual((await collect(container.listBlobsFlat())).map((blob) => blob.name).sort(), names.sort());
  }));

  oursOnly("no-append", "append blobs are refused", within((container) =>
    assert.rejects(container.getAppendBlobClient("a").create(), { statusCode: 501 })));

  oursOnly("no-pages", "page blobs are refused", within((container) =>
    assert.rejects(container.getPageBlobClient("p").create(512), { statusCode: 501 })));

  oursOnly("no-snapshots", "snapshots are refused", within(async (container) => {
    const blob = await put(container, "s", "x");
    await assert.rejects(blob.createSnapshot(), (error) => error.statusCode >= 400);
  }));
}
