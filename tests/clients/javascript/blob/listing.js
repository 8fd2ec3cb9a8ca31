import assert from "node:assert/strict";
import { collect, inContainer, operation, put } from "./account.js";

const NAMES = ["a.csv", "a/1.csv", "a/2.csv", "a/b/3.csv", "b/4.csv", "c.csv"];

export function listing(service) {
  const filled = (work) => () => inContainer(service(), async (container) => {
    for (const each of NAMES) await put(container, each, each, { metadata: { n: each }, tags: { t: "1" } });
    await work(container);
  });
  const names = async (items) => (await collect(items)).map((item) => item.name);

  operation("list", "all, and by prefix", filled(async (container) => {
    assert.deepEqual(await names(container.listBlobsFlat()), NAMES);
    assert.deepEqual(await names(container.listBlobsFlat({ prefix: "a/" })), NAMES.slice(1, 4));
    assert.deepEqual(await names(container.listBlobsFlat({ prefix: "zz" })), []);
  }));

  operation("list-pages", "in pages, going on later", filled(async (container) => {
    const { value: page } = await container.listBlobsFlat().byPage({ maxPageSize: 4 }).next();
    assert.deepEqual(page.segment.blobItems.map((blob) => blob.name), NAMES.slice(0, 4));
    const later = container.listBlobsFlat().byPage({ maxPageSize: 4, continuationToken: page.continuationToken });
    const { value: rest } = await later.next();
    assert.deepEqual(rest.segment.blobItems.map((blob) => blob.name), NAMES.slice(4));
    assert.ok(!rest.continuationToken);
  }));

  operation("list-folders", "as folders", filled(async (container) => {
    const walk = async (prefix) => {
      const found = await collect(container.listBlobsByHierarchy("/", { prefix }));
      return found.map((item) => `${item.kind} ${item.name}`).sort();
    };
    assert.deepEqual(await walk(""), ["blob a.csv", "blob c.csv", "prefix a/", "prefix b/"]);
    assert.deepEqual(await walk("a/"), ["blob a/1.csv", "blob a/2.csv", "prefix a/b/"]);
  }));

  operation("list-details", "with metadata and tags", filled(async (container) => {
    for (const blob of await collect(container.listBlobsFlat({ includeMetadata: true, includeTags: true }))) {
      assert.deepEqual([blob.metadata, blob.tags], [{ n: blob.name }, { t: "1" }]);
    }
  }));

  operation("list-uncommitted", "with uncommitted blobs", filled(async (container) => {
    await container.getBlockBlobClient("new").stageBlock(Buffer.from("a").toString("base64"), "a", 1);
    assert.ok(!(await names(container.listBlobsFlat())).includes("new"));
    assert.ok((await names(container.listBlobsFlat({ includeUncommitedBlobs: true }))).includes("new"));
  }));
}
