// A program as users of the AWS SDK for JavaScript write it: it takes the credentials that the SDK finds, and says
// whose they are.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const client = new STSClient({ credentials: fromNodeProviderChain() });
const { Arn: arn } = await client.send(new GetCallerIdentityCommand());
const { accessKeyId: key } = await client.config.credentials();
console.log(JSON.stringify({ arn, key }));
