/**
 * The one schema of all settings: purpose, unit, allowed values. The defaults are in `dev.ts` and
 * `prod.ts`. `npm run generate` writes `docs/reference/settings.md` and the `config` block of `Pulumi.yaml`
 * from it.
 */
import { z } from "zod";
import { access } from "./access";
import { agents, hub } from "./agents";
import { alerting } from "./alerting";
import { backups } from "./backups";
import { coldTier } from "./cold-tier";
import { azure, external, gcs } from "./external-storage";
import {
  bucket,
  cache,
  date,
  disk,
  dnsName,
  fraction,
  group,
  growing,
  list,
  oneOf,
  optionalWorkload,
  pinnedImage,
  resources,
  secret,
  stateful,
  text,
  urlPath,
  wholeNumber,
  workload,
  yesNo,
} from "./fields";
import { grafana } from "./grafana";
import { helm } from "./helm";
import { load } from "./load";
import { mimirSteps } from "./mimir-steps";
import { network } from "./network";
import { otlp } from "./otlp";
import { platformNames } from "./platforms";
import { queries } from "./queries";
import { rollups } from "./rollups";
import { scaling } from "./scaling";
import { scheduling } from "./scheduling";
import { mimirTenant, seriesLimit, tempoTenant, traceLimits } from "./tenants";
import { byteRate, duration, size } from "./units";

const cluster = group({
  name: dnsName().describe("Name of the cluster, put on every signal as the label `cluster`"),
  kubeconfig: text("a path to a kubeconfig file")
    .optional()
    .describe("Path of the kubeconfig; without it KUBECONFIG or ~/.kube/config"),
  context: text("the name of a kubeconfig context")
    .optional()
    .describe("Context of the kubeconfig; without it the current one"),
  platform: oneOf(...platformNames)
    .optional()
    .describe(
      "Kubernetes platform, which changes the defaults of some settings: docs/guides/platforms.md. Without it, the defaults of any cluster with containerd",
    ),
  domain: text(
    "a DNS domain such as cluster.local",
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  ).describe("DNS domain of the cluster's Services"),
  storageClass: dnsName()
    .optional()
    .describe("StorageClass of every volume; without it the cluster's default")
    .meta({ later: "fixed for volumes that are there" }),
  antiAffinity: oneOf("none", "preferred", "quorum", "required").describe(
    "Whether replicas of a component run on different nodes: `quorum` requires it of members of a quorum (MinIO, ingesters, store-gateways, Alertmanagers, Prometheus) and prefers it for all others; `required` requires it of all",
  ),
  zones: yesNo().describe(
    "Whether nodes have the label topology.kubernetes.io/zone, so that replicas are spread over zones; a node without the label then runs no member of a quorum",
  ),
  scheduling,
  systemNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of the cluster itself and of this stack, the latter without `namespaces.prefix`: their logs are system logs, their metrics are infrastructure's",
  ),
  existingNamespaces: list(dnsName(), "a list of namespaces of this stack").describe(
    "Namespaces of this stack that exist before the first up, for example with a Secret; the stack labels them, and keeps them when it is deleted",
  ),
  protect: yesNo().describe(
    "Whether namespaces, buckets, volumes and the encryption key refuse to be deleted",
  ),
  gossipLabels: oneOf("prepare", "introduce", "verify").describe(
    "How Loki, Mimir and Tempo use the label that keeps their rings apart. New stacks use `verify`. An older stack takes the three in this order, one `up` each: docs/guides/upgrades.md",
  ),
}).describe("The Kubernetes cluster that the stack is installed on");

const namespaces = group({
  prefix: text(
    "empty, or at most 20 lowercase letters, digits and '-' that begin with a letter and end with '-'",
    /^([a-z]([-a-z0-9]{0,17}[a-z0-9])?-)?$/,
  )
    .describe("Beginning of the name of every namespace of this stack, for a second stack in a cluster")
    .meta({ later: "fixed" }),
}).describe("Names of namespaces");

const charts = group({
  mirror: text("a folder, an http(s):// chart repository or an oci:// registry")
    .optional()
    .describe(
      "Where charts come from instead of their official repositories; OBS_CHARTS in the environment wins over it",
    ),
  history: wholeNumber(1, 50).describe("Revisions that Helm keeps of each release"),
}).describe("Helm charts; charts.json has their versions");

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

