/**
 * The schema of all settings: purpose, unit, allowed values. The defaults are in `dev.ts` and `prod.ts`. `npm run
 * generate` writes `docs/reference/settings.md` and the `config` block of `Pulumi.yaml` from it.
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
  optionalStateful,
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
  name: dnsName().describe("Name of the cluster, which every signal has as the label `cluster`"),
  kubeconfig: text("a path to a kubeconfig file")
    .optional()
    .describe("Path of the kubeconfig; default KUBECONFIG or ~/.kube/config"),
  context: text("the name of a kubeconfig context")
    .optional()
    .describe("Context of the kubeconfig; default: the current one"),
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
    .describe("StorageClass of every volume; default: the cluster's")
    .meta({ later: "fixed for existing volumes" }),
  antiAffinity: oneOf("none", "preferred", "quorum", "required").describe(
    "Whether replicas of a component run on different nodes: `quorum` requires it of members of a quorum (MinIO, ingesters, store-gateways, Alertmanagers, Prometheus) and prefers it for all others; `required` requires it of all",
  ),
  zones: yesNo().describe(
    "Whether nodes have the label topology.kubernetes.io/zone, so that replicas are spread over zones; a node without the label then runs no member of a quorum",
  ),
  scheduling,
  selinux: yesNo().describe(
    "Whether nodes enforce SELinux for containers with the types of container-selinux, as RHEL and its relatives do with `selinux: true` of RKE2 or k3s: DaemonSets that read files of nodes then have the type spc_t",
  ),
  systemNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of the cluster itself and of this stack, the latter without `namespaces.prefix`. Their logs count as system logs, and their metrics as infrastructure metrics",
  ),
  existingNamespaces: list(dnsName(), "a list of namespaces of this stack").describe(
    "Namespaces of this stack that exist before the first up, for example with a Secret; the stack labels them, and keeps them when it is deleted",
  ),
  protect: yesNo().describe(
    "Whether namespaces, buckets, volumes and the encryption key are protected from deletion",
  ),
  gossipLabels: oneOf("prepare", "introduce", "verify").describe(
    "How Loki, Mimir and Tempo use the label that separates their rings. New stacks use `verify`. An older stack takes the three values in this order, one `up` each: docs/guides/upgrades.md",
  ),
}).describe("The Kubernetes cluster that the stack is installed on");

const namespaces = group({
  prefix: text(
    "empty, or at most 20 lowercase letters, digits and '-' that begin with a letter and end with '-'",
    /^([a-z]([-a-z0-9]{0,17}[a-z0-9])?-)?$/,
  )
    .describe("Prefix of every namespace of this stack, for a second stack in a cluster")
    .meta({ later: "fixed" }),
}).describe("Names of namespaces");

const charts = group({
  mirror: text("a folder, an http(s):// chart repository or an oci:// registry")
    .optional()
    .describe(
      "Source of charts instead of their official repositories; the environment variable OBS_CHARTS overrides it",
    ),
  history: wholeNumber(1, 50).describe("Revisions that Helm keeps of each release"),
}).describe("Helm charts; charts.json pins their versions");

const images = group({
  registry: text(
    "a registry host, optionally with a path, and no scheme",
    /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/,
  )
    .optional()
    .describe("Registry of all images instead of their own; paths and tags stay the same"),
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
  }).describe("The buckets; created if kind is minio, otherwise they must exist"),
  lifecycleMargin: duration().describe(
    "How much longer a bucket's lifecycle keeps an object than its store does",
  ),
  minio: group({
    mode: oneOf("standalone", "distributed")
      .describe("One server, or several with erasure coding")
      .meta({ later: "fixed" }),
    servers: wholeNumber(1, 32)
      .describe(
        "Servers, each with one volume; 1 for standalone, 4 or more for distributed. With 6, reads and writes survive the loss of one of three zones",
      )
      .meta({ later: "fixed" }),
    disk: size()
      .describe("Size of each server's volume; it can grow, but not shrink")
      .meta({ later: "larger only" }),
    cpu: resources.cpu,
    memory: resources.memory,
    memoryLimit: resources.memoryLimit,
    image: pinnedImage().describe(
      "MinIO's image; upstream no longer publishes any, see docs/guides/object-storage.md for the choices",
    ),
    endpoint: text("an https:// URL without a path", /^https:\/\/[^/\s]+$/)
      .optional()
      .describe("URL at which this program reaches MinIO to manage buckets; default: its own port-forward"),
    caFile: text("a path to a PEM file")
      .optional()
      .describe("CA certificate of that endpoint, unless a public CA issued it"),
    localPort: wholeNumber(1024, 65535).describe(
      "Local port of the port-forward; stacks that run at the same time need different ones",
    ),
    readyTimeout: duration().describe("How long to wait until MinIO is ready"),
    encryptionKey: secret("a 32-byte key in base64", /^[A-Za-z0-9+/]{43}=$/)
      .optional()
      .describe(
        "Key that encrypts objects at rest; generated by default. It can never change: existing objects could not be decrypted",
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
    "Distributes the parts of queries to the queriers",
    "the queriers connect to the query-frontends",
  ),
  indexGateway: optionalStateful(
    "Downloads the index from the bucket and answers the queriers' requests for it",
    "each querier downloads the index itself",
  ),
  compactor: stateful("Compacts the index and deletes data past its retention; always one"),
  gateway: workload("The single address for writes and reads"),
  resultsCache: cache(
    "Cache of query results; without memcached, the query-frontend caches them in its own memory",
  ),
  chunksCache: cache("Cache of chunks read from the bucket"),
  indexDisk: size().describe(
    "Disk of its node for a querier's copy of the index, which it has only with 0 replicas of loki.indexGateway; a pod that uses more is evicted",
  ),
  schema: list(
    group({
      from: date().describe("First day (UTC) written with this index"),
      store: oneOf("boltdb-shipper", "tsdb").describe("Index store"),
    }),
    "a list of {from, store}",
  )
    .describe(
      "Index periods, oldest first. Add one with a future date to migrate; never change or remove a period that has data",
    )
    .meta({ later: "more periods only" }),
  retention: group({
    application: duration().describe("Logs of applications"),
    system: duration().describe("Logs of cluster.systemNamespaces"),
    debug: duration().describe("Lines of level debug, in any namespace"),
    journal: duration().describe("The nodes' journals"),
    events: duration().describe("Kubernetes events"),
    namespaces: z
      .record(dnsName(), duration(), { error: () => "durations by namespace" })
      .meta({ allowed: "durations by namespace" })
      .describe("Logs of single namespaces, by name; overrides system and debug"),
  }).describe("Retention of logs"),
  maxLineSize: size().describe("Maximum length of a line; a longer one is cut, and ends in [truncated]"),
  ingestionRate: byteRate().describe("Ingestion limit of a tenant"),
  ingestionBurst: byteRate().describe("Ingestion burst of a tenant; at least the largest push"),
  shutdown: duration().describe(
    "How long a terminating ingester may take to write its data to the bucket; the rest stays on its volume",
  ),
}).describe("Loki, logs");

const mimir = group({
  chartVersion: z
    .enum(mimirSteps, { error: () => `one of ${mimirSteps.join(", ")}` })
    .meta({ allowed: "a version of mimir-distributed in charts.json, or one of its steps there" })
    .optional()
    .describe(
      "Version of the chart mimir-distributed; default: the newest one, which new stacks use. A stack with an older version takes the steps in order, one `up` each: docs/guides/upgrades.md#mimir",
    ),
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each series is written to"),
  distributor: workload("Receives samples and enforces the limits"),
  ingester: stateful("Holds the newest samples and writes them as blocks to the bucket"),
  querier: growing("Runs queries"),
  queryFrontend: workload("Splits queries and caches their results"),
  queryScheduler: workload("Distributes the parts of queries to the queriers"),
  storeGateway: stateful("Reads the blocks in the bucket"),
  compactor: stateful("Merges blocks and deletes data past its retention"),
  ruler: workload("Evaluates the rules stored in Mimir"),
  alertmanager: stateful("Sends the alerts of those rules"),
  gateway: workload("The single address for writes and reads"),
  resultsCache: cache("Cache of query results"),
  chunksCache: cache("Cache of chunks read from the bucket"),
  indexCache: cache("Cache of block indexes"),
  metadataCache: cache("Cache of the list of blocks"),
  retention: duration().describe("Retention of metrics; a tenant may have its own"),
  storeAfter: duration().describe(
    "Age from which samples are read from the bucket, and newer ones from the ingesters; 1m makes a restored bucket visible at once",
  ),
  compactionInterval: duration().describe("How often the compactor checks for blocks to merge"),
  limits: group({
    series: seriesLimit().describe("Maximum number of active series of a tenant"),
    samplesPerSecond: seriesLimit().describe("Samples that a tenant may write per second"),
    burst: seriesLimit().describe("Samples that a tenant may write at once; at least the largest push"),
    exemplars: wholeNumber(0, 10_000_000).describe("Exemplars stored for each tenant; 0 disables them"),
    labelNames: wholeNumber(10, 200).describe(
      "Maximum number of labels of a series; Istio's have more than Mimir's default of 30",
    ),
    outOfOrder: duration().describe("Maximum delay of a sample; at least alloyMetrics.bufferAge"),
  }).describe("Limits of each tenant without its own limits"),
  tenants: z
    .record(dnsName(), mimirTenant, { error: () => "tenants by name" })
    .meta({ allowed: "tenants by name" })
    .describe("Tenants by name, each with its own users at the gateway, and optionally its own limits"),
  rollups,
  shutdown: duration().describe(
    "How long a terminating ingester or Alertmanager may take to hand over its data; the rest stays on its volume",
  ),
}).describe("Mimir, metrics");

const tempo = group({
  replicationFactor: wholeNumber(1, 5).describe("Ingesters that each trace is written to"),
  distributor: workload("Receives spans"),
  ingester: stateful("Holds the newest traces and writes them as blocks to the bucket"),
  querier: growing("Finds traces"),
  queryFrontend: workload("Splits searches"),
  compactor: workload("Merges blocks and deletes data past its retention"),
  gateway: workload("The single address for writes and reads"),
  metricsGenerator: workload("Generates span metrics and service graphs, if tracing.metricsFrom is tempo"),
  cache: cache("Cache of block data that searches read from the bucket"),
  retention: duration().describe("Retention of traces; a tenant may have its own"),
  limits: group(traceLimits((what) => what)).describe("Limits of each tenant without its own limits"),
  tenants: z
    .record(dnsName(), tempoTenant, { error: () => "tenants by name" })
    .meta({ allowed: "tenants by name" })
    .describe("Tenants by name, each with its own users at the gateway, and optionally its own limits"),
  shutdown: duration().describe("How long a terminating ingester may take; the rest stays on its volume"),
}).describe("Tempo, traces");

const alloyLogs = group({
  ...resources,
  buffer: size().describe(
    "Buffer on each node's disk while Loki is unavailable; when it is full, later lines stay in the kubelet's log files",
  ),
  errorsOnly: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of which only errors are collected",
  ),
  healthCheckPaths: list(urlPath(), "a list of URL paths").describe(
    "Paths of health checks; logs of successful requests for them are dropped, unless a browser sends them",
  ),
  dockerContainers: text("an absolute path", /^(\/[\w.-]+)+$/).describe(
    "Folder on the nodes in which Docker keeps the containers' logs; used only if Docker is the runtime",
  ),
  journal: yesNo().describe("Whether the node's journal is collected: kubelet, container runtime, kernel"),
}).describe("Alloy, collecting the logs of all pods");

const alloyMetrics = group({
  replicas: wholeNumber(1, 100).describe("Number of replicas, which share the targets"),
  maxReplicas: wholeNumber(1, 100).describe(
    "Maximum number of replicas; if it is more than replicas, the number of targets decides the number",
  ),
  targetsPerReplica: wholeNumber(1, 100_000).describe("Targets per replica, for autoscaling"),
  ...resources,
  buffer: size().describe("Buffer (WAL) of each replica for samples if Mimir is unavailable"),
  bufferAge: duration().describe(
    "Maximum age of buffered samples if Mimir is unavailable; buffer must hold the samples of four times this period",
  ),
  scrapeInterval: duration().describe("Scrape interval of targets that do not set their own"),
  samplesPerSend: wholeNumber(100, 100_000).describe("Samples in one push to Mimir"),
  shards: wholeNumber(1, 200).describe(
    "Pushes to Mimir at a time, of each replica and tenant; Prometheus and Tempo send as many",
  ),
  kubernetesEvents: yesNo().describe(
    "Whether Kubernetes events are collected as logs; each is sent once, by one of the replicas",
  ),
  sampleLimit: wholeNumber(100, 10_000_000).describe(
    "Samples that one scrape of an application's target may return to Alloy or Prometheus; a target with more is not stored, and an alert reports it",
  ),
  annotatedPods: yesNo().describe(
    "Whether Pods and Services with the annotation prometheus.io/scrape are scraped, in addition to those of monitors",
  ),
}).describe("Alloy, scraping metrics");

const tracing = group({
  sampling: group({
    ratio: fraction().describe("Share of traces that is kept; all samplers use it"),
    appliedBy: oneOf("sdk", "collector").describe(
      "Sampler: the SDKs in the applications, or Alloy, which then also keeps every failed and slow trace",
    ),
    services: z
      .record(text("a service.name"), fraction(), { error: () => "ratios by service.name" })
      .meta({ allowed: "ratios by service.name" })
      .describe(
        "Ratios of single services: if Alloy samples, for traces with a span of the service; if SDKs sample, for traces that begin in pods with the Instrumentation of this name",
      ),
    slow: duration().describe(
      "Minimum duration of a slow trace, which is always kept; for the collector only",
    ),
    decisionWait: duration().describe(
      "How long Alloy waits for a trace's spans before it decides; for the collector only",
    ),
  }).describe("Sampling of traces"),
  metricsFrom: oneOf("tempo", "alloy").describe(
    "Source of span metrics and the service graph: Tempo's metrics-generator, from sampled traces, corrected by the ratio; or Alloy, before it samples",
  ),
  languages: list(
    oneOf("python", "java", "nodejs", "dotnet", "go", "apacheHttpd", "nginx"),
    "a list of python, java, nodejs, dotnet, go, apacheHttpd, nginx",
  ).describe("Languages and web servers that the operator instruments in pods with the annotation"),
  propagators: list(
    oneOf("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace"),
    "a list of tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace",
  ).describe("Headers with which instrumented applications propagate the trace context"),
}).describe("Sampling, instrumentation, and metrics generated from traces");

const alloyTraces = group({
  replicas: wholeNumber(1, 100).describe("Number of replicas; one of them receives all spans of a trace"),
  ...resources,
  buffer: size().describe(
    "Spans that each replica buffers on its volume while Tempo is unavailable, and a quarter as much of OTLP metrics and of OTLP logs",
  ),
  disk: size()
    .describe(
      "Volume of each replica: the buffers, their compaction, and the metrics that the replica generates from spans",
    )
    .meta({ later: "larger only, by ./obs upgrade --volumes" }),
}).describe("Alloy, receiving traces, OTLP metrics and OTLP logs");

const openTelemetryOperator = group({
  install: oneOf("auto", "install", "existing").describe(
    "The operator and its CRDs: `auto` uses the cluster's and installs them if there are none",
  ),
  certManager: yesNo().describe(
    "Whether cert-manager issues the webhook's certificate; otherwise the chart generates one",
  ),
  operator: workload(
    "Injects instrumentation into pods and runs collectors; pods that start without a replica stay uninstrumented",
  ),
  collector: workload(
    "The OpenTelemetryCollector for protocols that only a collector receives; it forwards to Alloy",
  ),
}).describe("The OpenTelemetry operator");

/** The form of kube-state-metrics' own options. */
const objectMetadata = () =>
  list(
    text(
      'a kind in the plural and its keys, such as "namespaces=[team,cost-center]"',
      /^[a-z]+=\[[\w./*-]+(,[\w./*-]+)*\]$/,
    ),
    'a list of kinds in the plural with their keys, such as "namespaces=[team,cost-center]"',
  );

const kubePrometheusStack = group({
  crds: oneOf("auto", "install", "existing").describe(
    "Prometheus Operator's CRDs: `auto` uses the cluster's and installs them if there are none",
  ),
  admissionWebhook: yesNo().describe(
    "Whether a webhook validates rules and monitors; Jobs create its certificate",
  ),
  controlPlane: list(
    oneOf("apiServer", "controllerManager", "scheduler", "etcd", "proxy", "dns"),
    "a list of apiServer, controllerManager, scheduler, etcd, proxy, dns",
  ).describe(
    "Parts of the control plane that are scraped and have alerts; managed clusters and kind do not expose all of them",
  ),
  operator: group(resources).describe("Turns monitors and rules into Prometheus' configuration"),
  prometheus: group({
    replicas: wholeNumber(1, 10).describe(
      "Number of replicas, each with all targets; Mimir deduplicates their samples",
    ),
    ...resources,
    disk,
    retention: duration().describe("Local retention of Prometheus"),
    scrapeInterval: duration().describe("Scrape interval of targets that do not set their own"),
    shutdown: duration().describe(
      "How long a terminating replica may take to send its queue; the rest stays on its volume",
    ),
  }).describe("Evaluates the cluster's rules, independently of Mimir"),
  alertmanager: stateful("Sends Prometheus' alerts"),
  kubeStateMetrics: group({
    ...resources,
    labels: objectMetadata().describe(
      "Labels of objects that become labels of metrics such as kube_namespace_labels; * is all, which may be many series",
    ),
    annotations: objectMetadata().describe(
      "Annotations of objects that become labels of metrics such as kube_namespace_annotations",
    ),
  }).describe("Metrics about the state of Kubernetes objects"),
  nodeExporter: group({
    ...resources,
    port: wholeNumber(1024, 65535).describe(
      "Port on every node; use another one if another node-exporter of the cluster has 9100",
    ),
  }).describe("Metrics about the state of each node"),
}).describe("Prometheus Operator with Prometheus, Alertmanager, kube-state-metrics and node-exporter");

const metricNames = "a metric's name, or a regular expression for several";

/** Whether a text is a valid regular expression. */
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
    "Metrics that are kept: `all`; all except a short list of expensive ones that common dashboards and rules do not use (values/kept-metrics.ts); or, of Kubernetes and this stack's components, only those that this stack uses",
  ),
  also: namesOfMetrics().describe("Metrics that are kept even if infrastructure or drop names them"),
  drop: namesOfMetrics().describe("Further metrics to drop, of any application"),
}).describe("Filter of the scraped metrics");

const cadvisor = group({
  enabled: yesNo().describe(
    "Whether cAdvisor runs on every node; otherwise the kubelet's built-in cAdvisor measures containers",
  ),
  ...resources,
  image: pinnedImage().describe("cAdvisor's image"),
  containerdSocket: text("an absolute path", /^(\/[\w.-]+)+$/).describe(
    "Socket of containerd on the nodes; k3s, RKE2, MicroK8s and k0s have others. Docker needs no setting",
  ),
  expose: list(oneOf("serviceMonitor", "nodePort"), "a list of serviceMonitor, nodePort").describe(
    "Access to its metrics: Alloy through a ServiceMonitor, every client that reaches a node through a NodePort",
  ),
  nodePort: wholeNumber(30000, 32767).describe("Port on every node, if expose includes nodePort"),
}).describe("cAdvisor, measuring containers");

/** All settings of one stack. */
export const schema = group({
  environment: oneOf("dev", "prod").describe(
    "Environment whose defaults the stack uses (settings/dev.ts, settings/prod.ts)",
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
  /** Names of namespaces, by key, that a program passes to components; each overrides the default name with the prefix. */
  namespaces: { names?: Readonly<Record<string, string>> };
};
/** Settings as written in a configuration, with units in strings. */
export type SettingsInput = z.input<typeof schema>;

type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: Partially<T[Key]> }
    : T;
/** The settings that a program changes; all others have the default of the environment. */
export type SettingsChanges = Partially<SettingsInput> & Pick<SettingsInput, "environment">;

/** A component's replicas and resources, as the values functions read them. */
export type Workload = Settings["loki"]["distributor"];
/** Resources of a memcached. */
export type Cache = Settings["loki"]["resultsCache"];
