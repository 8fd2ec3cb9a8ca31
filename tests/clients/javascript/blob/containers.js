import assert from "node:assert/strict";
import { name } from "../operation.js";
import { collect, inContainer, operation, put, refused } from "./account.js";

export function containers(service) {
  operation("container", "a container is created, looked at and deleted", async () => {
    const { containerClient } = await service().createContainer(name(), { metadata: { kind: "test" } });
    const properties = await containerClient.getProperties();
    assert.deepEqual(properties.metadata, { kind: "test" });
    assert.ok(properties.etag && properties.lastModified && properties.leaseState === "available");
    await containerClient.delete();
    assert.equal(await containerClient.exists(), false);
    await refused(containerClient.getProperties(), 404, "ContainerNotFound");
  });

  operation("container-again", "a container is not created twice", () =>
    inContainer(service(), async (container) => {
      await refused(container.create(), 409, "ContainerAlreadyExists");
      assert.equal((await container.createIfNotExists()).succeeded, false);
    }));

  operation("container-metadata", "metadata is replaced", () =>
    inContainer(service(), async (container) => {
      await container.setMetadata({ one: "1", two: "zwei" });
      assert.deepEqual((await container.getProperties()).metadata, { one: "1", two: "zwei" });
    }));

  operation("container-list", "containers are listed in pages", async () => {
    const prefix = name();
    const names = [0, 1, 2, 3, 4].map((index) => `${prefix}-${index}`);
    for (const each of names) await service().createContainer(each, { metadata: { n: each } });
    const pages = await collect(service().listContainers({ prefix, includeMetadata: true }).byPage({ maxPageSize: 2 }));
    assert.deepEqual(pages.map((page) => page.containerItems.length), [2, 2, 1]);
    const found = pages.flatMap((page) => page.containerItems.map((item) => [item.name, item.metadata.n]));
    assert.deepEqual(found, names.map((each) => [each, each]));
    for (const each of names) await service().deleteContainer(each);
  });

  operation("container-lease", "a lease guards a container from deletion", () =>
    inContainer(service(), async (container) => {
      const lease = container.getBlobLeaseClient();
      await lease.acquireLease(15);
      await refused(container.delete(), 412, "LeaseIdMissing");
      await put(container, "free", "blobs are not guarded by it");
      await lease.renewLease();
      await lease.releaseLease();
    }));
}