const objectStorage = group({
  kind: oneOf("minio", "external", "gcs", "azure").describe(
    "`minio` installs MinIO; `external` uses another S3, `gcs` Google Cloud Storage, `azure` Azure Blob Storage",
  ),
  buckets: group({
    loki: bucket("Loki's chunks and index"),
    mimirBlocks: bucket("Mimir's blocks"),
    mimirRuler: bucket("Mimir's recording and alerting rules"),
    mimirAlertmanager: bucket("Mimir's Alertmanager configuration and state"),
    tempo: bucket("Tempo's trace blocks"),
  }).describe("The buckets; created when kind is minio, expected to exist otherwise"),
  lifecycleMargin: duration().describe(
    "How much longer a bucket's lifecycle keeps an object than the component above it does",
  ),
  minio: group({
    mode: oneOf("standalone", "distributed")
      .describe("One server, or several with erasure coding")
      .meta({ later: "fixed" }),
    servers: wholeNumber(1, 32)
      .describe(
        "Servers, each with one volume; 1 for standalone, 4 or more for distributed; 6 keep reads and writes on the loss of one of three zones",
      )
      .meta({ later: "fixed" }),
    disk: size()
      .describe("Size of each server's volume; it can grow, never shrink")
      .meta({ later: "larger only" }),
    cpu: resources.cpu,
    memory: resources.memory,
    memoryLimit: resources.memoryLimit,
    image: pinnedImage().describe(
      "MinIO's image; upstream publishes none any more, docs/guides/object-storage.md has the choices",
    ),
    endpoint: text("an https:// URL without a path", /^https:\/\/[^/\s]+$/)
      .optional()
      .describe("Where this program reaches MinIO to manage buckets; without it, its own port-forward"),
    caFile: text("a path to a PEM file")
      .optional()
      .describe("CA certificate of that endpoint, unless a public CA issued it"),
    localPort: wholeNumber(1024, 65535).describe(
      "Local port of the port-forward; different for stacks that run at the same time",
    ),
    readyTimeout: duration().describe("How long MinIO may take to answer its readiness check"),
    encryptionKey: secret("a 32-byte key in base64", /^[A-Za-z0-9+/]{43}=$/)
      .optional()
      .describe(
        "Key that encrypts objects at rest; generated without it. It can never change: what it encrypted could not be read",
      )
      .meta({ later: "fixed" }),
    coldTier,
  }).describe("MinIO, when kind is minio"),
  external,
  gcs,
  azure,
}).describe("Object storage for logs, metrics and traces");

const loki = group({
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each stream is written to"),
  distributor: workload("Receives log lines"),
  ingester: stateful("Builds chunks and writes them to the bucket"),
  querier: growing("Runs queries"),
  queryFrontend: workload("Splits queries and caches their results"),
  queryScheduler: optionalWorkload(
    "Hands the parts of queries to the queriers",
    "the queriers connect to the query-frontends",
  ),
  compactor: stateful("Compacts the index and deletes what is past its retention; always one"),
  gateway: workload("The one address for writing and reading"),
  resultsCache: cache(
    "Cache of query results; without memcached the query-frontend keeps them in its own memory",
  ),
  chunksCache: cache("Cache of chunks read from the bucket"),
  indexDisk: size().describe(
    "Disk of its node that a querier's copy of the index may take; a pod that takes more is evicted",
  ),
  schema: list(
    group({
      from: date().describe("First day (UTC) written with this index"),
      store: oneOf("boltdb-shipper", "tsdb").describe("Index store"),
    }),
    "a list of {from, store}",
  )
    .describe(
      "Index periods, oldest first. Add one with a future date to migrate; never change or remove one that data was written with",
    )
    .meta({ later: "more periods only" }),
  retention: group({
    application: duration().describe("Logs of applications"),
    system: duration().describe("Logs of cluster.systemNamespaces"),
    debug: duration().describe("Lines of level debug, of any namespace"),
    journal: duration().describe("The nodes' journals"),
    events: duration().describe("Kubernetes events"),
    namespaces: z
      .record(dnsName(), duration(), { error: () => "durations by namespace" })
      .meta({ allowed: "durations by namespace" })
      .describe("Logs of single namespaces, by name; wins over system and debug"),
  }).describe("How long logs are kept"),
  maxLineSize: size().describe(
    "Longest line that is kept whole; a longer one is cut, and ends in [truncated]",
  ),
  ingestionRate: byteRate().describe("Ingestion limit of a tenant"),
  ingestionBurst: byteRate().describe("Ingestion burst of a tenant; at least the largest push"),
  shutdown: duration().describe(
    "How long an ingester that stops may take to write what it holds to the bucket; the rest waits on its volume",
  ),
}).describe("Loki, logs");

