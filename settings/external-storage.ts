/** Existing object storage: an S3, Google Cloud Storage or Azure Blob Storage. */
import { group, oneOf, secret, text, yesNo } from "./fields";

/** Static keys of a user of the external S3. */
const keys = (user: string) =>
  group({
    accessKey: secret("an access key of 3 to 128 characters", /^\S{3,128}$/).describe("Access key"),
    secretKey: secret("a secret key of 8 to 128 characters", /^\S{8,128}$/).describe("Secret key"),
  })
    .optional()
    .describe(`Credentials of ${user}`);

const role = (store: string) =>
  text("the ARN of an IAM role", /^arn:aws[\w-]*:iam::\d{12}:role\/\S+$/)
    .optional()
    .describe(`IAM role of ${store}`);

const roles = group({ loki: role("Loki"), mimir: role("Mimir"), tempo: role("Tempo") })
  .optional()
  .describe(
    "IAM roles for service accounts (IRSA), if credentials is `identity`; a store without a role uses EKS Pod Identity or the role of its node",
  );

export const external = group({
  endpoint: text("a host, optionally with a port, and no scheme", /^[a-z0-9.-]+(:\d+)?$/).describe(
    "Host and port of the S3 API",
  ),
  region: text("a region name").describe("Region that requests are signed for"),
  tls: yesNo().describe("Whether the endpoint uses HTTPS"),
  pathStyle: yesNo().describe("Whether buckets are in the path of URLs instead of the host name"),
  credentials: oneOf("keys", "identity")
    .optional()
    .describe(
      "How Loki, Mimir and Tempo authenticate: with static `keys`, or with the AWS `identity` of their pods; default `keys`",
    ),
  roles,
  loki: keys("Loki"),
  mimir: keys("Mimir"),
  tempo: keys("Tempo"),
  backup: keys("backups, which list and read all buckets"),
  restore: keys("restores, which read and write all buckets"),
})
  .optional()
  .describe("The existing S3, when kind is external");

const googleAccount = (store: string) =>
  text("the email address of a Google service account", /^[\w.-]+@[\w.-]+\.iam\.gserviceaccount\.com$/)
    .optional()
    .describe(
      `Google service account of ${store}; without it, grant the roles to the Kubernetes ServiceAccount`,
    );

export const gcs = group({
  loki: googleAccount("Loki"),
  mimir: googleAccount("Mimir"),
  tempo: googleAccount("Tempo"),
})
  .optional()
  .describe("Workload Identity of Google Cloud Storage, when kind is gcs");

const clientId = (store: string) =>
  text("the client ID of a managed identity, a UUID", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/).describe(
    `Client ID of the managed identity of ${store}`,
  );

export const azure = group({
  account: text("the name of a storage account", /^[a-z0-9]{3,24}$/).describe("Storage account"),
  // Tempo takes any other domain for the emulator Azurite, and sends plain HTTP: tempodb/backend/azure/azure_helpers.go
  endpointSuffix: text("a DNS domain that begins with blob.", /^blob\.[a-z0-9.-]+$/)
    .optional()
    .describe("Domain of the Blob service; default blob.core.windows.net"),
  loki: clientId("Loki"),
  mimir: clientId("Mimir"),
  tempo: clientId("Tempo"),
})
  .optional()
  .describe("Azure Blob Storage with workload identity, when kind is azure");
