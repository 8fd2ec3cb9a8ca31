import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { BlobSASPermissions } from "@azure/storage-blob";
import { collect, inContainer, operation, oursOnly, put, refused, text } from "./account.js";

const id = (plain) => Buffer.from(plain).toString("base64");

export function strictness(service) {
  const within = (work) => () => inContainer(service(), work);
  const readable = (blob) =>
    blob.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3_600_000) });

  operation("metadata-order", "metadata names with signs and digits", within(async (container) => {
    const metadata = Object.fromEntries(["a1", "a_1", "ab", "a_", "a", "_1", "a1_b", "a_1b"].map((name) => [name, name]));
    const blob = await put(container, "m", "x", { metadata });
    assert.deepEqual((await blob.getProperties()).metadata, metadata);
    await blob.setMetadata(metadata);
    assert.deepEqual((await collect(container.listBlobsFlat({ includeMetadata: true })))[0].metadata, metadata);
  }));

  operation("headers-cleared", "content headers are taken away", within(async (container) => {
    const blob = await put(container, "h", "x");
    await blob.setHTTPHeaders({ blobContentType: "text/csv", blobContentMD5: Buffer.from([1, 2, 3, 4]) });
    assert.deepEqual(Buffer.from((await blob.getProperties()).contentMD5), Buffer.from([1, 2, 3, 4]));
    await blob.setHTTPHeaders({});
    const { contentType, contentMD5 } = await blob.getProperties();
    assert.deepEqual([contentType, contentMD5], [undefined, undefined]);
  }));

  operation("digests", "MD5 or CRC64, and CRC64 told", within(async (container) => {
    const blob = container.getBlockBlobClient("d");
    const content = "123456789";
    const crc64 = Buffer.from("iJh5CoYUi64=", "base64");
    const told = await blob.stageBlock(id("a"), content, 9, { transactionalContentCrc64: crc64 });
    assert.deepEqual(Buffer.from(told.xMsContentCrc64), crc64);
    const md5 = createHash("md5").update(content).digest();
    const both = { transactionalContentCrc64: crc64, transactionalContentMD5: md5 };
    await refused(blob.stageBlock(id("a"), content, 9, both), 400, "BothCrc64AndMd5HeaderPresent");
    await blob.commitBlockList([id("a")]);
    const asked = { rangeGetContentMD5: true, rangeGetContentCrc64: true };
    await assert.rejects(blob.download(0, 3, asked));
  }));

  operation("tier", "tiers, and since when", within(async (container) => {
    const blob = await put(container, "t", "x");
    assert.equal((await blob.getProperties()).accessTierChangedOn, undefined);
    await blob.setAccessTier("Cool");
    const { accessTier, accessTierChangedOn, lastModified } = await blob.getProperties();
    assert.ok(accessTier === "Cool" && accessTierChangedOn >= lastModified);
    await blob.setAccessTier("Smart");
    assert.equal((await blob.getProperties()).accessTier, "Smart");
  }));

  operation("backslash", "a backslash is a slash", within(async (container) => {
    await put(container, "a\\b", "x");
    assert.equal(await text(container.getBlobClient("a/b")), "x");
  }));

  operation("lease-forms", "a lease id in any form", within(async (container) => {
    const identity = randomUUID();
    const blob = await put(container, "l", "1");
    const lease = blob.getBlobLeaseClient(identity);
    await lease.acquireLease(-1);
    for (const form of [`{${identity}}`, identity.replaceAll("-", ""), identity.toUpperCase()]) {
      await blob.upload("2", 1, { conditions: { leaseId: form } });
    }
    await lease.breakLease(30);
    for (let time = 0; time < 3; time++) assert.ok((await lease.breakLease(60)).leaseTime <= 30);
    assert.equal((await lease.breakLease(0)).leaseTime, 0);
    const whole = container.getBlobLeaseClient();
    await whole.acquireLease(-1);
    await whole.breakLease(2);
    assert.ok((await whole.breakLease(60)).leaseTime <= 2);
    await whole.breakLease(0);
  }));

  operation("copy-properties", "a copy with or without the source's properties", within(async (container) => {
    const headers = { blobContentType: "text/csv", blobContentLanguage: "en" };
    const source = await put(container, "source", "content", { blobHTTPHeaders: headers, tags: { kind: "csv" } });
    const address = await readable(source);
    const target = container.getBlockBlobClient("target");
    await target.syncUploadFromURL(address, { copySourceBlobProperties: false });
    let found = await target.getProperties();
    assert.deepEqual([found.contentType, found.contentLanguage, found.tagCount], ["application/octet-stream", undefined, undefined]);
    await target.syncUploadFromURL(address, { copySourceTags: "COPY" });
    found = await target.getProperties();
    assert.deepEqual([found.contentType, found.contentLanguage, found.tagCount], ["text/csv", "en", 1]);
  }));

  operation("copy-source-refused", "a source that cannot be read", within(async (container) => {
    const target = container.getBlockBlobClient("target");
    const missing = await readable(container.getBlockBlobClient("none"));
    const requests = [
      () => target.syncUploadFromURL(missing),
      () => target.stageBlockFromURL(id("a"), missing),
      () => target.syncCopyFromURL(missing),
    ];
    for (const request of requests) {
      await assert.rejects(request, (error) => {
        assert.deepEqual([error.statusCode, error.code], [404, "CannotVerifyCopySource"]);
        assert.equal(error.response.headers.get("x-ms-copy-source-error-code"), "BlobNotFound");
        return true;
      });
    }
    const source = await put(container, "source", "x");
    const never = { sourceConditions: { ifMatch: '"0x8D0"' } };
    await refused(target.beginCopyFromURL(source.url, never), 412, "SourceConditionNotMet");
  }));

  oursOnly("no-keys", "keys of the caller's are refused", within(async (container) => {
    const blob = container.getBlockBlobClient("k");
    const scoped = blob.upload("x", 1, { encryptionScope: "mine" });
    await assert.rejects(scoped, (error) => error.statusCode === 501 && /encryption scopes/.test(error.message));
    assert.equal(await blob.exists(), false);
  }));

  oursOnly("no-holds", "legal holds are refused", within(async (container) => {
    const blob = container.getBlockBlobClient("k");
    const held = blob.upload("x", 1, { legalHold: true });
    await assert.rejects(held, (error) => error.statusCode === 501 && /legal holds/.test(error.message));
  }));

  oursOnly("no-tag-conditions", "conditions on tags are refused", within(async (container) => {
    const blob = await put(container, "k", "x", { tags: { kind: "csv" } });
    const conditional = blob.download(0, undefined, { conditions: { tagConditions: "\"kind\" = 'csv'" } });
    await assert.rejects(conditional, { statusCode: 501 });
    await assert.rejects(collect(service().findBlobsByTags("\"kind\" = 'csv'")), { statusCode: 501 });
  }));
}