const mimir = group({
  chartVersion: z
    .enum(mimirSteps, { error: () => `one of ${mimirSteps.join(", ")}` })
    .meta({ allowed: "a version of mimir-distributed in charts.json, or one of its steps there" })
    .optional()
    .describe(
      "Version of the chart mimir-distributed. Without it the newest one, which new stacks use. A stack with an older version takes the steps in order, one `up` each: docs/guides/upgrades.md#mimir",
    ),
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each series is written to"),
  distributor: workload("Receives samples and enforces the limits"),
  ingester: stateful("Holds the newest samples and writes them as blocks to the bucket"),
  querier: growing("Runs queries"),
  queryFrontend: workload("Splits queries and caches their results"),
  queryScheduler: workload("Hands the parts of queries to the queriers"),
  storeGateway: stateful("Reads the blocks in the bucket"),
  compactor: stateful("Joins blocks and deletes what is past its retention"),
  ruler: workload("Evaluates the rules that are kept in Mimir"),
  alertmanager: stateful("Sends the alerts of those rules"),
  gateway: workload("The one address for writing and reading"),
  resultsCache: cache("Cache of query results"),
  chunksCache: cache("Cache of chunks read from the bucket"),
  indexCache: cache("Cache of what the blocks' indexes say"),
  metadataCache: cache("Cache of which blocks there are"),
  retention: duration().describe("How long metrics are kept; a tenant may have its own"),
  storeAfter: duration().describe(
    "Age from which samples are read from the bucket, newer ones from the ingesters; 1m makes a restored bucket visible at once",
  ),
  compactionInterval: duration().describe("How often the compactor looks for blocks to join"),
  limits: group({
    series: seriesLimit().describe("Series that a tenant may have at a time"),
    samplesPerSecond: seriesLimit().describe("Samples that a tenant may write in a second"),
    burst: seriesLimit().describe("Samples that a tenant may write at once; at least the largest push"),
    exemplars: wholeNumber(0, 10_000_000).describe("Exemplars that are kept of each tenant; 0 keeps none"),
    labelNames: wholeNumber(10, 200).describe("Labels of a series; Istio's have more than Mimir's 30"),
    outOfOrder: duration().describe("How late a sample may come; at least alloyMetrics.bufferAge"),
  }).describe("Limits of each tenant that has none of its own"),
  tenants: z
    .record(dnsName(), mimirTenant, { error: () => "tenants by name" })
    .meta({ allowed: "tenants by name" })
    .describe(
      "Tenants by name, each with users of its own at the gateway, and limits of its own where it needs them",
    ),
  rollups,
  shutdown: duration().describe(
    "How long an ingester or Alertmanager that stops may take to hand over what it holds; the rest waits on its volume",
  ),
}).describe("Mimir, metrics");

const tempo = group({
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each trace is written to"),
  distributor: workload("Receives spans"),
  ingester: stateful("Holds the newest traces and writes them as blocks to the bucket"),
  querier: growing("Finds traces"),
  queryFrontend: workload("Splits searches"),
  compactor: workload("Joins blocks and deletes what is past its retention"),
  gateway: workload("The one address for writing and reading"),
  metricsGenerator: workload("Makes span metrics and service graphs, where tracing.metricsFrom is tempo"),
  cache: cache("Cache of what searches read from the bucket"),
  retention: duration().describe("How long traces are kept; a tenant may have its own"),
  limits: group(traceLimits((what) => what)).describe("Limits of each tenant that has none of its own"),
  tenants: z
    .record(dnsName(), tempoTenant, { error: () => "tenants by name" })
    .meta({ allowed: "tenants by name" })
    .describe(
      "Tenants by name, each with users of its own at the gateway, and limits of its own where it needs them",
    ),
  shutdown: duration().describe("How long an ingester that stops may take; the rest waits on its volume"),
}).describe("Tempo, traces");

const alloyLogs = group({
  ...resources,
  buffer: size().describe(
    "Buffer on each node's disk while Loki is unavailable; when it is full, the kubelet's log files hold what follows",
  ),
  errorsOnly: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of which only errors are collected",
  ),
  healthCheckPaths: list(urlPath(), "a list of URL paths").describe(
    "Paths of health checks; successful requests for them are left out of the logs, unless a browser sends them",
  ),
  dockerContainers: text("an absolute path", /^(\/[\w.-]+)+$/).describe(
    "Folder of the nodes in which Docker keeps the containers' logs; used only where Docker is the runtime",
  ),
  journal: yesNo().describe("Whether the node's journal is collected: kubelet, container runtime, kernel"),
}).describe("Alloy, collecting the logs of all pods");

