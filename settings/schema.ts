/**
 * The one schema of all settings: what each is, its unit, what is allowed. The numbers themselves stand in
 * `dev.ts` and `prod.ts`. `npm run generate` writes `docs/settings.md` and the `config` block of `Pulumi.yaml`
 * from it.
 */
import { z } from "zod";
import {
  bucket,
  cache,
  date,
  dnsName,
  group,
  list,
  oneOf,
  resources,
  secret,
  stateful,
  text,
  urlPath,
  wholeNumber,
  workload,
  yesNo,
} from "./fields";
import { byteRate, duration, size } from "./units";

const cluster = group({
  name: dnsName().describe("Name of the cluster, put on every signal as the label `cluster`"),
  kubeconfig: text("a path to a kubeconfig file")
    .optional()
    .describe("Path of the kubeconfig; without it KUBECONFIG or ~/.kube/config"),
  context: text("the name of a kubeconfig context")
    .optional()
    .describe("Context of the kubeconfig; without it the current one"),
  storageClass: dnsName()
    .optional()
    .describe("StorageClass of every volume; without it the cluster's default"),
  antiAffinity: oneOf("none", "preferred", "required").describe(
    "Whether replicas of one component are kept on different nodes",
  ),
  protect: yesNo().describe(
    "Whether namespaces, buckets, volumes and the encryption key refuse to be deleted",
  ),
}).describe("The Kubernetes cluster that the stack is installed on");

const charts = group({
  mirror: text("a folder, an http(s):// chart repository or an oci:// registry")
    .optional()
    .describe(
      "Where charts come from instead of their official repositories; OBS_CHARTS in the environment wins over it",
    ),
  atomic: yesNo().describe("Whether a failed release is rolled back by Helm"),
  history: wholeNumber(1, 50).describe("Revisions that Helm keeps of each release"),
}).describe("Helm charts; their versions stand in charts.json");

const images = group({
  registry: text(
    "a registry host, optionally with a path, and no scheme",
    /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/,
  )
    .optional()
    .describe("Registry that every image is pulled from instead of its own; paths and tags stay the same"),
  pullSecret: dnsName()
    .optional()
    .describe("Existing Secret, in every namespace, with credentials for the registry"),
}).describe("Container images");

const credentials = (consumer: string) =>
  group({
    accessKey: secret("an access key of 3 to 128 characters", /^\S{3,128}$/).describe("Access key"),
    secretKey: secret("a secret key of 8 to 128 characters", /^\S{8,128}$/).describe("Secret key"),
  })
    .optional()
    .describe(`Credentials of ${consumer}`);

const objectStorage = group({
  kind: oneOf("minio", "external").describe(
    "`minio` installs MinIO; `external` uses an S3 that is there already",
  ),
  buckets: group({
    loki: bucket("Loki's chunks and index"),
    mimirBlocks: bucket("Mimir's blocks"),
    mimirRuler: bucket("Mimir's recording and alerting rules"),
    mimirAlertmanager: bucket("Mimir's Alertmanager configuration and state"),
    tempo: bucket("Tempo's trace blocks"),
  }).describe("The buckets; created when kind is minio, expected to exist when it is external"),
  lifecycleMargin: duration().describe(
    "How much longer a bucket's lifecycle keeps an object than the component above it does",
  ),
  minio: group({
    mode: oneOf("standalone", "distributed").describe("One server, or several with erasure coding"),
    servers: wholeNumber(1, 32).describe(
      "Servers, each with one volume; 1 for standalone, 4 or more for distributed",
    ),
    disk: size().describe("Size of each server's volume; it can grow, never shrink"),
    cpu: resources.cpu,
    memory: resources.memory,
    memoryLimit: resources.memoryLimit,
    image: text(
      "an image with a tag or digest, not latest",
      /^(?!.*:latest$)\S+(:[\w.-]+|@sha256:[0-9a-f]{64})$/,
    ).describe("MinIO's image; upstream publishes none any more, docs/object-storage.md has the choices"),
    endpoint: text("an https:// URL without a path", /^https:\/\/[^/\s]+$/)
      .optional()
      .describe("Where this program reaches MinIO to manage buckets; without it, its own port-forward"),
    caFile: text("a path to a PEM file")
      .optional()
      .describe("CA certificate of that endpoint, where it is not a public one"),
    localPort: wholeNumber(1024, 65535).describe(
      "Local port of the port-forward; different for stacks that run at the same time",
    ),
    readyTimeout: duration().describe("How long MinIO may take to answer its readiness check"),
    encryptionKey: secret("a 32-byte key in base64", /^[A-Za-z0-9+/]{43}=$/)
      .optional()
      .describe(
        "Key that encrypts objects at rest; generated without it. It can never change: what it encrypted could not be read",
      ),
  }).describe("MinIO, when kind is minio"),
  external: group({
    endpoint: text("a host, optionally with a port, and no scheme", /^[a-z0-9.-]+(:\d+)?$/).describe(
      "Host and port of the S3 API",
    ),
    region: text("a region name").describe("Region that requests are signed for"),
    tls: yesNo().describe("Whether the endpoint speaks HTTPS"),
    pathStyle: yesNo().describe("Whether buckets are addressed in the path instead of the host name"),
    loki: credentials("Loki"),
    mimir: credentials("Mimir"),
    tempo: credentials("Tempo"),
  })
    .optional()
    .describe("The S3 that is there already, when kind is external"),
}).describe("Object storage for logs, metrics and traces");

