/** Loki, Mimir and Tempo with the configuration of the settings write to each cloud's storage with the identity of their pods. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Client } from "minio";
import { parse } from "yaml";
import { minioClient } from "../../cli/lib/minio";
import { until } from "../../cli/lib/poll";
import { releaseObjects, releasesOf } from "../../cli/lib/render";
import type { Store } from "../../names";
import { storageApi } from "../../values/object-storage";
import { Cloud, Issuer } from "../support/cloud";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { ownOf } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { azureStorage, type Config, gcsStorage, identityS3, settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";
import { push, requestsOf, Tempo } from "../support/traces";

const stores = ["loki", "mimir", "tempo"] as const;
const { buckets } = settingsOf("dev").objectStorage;
/** Where each store keeps its data. */
const bucketOf: Record<Store, string> = {
  loki: buckets.loki.name,
  mimir: buckets.mimirBlocks.name,
  tempo: buckets.tempo.name,
};
const tenant = "pods";
/** Names of the objects that hold data of the tenant. */
const data: Record<Store, RegExp> = {
  loki: /^pods\/[0-9a-f]+[/:-]/,
  mimir: /^pods\/[0-9A-Z]{26}\/meta\.json$/,
  tempo: /^pods\/[0-9a-f-]{36}\/meta\.json$/,
};

const listening = async (server: HttpServer): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
};

/** The storage that Loki's chart writes into its configuration. */
async function lokiStorage(objectStorage: Config): Promise<Record<string, unknown>> {
  const { recorded } = await ownOf({ environment: "dev", objectStorage });
  const release = releasesOf(recorded).find(({ name }) => name === "loki");
  const objects = release ? await releaseObjects(release) : [];
  const map = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "loki");
  return parse(map?.["data"]["config.yaml"]).common.storage;
}

/** How to start a store in a folder, write to it, and have it write its object; each returns what stops it. */
const writers: Record<
  Store,
  (folder: string, objectStorage: Config, environment: Record<string, string>) => Promise<() => Promise<void>>