const alloyMetrics = group({
  replicas: wholeNumber(1, 100).describe("Number of replicas; they share the targets among themselves"),
  maxReplicas: wholeNumber(1, 100).describe(
    "Most replicas; where it is more than replicas, the number of targets decides between the two",
  ),
  targetsPerReplica: wholeNumber(1, 100_000).describe(
    "Targets that one replica is to scrape, when it scales",
  ),
  ...resources,
  buffer: size().describe("Buffer (WAL) of each replica for samples if Mimir is unavailable"),
  bufferAge: duration().describe(
    "Maximum age of buffered samples if Mimir is unavailable; buffer should hold the samples of this period",
  ),
  scrapeInterval: duration().describe("How often a target is scraped that does not say it itself"),
  samplesPerSend: wholeNumber(100, 100_000).describe("Samples in one push to Mimir"),
  kubernetesEvents: yesNo().describe(
    "Whether Kubernetes events are collected as logs; each is sent once, however many replicas there are",
  ),
  sampleLimit: wholeNumber(100, 10_000_000).describe(
    "Samples that one scrape of a target may return; a target with more is not stored, and an alert reports it",
  ),
  annotatedPods: yesNo().describe(
    "Whether Pods and Services that are annotated with prometheus.io/scrape are scraped in addition to those of monitors",
  ),
}).describe("Alloy, scraping metrics");

const tracing = group({
  sampling: group({
    ratio: fraction().describe("Share of traces that is kept; the only place that says it"),
    appliedBy: oneOf("sdk", "collector").describe(
      "Who leaves traces out: the SDKs in the applications, or Alloy, which then also keeps every failed and slow one",
    ),
    services: z
      .record(text("a service.name"), fraction(), { error: () => "ratios by service.name" })
      .meta({ allowed: "ratios by service.name" })
      .describe(
        "Ratios of single services: traces with a span of the service if Alloy samples; if SDKs sample, traces that begin in pods with the Instrumentation of this name",
      ),
    slow: duration().describe("How long a trace takes to be kept as slow; by the collector only"),
    decisionWait: duration().describe(
      "How long Alloy waits for a trace's spans before it decides; by the collector only",
    ),
  }).describe("Which traces are kept"),
  metricsFrom: oneOf("tempo", "alloy").describe(
    "Who makes span metrics and the service graph: Tempo's metrics-generator, from what is kept, corrected by the ratio; or Alloy, before it samples",
  ),
  languages: list(
    oneOf("python", "java", "nodejs", "dotnet", "go", "apacheHttpd", "nginx"),
    "a list of python, java, nodejs, dotnet, go, apacheHttpd, nginx",
  ).describe("Languages and web servers that the operator instruments in pods with the annotation"),
  propagators: list(
    oneOf("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace"),
    "a list of tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace",
  ).describe("Headers by which instrumented applications pass the trace context on"),
}).describe("Sampling, instrumentation, and metrics made of traces");

const alloyTraces = group({
  replicas: wholeNumber(1, 100).describe("Number of replicas; all spans of a trace meet on one of them"),
  ...resources,
  buffer: size().describe(
    "Spans that each replica keeps on its volume while Tempo is unavailable, and a quarter as much of OTLP metrics and of OTLP logs",
  ),
  disk: size().describe(
    "Volume of each replica: the buffers, their compaction, and the metrics that the replica makes from spans",
  ),
}).describe("Alloy, receiving traces, OTLP metrics and OTLP logs");

const openTelemetryOperator = group({
  install: oneOf("auto", "install", "existing").describe(
    "The operator and its custom resource definitions: `auto` uses the cluster's and installs them if there are none",
  ),
  certManager: yesNo().describe(
    "Whether cert-manager makes the webhook's certificate; without it the chart makes one",
  ),
  operator: group(resources).describe("Injects instrumentation into pods and runs collectors"),
  collector: workload(
    "The OpenTelemetryCollector that takes what only a collector takes and hands it to Alloy",
  ),
}).describe("The OpenTelemetry operator");