const loki = group({
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each stream is written to"),
  distributor: workload("Receives log lines"),
  ingester: stateful("Builds chunks and writes them to the bucket"),
  querier: workload("Runs queries"),
  queryFrontend: workload("Splits queries and caches their results"),
  compactor: stateful("Compacts the index and deletes what is past its retention; always one"),
  gateway: workload("The one address for writing and reading"),
  resultsCache: cache(
    "Cache of query results; without memcached the query-frontend keeps them in its own memory",
  ),
  chunksCache: cache("Cache of chunks read from the bucket"),
  schema: list(
    group({
      from: date().describe("First day (UTC) written with this index"),
      store: oneOf("boltdb-shipper", "tsdb").describe("Index store"),
    }),
    "a list of {from, store}",
  ).describe(
    "Index periods, oldest first. Add one with a future date to migrate; never change or remove one that data was written with",
  ),
  retention: group({
    application: duration().describe("Logs of applications"),
    system: duration().describe("Logs of systemNamespaces"),
    debug: duration().describe("Lines of level debug, of any namespace"),
    namespaces: z
      .record(dnsName(), duration(), { error: () => "durations by namespace" })
      .meta({ allowed: "durations by namespace" })
      .describe("Logs of single namespaces, by name; wins over the three above"),
  }).describe("How long logs are kept"),
  systemNamespaces: list(dnsName(), "a list of namespaces").describe("Namespaces whose logs are system logs"),
  ingestionRate: byteRate().describe("Ingestion limit of a tenant"),
  ingestionBurst: byteRate().describe("Ingestion burst of a tenant; at least the largest push"),
  shutdown: duration().describe(
    "How long an ingester that stops may take to write what it holds to the bucket; the rest waits on its volume",
  ),
}).describe("Loki, logs");

const mimir = group({ retention: duration().describe("How long metrics are kept") }).describe(
  "Mimir, metrics",
);

const tempo = group({ retention: duration().describe("How long traces are kept") }).describe("Tempo, traces");

const alloyLogs = group({
  ...resources,
  buffer: size().describe("Buffer on each node while Loki is away"),
  bufferAge: duration().describe(
    "Age at which a buffered segment is dropped; buffer should hold this much of a node's logs",
  ),
  errorsOnly: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of which only errors are collected",
  ),
  healthCheckPaths: list(urlPath(), "a list of URL paths").describe(
    "Paths whose successful requests are left out of the logs",
  ),
}).describe("Alloy, collecting the logs of all pods");

/** All settings of one stack. */
export const schema = group({
  environment: oneOf("dev", "prod").describe(
    "Which defaults the stack starts from (settings/dev.ts, settings/prod.ts)",
  ),
  cluster,
  charts,
  images,
  objectStorage,
  loki,
  mimir,
  tempo,
  alloyLogs,
});

/** Settings after units are parsed: seconds, bytes, bytes per second, millicores. */
export type Settings = z.output<typeof schema>;
/** Settings as people write them, with units in strings. */
export type SettingsInput = z.input<typeof schema>;

/** A component's replicas and resources, as the values read them. */
export type Workload = Settings["loki"]["querier"];
