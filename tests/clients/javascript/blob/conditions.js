import assert from "node:assert/strict";
import { until } from "../operation.js";
import { inContainer, operation, put, refused, text } from "./account.js";

export function conditions(service) {
  const within = (work) => () => inContainer(service(), work);
  const STRANGER = "5a3d1e70-0000-4000-8000-000000000098";

  operation("create-only", "only if absent", within(async (container) => {
    const absent = { conditions: { ifNoneMatch: "*" } };
    const blob = await put(container, "x", "first", absent);
    await refused(put(container, "x", "second", absent), 409, "BlobAlreadyExists");
    const id = Buffer.from("a").toString("base64");
    await blob.stageBlock(id, "a", 1);
    await refused(blob.commitBlockList([id], absent), 409, "BlobAlreadyExists");
    assert.equal(await text(blob), "first");
  }));

  operation("replace-only", "only if unchanged", within(async (container) => {
    const blob = await put(container, "x", "first");
    const same = { conditions: { ifMatch: (await blob.getProperties()).etag } };
    await put(container, "x", "second", same);
    await refused(put(container, "x", "third", same), 412, "ConditionNotMet");
    await refused(blob.setMetadata({ a: "1" }, same), 412, "ConditionNotMet");
    await refused(blob.download(0, undefined, same), 412, "ConditionNotMet");
  }));

  operation("read-if-changed", "read only if changed", within(async (container) => {
    const blob = await put(container, "x", "first");
    const changed = { conditions: { ifNoneMatch: (await blob.getProperties()).etag } };
    await refused(blob.download(0, undefined, changed), 304);
    await put(container, "x", "second");
    (await blob.download(0, undefined, changed)).readableStreamBody.destroy();
  }));

  operation("if-time", "by time of change", within(async (container) => {
    const blob = await put(container, "x", "first");
    const { lastModified } = await blob.getProperties();
    await refused(blob.download(0, undefined, { conditions: { ifModifiedSince: lastModified } }), 304);
    const earlier = new Date(lastModified.getTime() - 60_000);
    await refused(put(container, "x", "y", { conditions: { ifUnmodifiedSince: earlier } }), 412, "ConditionNotMet");
  }));

  operation("delete-if", "delete only if unchanged", within(async (container) => {
    const blob = await put(container, "x", "first");
    const { etag } = await blob.getProperties();
    await put(container, "x", "second");
    await refused(blob.delete({ conditions: { ifMatch: etag } }), 412, "ConditionNotMet");
    await blob.delete({ conditions: { ifMatch: (await blob.getProperties()).etag } });
  }));

  operation("lease", "the life of a lease", within(async (container) => {
    const blob = await put(container, "x", "1");
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(15);
    const { leaseState, leaseStatus, leaseDuration } = await blob.getProperties();
    assert.deepEqual([leaseState, leaseStatus, leaseDuration], ["leased", "locked", "fixed"]);
    await refused(blob.getBlobLeaseClient().acquireLease(15), 409, "LeaseAlreadyPresent");
    await lease.renewLease();
    await lease.changeLease(STRANGER);
    assert.equal(lease.leaseId, STRANGER);
    await lease.releaseLease();
    await refused(lease.renewLease(), 409, "LeaseIdMismatchWithLeaseOperation");
  }));

  operation("lease-guards", "a lease guards", within(async (container) => {
    const blob = await put(container, "x", "1");
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(-1);
    await refused(put(container, "x", "2"), 412, "LeaseIdMissing");
    await refused(blob.delete(), 412, "LeaseIdMissing");
    await refused(put(container, "x", "2", { conditions: { leaseId: STRANGER } }), 412, "LeaseIdMismatchWithBlobOperation");
    await put(container, "x", "2", { conditions: { leaseId: lease.leaseId } });
    await lease.releaseLease();
    await refused(put(container, "x", "2", { conditions: { leaseId: STRANGER } }), 412, "LeaseNotPresentWithBlobOperation");
  }));

  operation("lease-break", "a lease is broken", within(async (container) => {
    const blob = await put(container, "x", "1");
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(60);
    await lease.breakLease(1);
    await until(async () => (await blob.getProperties()).leaseState === "broken");
    await put(container, "x", "2");
  }));
}
