import assert from "node:assert/strict";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobClient,
  BlobSASPermissions,
  BlobServiceClient,
  BlockBlobClient,
  ContainerClient,
  ContainerSASPermissions,
  SASProtocol,
  StorageSharedKeyCredential,
  generateAccountSASQueryParameters,
} from "@azure/storage-blob";
import { ONCE, collect, inContainer, operation, oursOnly, put, refused, text } from "./account.js";

const minutes = (count) => new Date(Date.now() + count * 60_000);
const LIVE = { expiresOn: minutes(30) };

export function signatures(service) {
  const within = (work) => () =>
    inContainer(service(), async (container) => work(container, await put(container, "folder/x y.txt", "content")));

  const forBlob = async (blob, letters, terms = {}) => {
    const permissions = letters ? BlobSASPermissions.parse(letters) : undefined;
    return new BlockBlobClient(await blob.generateSasUrl({ ...LIVE, permissions, ...terms }), undefined, ONCE);
  };

  const forContainer = async (container, letters, terms = {}) => {
    const permissions = letters ? ContainerSASPermissions.parse(letters) : undefined;
    return new ContainerClient(await container.generateSasUrl({ ...LIVE, permissions, ...terms }), undefined, ONCE);
  };

  const forAccount = ({ letters = "rl", resources = "sco", services = "b", ...terms } = {}) => {
    const values = {
      ...LIVE, permissions: AccountSASPermissions.parse(letters), resourceTypes: AccountSASResourceTypes.parse(resources).toString(),
      services: AccountSASServices.parse(services).toString(), ...terms,
    };
    const token = generateAccountSASQueryParameters(values, service().credential).toString();
    return new BlobServiceClient(`${service().url}?${token}`, undefined, ONCE);
  };

  operation("sas-blob", "for one blob", within(async (container, blob) => {
    assert.equal(await text(await forBlob(blob, "r")), "content");
    const target = container.getBlockBlobClient("new");
    await (await forBlob(target, "cw")).upload("first", 5);
    await (await forBlob(target, "w")).upload("second", 6);
    await (await forBlob(target, "d")).delete();
  }));

  operation("sas-container", "for a container", within(async (container, blob) => {
    const reader = await forContainer(container, "rl");
    assert.deepEqual((await collect(reader.listBlobsFlat())).map((each) => each.name), [blob.name]);
    assert.equal(await text(reader.getBlobClient(blob.name)), "content");
    await put(await forContainer(container, "c"), "dropped", "x");
  }));

  operation("sas-account", "for the account", within(async (container, blob) => {
    const reader = forAccount();
    assert.ok((await collect(reader.listContainers())).some((each) => each.name === container.containerName));
    assert.equal(await text(reader.getContainerClient(container.containerName).getBlobClient(blob.name)), "content");
    await refused(collect(forAccount({ resources: "o" }).listContainers()), 403);
  }));

  operation("sas-policy", "by a stored policy", within(async (container, blob) => {
    const accessPolicy = { startsOn: minutes(-30), expiresOn: minutes(30), permissions: "r" };
    await container.setAccessPolicy(undefined, [{ id: "readers", accessPolicy }]);
    assert.equal((await container.getAccessPolicy()).signedIdentifiers[0].id, "readers");
    const reader = await forContainer(container, undefined, { identifier: "readers", expiresOn: undefined });
    assert.equal(await text(reader.getBlobClient(blob.name)), "content");
    await container.setAccessPolicy(undefined, []);
    await refused(reader.getBlobClient(blob.name).download(), 403);
  }));

  operation("sas-headers", "headers of the answer", within(async (_, blob) => {
    const client = await forBlob(blob, "r", { contentType: "text/x-test", contentDisposition: "attachment" });
    const { contentType, contentDisposition } = await client.getProperties();
    assert.deepEqual([contentType, contentDisposition], ["text/x-test", "attachment"]);
  }));

  operation("sas-expired", "expired", within(async (container, blob) => {
    const past = { startsOn: minutes(-60), expiresOn: minutes(-30) };
    await refused((await forBlob(blob, "r", past)).download(), 403);
    await refused(collect((await forContainer(container, "rl", past)).listBlobsFlat()), 403);
    await refused(collect(forAccount(past).listContainers()), 403);
  }));

  operation("sas-early", "not yet valid", within(async (_, blob) => {
    await refused((await forBlob(blob, "r", { startsOn: minutes(10), expiresOn: minutes(20) })).download(), 403);
  }));

  operation("sas-permission", "for another operation", within(async (container, blob) => {
    await refused((await forBlob(blob, "r")).upload("x", 1), 403);
    await refused((await forBlob(blob, "cw")).download(), 403);
    await refused((await forBlob(blob, "rw")).delete(), 403);
    await refused(collect((await forContainer(container, "r")).listBlobsFlat()), 403);
    assert.equal(await text(blob), "content");
  }));

  operation("sas-resource", "for another blob or container", within(async (container, blob) => {
    const token = (await forBlob(blob, "r")).url.split("?")[1];
    const other = await put(container, "other", "secret");
    await refused(new BlobClient(`${other.url}?${token}`, undefined, ONCE).download(), 403);
    const wide = (await forContainer(container, "rl")).url.split("?")[1];
    await inContainer(service(), async (elsewhere) => {
      const secret = await put(elsewhere, "folder/x y.txt", "secret");
      await refused(new BlobClient(`${secret.url}?${wide}`, undefined, ONCE).download(), 403);
    });
  }));

  operation("sas-forged", "changed by hand", within(async (_, blob) => {
    const { url } = await forBlob(blob, "r");
    for (const [before, after] of [["sp=r&", "sp=rw&"], ["sig=", "sig=A"]]) {
      await refused(new BlobClient(url.replace(before, after), undefined, ONCE).download(), 403);
    }
  }));

  operation("sas-https", "for HTTPS only", within(async (_, blob) => {
    await refused((await forBlob(blob, "r", { protocol: SASProtocol.Https })).download(), 403);
  }));

  operation("sas-address", "for another address", within(async (_, blob) => {
    await refused((await forBlob(blob, "r", { ipRange: { start: "192.0.2.1" } })).download(), 403);
    assert.equal(await text(await forBlob(blob, "r", { ipRange: { start: "127.0.0.0", end: "127.0.0.255" } })), "content");
  }));

  operation("sas-service", "for another service", within(async () => {
    await refused(collect(forAccount({ services: "q" }).listContainers()), 403);
  }));

  operation("wrong-account-key", "a wrong key", within(async (container) => {
    const wrong = new StorageSharedKeyCredential(service().accountName, Buffer.alloc(32, 7).toString("base64"));
    await refused(collect(new ContainerClient(container.url, wrong, ONCE).listBlobsFlat()), 403);
  }));

  operation("anonymous", "no credential", within(async (_, blob) => {
    const answer = await fetch(blob.url);
    assert.ok(answer.status >= 400 && !(await answer.text()).includes("content<"));
  }));

  oursOnly("no-delegation", "no user delegation keys", within(async () => {
    await assert.rejects(service().getUserDelegationKey(minutes(0), minutes(30)));
  }));
}
