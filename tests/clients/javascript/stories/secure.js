/** Sends and receives, or puts and gets, once: `bus` or `blob`, and a connection string. */

import { ServiceBusClient } from "@azure/service-bus";
import { BlobSASPermissions, BlobServiceClient, BlockBlobClient, SASProtocol } from "@azure/storage-blob";

const [what, connectionString] = process.argv.slice(2);

if (what === "bus") {
  const client = new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 15_000 } });
  await client.createSender("work").sendMessages({ body: "secret" });
  const receiver = client.createReceiver("work", { receiveMode: "receiveAndDelete" });
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 20_000 });
  console.log(message.body);
  await client.close();
} else {
  const service = BlobServiceClient.fromConnectionString(connectionString, { retryOptions: { maxTries: 1 } });
  const { containerClient } = await service.createContainer(`t${Date.now()}`);
  const blob = containerClient.getBlockBlobClient("a");
  await blob.upload("secret", 6);
  const expiresOn = new Date(Date.now() + 3_600_000);
  const permissions = BlobSASPermissions.parse("r");
  const url = await blob.generateSasUrl({ permissions, expiresOn, protocol: SASProtocol.Https });
  console.log((await new BlockBlobClient(url).downloadToBuffer()).toString());
}