const kubePrometheusStack = group({
  crds: oneOf("auto", "install", "existing").describe(
    "Prometheus Operator's custom resource definitions: `auto` uses the cluster's and installs them if there are none",
  ),
  admissionWebhook: yesNo().describe(
    "Whether rules and monitors are checked when they are written; Jobs make its certificate",
  ),
  controlPlane: list(
    oneOf("apiServer", "controllerManager", "scheduler", "etcd", "proxy", "dns"),
    "a list of apiServer, controllerManager, scheduler, etcd, proxy, dns",
  ).describe(
    "Parts of the control plane that pods may scrape, and that have alerts; managed clusters and kind hide some",
  ),
  operator: group(resources).describe("Turns monitors and rules into Prometheus' configuration"),
  prometheus: group({
    replicas: wholeNumber(1, 10).describe(
      "Number of replicas, each scraping everything; Mimir keeps one copy",
    ),
    ...resources,
    disk,
    retention: duration().describe("How long Prometheus itself keeps metrics"),
    scrapeInterval: duration().describe("How often a target is scraped that does not say it itself"),
    shutdown: duration().describe(
      "How long a replica that stops may take to send what waits; the rest stays on its volume",
    ),
  }).describe("Evaluates the cluster's rules, independently of Mimir"),
  alertmanager: stateful("Sends Prometheus' alerts"),
  kubeStateMetrics: group(resources).describe("The state of Kubernetes' objects as metrics"),
  nodeExporter: group({
    ...resources,
    port: wholeNumber(1024, 65535).describe(
      "Port on every node; another one if another node-exporter of the cluster has 9100",
    ),
  }).describe("The state of each node as metrics"),
}).describe("Prometheus Operator with Prometheus, Alertmanager, kube-state-metrics and node-exporter");

const metricNames = "a metric's name, or a regular expression for several";

/** Whether a text can be read as a regular expression. */
function isExpression(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}

const namesOfMetrics = () =>
  list(
    text(metricNames, /^[a-zA-Z_:(][\w:.*+?|()[\]-]*$/).refine(isExpression, { error: metricNames }),
    "a list of metrics' names, or of regular expressions for them",
  );

const metrics = group({
  infrastructure: oneOf("standard", "used", "all").describe(
    "Which metrics are kept: all but a short list of expensive ones that common dashboards and rules do not read (values/kept-metrics.ts); of Kubernetes and of this stack's components only those that this stack itself reads; or all",
  ),
  also: namesOfMetrics().describe("Metrics that are kept although infrastructure or drop names them"),
  drop: namesOfMetrics().describe("More metrics that are dropped, of any application"),
}).describe("Which of the scraped metrics are stored");

const cadvisor = group({
  enabled: yesNo().describe(
    "Whether cAdvisor runs on every node; without it the kubelet's own measures containers",
  ),
  ...resources,
  image: pinnedImage().describe("cAdvisor's image"),
  containerdSocket: text("an absolute path", /^(\/[\w.-]+)+$/).describe(
    "Socket of containerd on the nodes; k3s, RKE2, MicroK8s and k0s have others. Docker needs no setting",
  ),
  expose: list(oneOf("serviceMonitor", "nodePort"), "a list of serviceMonitor, nodePort").describe(
    "Who may read it: Alloy through a ServiceMonitor, anyone who reaches a node through a NodePort",
  ),
  nodePort: wholeNumber(30000, 32767).describe("Port on every node, where expose has nodePort"),
}).describe("cAdvisor, measuring containers");

/** All settings of one stack. */
export const schema = group({
  environment: oneOf("dev", "prod").describe(
    "Which defaults the stack starts from (settings/dev.ts, settings/prod.ts)",
  ),
  cluster,
  namespaces,
  charts,
  images,
  load,
  objectStorage,
  backups,
  loki,
  mimir,
  tempo,
  queries,
  alloyLogs,
  alloyMetrics,
  alloyTraces,
  otlp,
  tracing,
  openTelemetryOperator,
  kubePrometheusStack,
  metrics,
  cadvisor,
  grafana,
  access,
  agents,
  hub: hub.optional(),
  network,
  scaling,
  alerting,
  helm,
});

/** Settings after units are parsed: seconds, bytes, bytes per second, millicores. */
export type Settings = z.output<typeof schema> & {
  /** Names of namespaces, by key, that a program passes to components; each wins over the default name with the prefix. */
  namespaces: { names?: Readonly<Record<string, string>> };
};
/** Settings as people write them, with units in strings. */
export type SettingsInput = z.input<typeof schema>;

type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: Partially<T[Key]> }
    : T;
/** The settings that a program changes; each of the others has the default of the environment. */
export type SettingsChanges = Partially<SettingsInput> & Pick<SettingsInput, "environment">;

/** A component's replicas and resources, as the values read them. */
export type Workload = Settings["loki"]["distributor"];
/** What a memcached is given. */
export type Cache = Settings["loki"]["resultsCache"];