> = {
  loki: async (folder, objectStorage, environment) => {
    const storage = await lokiStorage(objectStorage);
    const loki = await Loki.start("loki", folder, undefined, storage, {}, environment);
    const post = async (path: string, body: unknown) => {
      const response = await fetch(`${loki.url}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Scope-OrgID": tenant },
        body: JSON.stringify(body),
      });
      expect(response.status, await response.text()).to.equal(204);
    };
    await post("/loki/api/v1/push", {
      streams: [{ stream: { app: "test" }, values: [[`${Date.now()}000000`, "a line"]] }],
    });
    await post("/flush", {});
    return () => loki.stop();
  },
  mimir: async (folder, objectStorage, environment) => {
    const settings = settingsOf("dev", { objectStorage });
    const backend = `-common.storage.backend=${storageApi(settings)}`;
    const mimir = await Mimir.start("mimir", folder, settings, [backend], environment);
    const { status, body } = await mimir.push(tenant, {
      labels: { __name__: "up" },
      samples: [{ value: 1 }],
    });
    expect(status, body).to.equal(200);
    await mimir.ask(undefined, "/ingester/flush?wait=true", { method: "POST" });
    return () => mimir.stop();
  },
  tempo: async (folder, objectStorage, environment) => {
    const settings = settingsOf("dev", { objectStorage });
    const tempo = await Tempo.start("tempo", folder, settings, undefined, undefined, environment);
    const spans = requestsOf("identity", 1).flatMap(({ client, server }) => [client, server]);
    const { status, body } = await push(tempo.http, spans, { "X-Scope-OrgID": tenant });
    expect(status, body).to.equal(200);
    // It completes the block of traces that it has received, and they are there after a moment.
    await until(10, "the flush", async () => (await tempo.ask(undefined, "/flush")).status < 300);
    return () => tempo.stop();
  },
};

/** Starts each store against a cloud, and expects its data there. */
function storesWrite(
  folder: () => string,
  objectStorage: Config,
  environment: (store: Store) => Record<string, string>,
  namesIn: (bucket: string) => Promise<string[]>,
): void {
  for (const store of stores)
    it(store, async function () {
      if (store === "loki") await needsCharts(this);
      needs(this, store);
      const stop = await writers[store](join(folder(), store), objectStorage, environment(store));
      try {
        await until(45, `an object of ${store}`, async () =>
          (await namesIn(bucketOf[store])).some((name) => data[store].test(name)),
        );
      } finally {
        await stop();
      }
    });
}

describe("binaries: Google Cloud Storage by identity", function () {
  this.timeout(120_000);
  /** Scopes of the tokens that were requested from the metadata server of the node. */
  const scopes: string[] = [];
  let metadata: HttpServer;
  let storage: Server;
  let folder: string;
  let port: number;
  const api = () => `http://127.0.0.1:${port}/storage/v1/b`;

  before(async function () {
    const [fake = ""] = needs(this, "fake-gcs-server");
    folder = mkdtempSync(join(tmpdir(), "observability-gcs-"));
    metadata = createServer(({ url: asked = "" }, response) => {
      const { pathname, searchParams } = new URL(asked, "http://metadata");
      const token = pathname.endsWith("/token");
      if (token) scopes.push(searchParams.get("scopes") ?? "");
      response.setHeader("Metadata-Flavor", "Google");
      response.end(
        token ? JSON.stringify({ access_token: "token", expires_in: 3600, token_type: "Bearer" }) : "project",
      );
    });
    await listening(metadata);
    port = await freePort();
    const address = ["-scheme=http", "-host=127.0.0.1", `-port=${port}`, `-public-host=127.0.0.1:${port}`];
    storage = await Server.start(fake, [...address, "-backend=memory"], {
      ready: async () => (await fetch(`${api()}?project=p`)).ok,
    });
    for (const { name } of Object.values(buckets))
      await fetch(`${api()}?project=p`, { method: "POST", body: JSON.stringify({ name }) });
  });

  beforeEach(() => {
    scopes.length = 0;
  });

  // With a token of the node's metadata server.
  afterEach(function () {
    if (this.currentTest?.isPassed())
      expect(scopes.join()).to.include("https://www.googleapis.com/auth/devstorage");
  });

  after(async () => {
    await storage?.stop();
    metadata?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  storesWrite(
    () => folder,
    gcsStorage,
    () => ({
      STORAGE_EMULATOR_HOST: `http://127.0.0.1:${port}`,
      GCE_METADATA_HOST: `127.0.0.1:${(metadata.address() as AddressInfo).port}`,
    }),
    async (bucket) => {
      const { items = [] } = (await (await fetch(`${api()}/${bucket}/o`)).json()) as {
        items?: { name: string }[];
      };
      return items.map(({ name }) => name);
    },
  );
});

describe("binaries: Azure Blob Storage by workload identity", function () {
  this.timeout(120_000);
  const { account, ...clients } = azureStorage.azure;
  const directory = "00000000-0000-4000-8000-000000000000";
  const issuer = new Issuer();
  /** Clients that exchanged the token of their ServiceAccount for one of the directory. */
  const exchanged: string[] = [];
  let folder: string;
  let cloud: Cloud;
  let storage: Server;
  let port: number;

  /** A token of the directory for Azure Storage. */
  const storageToken = () =>
    issuer.token({ iss: `https://sts.windows.net/${directory}/`, aud: "https://storage.azure.com" });
  const federated = (store: Store) => issuer.token({ sub: `system:serviceaccount:${store}:${store}` });
  const ask = (path: string, method?: string) =>
    cloud.ask(port, `/${account}/${path}`, method, {
      Authorization: `Bearer ${storageToken()}`,
      "x-ms-version": "2021-12-02",
      "Content-Length": "0",
    });

  before(async function () {
    const [azurite = ""] = needs(this, "azurite-blob");
    folder = mkdtempSync(join(tmpdir(), "observability-azure-"));
    cloud = new Cloud(join(folder, "cloud"));
    await cloud.start();
    await cloud.answer(["login.microsoftonline.com"], (path, form) => {
      const login = "https://login.microsoftonline.com";
      if (path.includes("/discovery/instance"))
        return {
          tenant_discovery_endpoint: `${login}/${directory}/v2.0/.well-known/openid-configuration`,
          metadata: [
            {
              preferred_network: "login.microsoftonline.com",
              preferred_cache: "login.windows.net",
              aliases: ["login.microsoftonline.com", "login.windows.net"],
            },
          ],
        };
      if (path.includes("/.well-known/openid-configuration"))
        return {
          issuer: `${login}/${directory}/v2.0`,
          authorization_endpoint: `${login}/${directory}/oauth2/v2.0/authorize`,
          token_endpoint: `${login}/${directory}/oauth2/v2.0/token`,
        };
      const store = stores.find((one) => clients[one] === form.get("client_id"));
      if (!store || form.get("client_assertion") !== tokens[store]) return undefined;
      exchanged.push(store);
      const seconds = Math.floor(Date.now() / 1000);
      return {
        access_token: storageToken(),
        token_type: "Bearer",
        expires_in: 3600,
        expires_on: `${seconds + 3600}`,
        not_before: `${seconds}`,
        resource: "https://storage.azure.com",
      };
    });
    const host = `${account}.blob.core.windows.net`;
    const { cert, key } = cloud.certificate("azurite", host);
    port = await freePort();
    storage = await Server.start(
      azurite,
      [
        ...["--blobHost", "127.0.0.1", "--blobPort", `${port}`, "--location", join(folder, "azurite")],
        ...["--cert", cloud.write("azurite.crt", cert), "--key", cloud.write("azurite.key", key)],
        ...["--oauth", "basic", "--skipApiVersionCheck", "--disableTelemetry"],
      ],
      {
        environment: { AZURITE_ACCOUNTS: `${account}:${Buffer.from("a key of no one").toString("base64")}` },
        ready: async () => (await ask("?comp=list")).status === 200,
        seconds: 300,
      },
    );
    cloud.serve(port, host);
    for (const { name } of Object.values(buckets))
      expect((await ask(`${name}?restype=container`, "PUT")).status).to.equal(201);
  });

  const tokens = Object.fromEntries(stores.map((store) => [store, federated(store)])) as Record<
    Store,
    string
  >;

  after(async () => {
    await storage?.stop();
    cloud?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  // With a token for its own managed identity.
  afterEach(function () {
    if (this.currentTest?.isPassed()) expect(exchanged).to.include(this.currentTest.title);
  });

  storesWrite(
    () => folder,
    azureStorage,
    // What the webhook of Azure Workload Identity sets in pods with the chart's label and annotation.
    (store) => ({
      ...cloud.environment,
      AZURE_CLIENT_ID: clients[store],
      AZURE_TENANT_ID: directory,
      AZURE_FEDERATED_TOKEN_FILE: cloud.write(`${store}.token`, tokens[store]),
      AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
    }),
    async (container) => {
      const { body } = await ask(`${container}?restype=container&comp=list`);
      return [...body.matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, name = ""]) => name);
    },
  );
});

describe("binaries: S3 by the role of a service account", function () {
  this.timeout(120_000);
  const { endpoint, region } = identityS3.external;
  const issuer = new Issuer();
  let folder: string;
  let cloud: Cloud;
  let storage: Server;
  let client: Client;
  const root = { accessKey: "root", secretKey: randomBytes(16).toString("hex") };

  before(async function () {
    const [minio = ""] = needs(this, "minio");
    folder = mkdtempSync(join(tmpdir(), "observability-sts-"));
    cloud = new Cloud(join(folder, "cloud"));
    await cloud.start();
    await issuer.start();
    // The SDK of Tempo uses the name of the dual-stack endpoint.
    const s3 = [endpoint, `s3.dualstack.${region}.amazonaws.com`];
    const names = [...s3, ...s3.map((name) => `.${name}`), `sts.${region}.amazonaws.com`];
    const { cert, key } = cloud.certificate("minio", ...names);
    cloud.write("public.crt", cert);
    cloud.write("private.key", key);
    const port = await freePort();
    storage = await Server.start(
      minio,
      [
        ...["server", join(folder, "data"), "--certs-dir", cloud.file("")],
        ...["--address", `127.0.0.1:${port}`, "--console-address", "127.0.0.1:0"],
      ],
      {
        environment: {
          MINIO_ROOT_USER: root.accessKey,
          MINIO_ROOT_PASSWORD: root.secretKey,
          MINIO_REGION_NAME: region,
          MINIO_DOMAIN: s3.join(),
          MINIO_IDENTITY_OPENID_CONFIG_URL: `${issuer.url}/.well-known/openid-configuration`,
          MINIO_IDENTITY_OPENID_CLIENT_ID: "sts.amazonaws.com",
          MINIO_IDENTITY_OPENID_ROLE_POLICY: "readwrite",
        },
        ready: async () => (await cloud.ask(port, "/minio/health/ready")).status === 200,
      },
    );
    cloud.serve(port, ...names);
    client = minioClient(port, root, { useSSL: true, transportAgent: cloud.agent, region });
    for (const { name } of Object.values(buckets)) await client.makeBucket(name, region);
  });

  after(async () => {
    await storage?.stop();
    cloud?.stop();
    issuer.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  storesWrite(
    () => folder,
    identityS3,
    // What the webhook of EKS sets in pods whose ServiceAccount has the annotation.
    (store) => ({
      ...cloud.environment,
      AWS_ROLE_ARN: /arn:minio:iam:\S+/.exec(storage.log)?.[0] ?? "",
      AWS_WEB_IDENTITY_TOKEN_FILE: cloud.write(
        `${store}.token`,
        issuer.token({ aud: "sts.amazonaws.com", sub: `system:serviceaccount:${store}:${store}` }),
      ),
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_STS_REGIONAL_ENDPOINTS: "regional",
    }),
    async (bucket) => {
      const objects: { name?: string }[] = await client.listObjects(bucket, "", true).toArray();
      return objects.map(({ name = "" }) => name);
    },
  );
});
