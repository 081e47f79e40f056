// A program as users of the AWS SDK for JavaScript write it: it takes the credentials that the SDK finds, and says
// whose they are. With a number, it goes on until it has called AWS with so many keys.
import { setTimeout } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const wanted = Number(process.argv[2] ?? 1);
const client = new STSClient({ credentials: fromNodeProviderChain() });
const keys = new Set();
while (true) {
  const { Arn: arn } = await client.send(new GetCallerIdentityCommand());
  const { accessKeyId: key } = await client.config.credentials();
  if (!keys.has(key)) console.log(JSON.stringify({ arn, key }));
  if (keys.add(key).size >= wanted) break;
  await setTimeout(500);
}
