/**
 * All names that more than one module needs: namespaces, Services, Secrets, buckets, tenants, addresses.
 *
 * They are defined here instead of discovered from installed objects. Values therefore contain plain strings,
 * and a preview is complete before anything exists.
 */
import type { Settings } from "./settings";
import { rollupTenants } from "./settings/rollups";

/** Namespaces without a prefix, as in dashboards and alerts. */
export const defaultNamespaces = {
  minio: "minio",
  loki: "loki",
  mimir: "mimir",
  tempo: "tempo",
  monitoring: "monitoring",
  alloyLogs: "alloy-logs",
  alloyMetrics: "alloy-metrics",
  alloyTraces: "alloy-traces",
  opentelemetry: "opentelemetry",
  grafana: "grafana",
  /** Autoscaling components; present only if this stack installs at least one of them. */
  autoscaling: "autoscaling",
  /** Jobs that copy the buckets; present only with backups.destination. */
  backup: "backup",
} as const;

/** A namespace of the stack, by its key. */
export type NamespaceKey = keyof typeof defaultNamespaces;
export const namespaceKeys = Object.keys(defaultNamespaces) as NamespaceKey[];

/** A name with the prefix, for objects that two stacks in a cluster must not share. */
export const prefixed = ({ namespaces }: Settings, name: string): string => namespaces.prefix + name;

/** The stack's namespaces. */
export const namespaces = (settings: Settings): Record<NamespaceKey, string> =>
  Object.fromEntries(
    namespaceKeys.map(
      (key) => [key, settings.namespaces.names?.[key] ?? prefixed(settings, defaultNamespaces[key])] as const,
    ),
  ) as Record<NamespaceKey, string>;

/**
 * The actual name of a namespace of the stack, from its default name; names of other namespaces are
 * unchanged.
 */
export function ownNamespace(settings: Settings, name: string): string {
  const key = namespaceKeys.find((one) => defaultNamespaces[one] === name);
  return key ? namespaces(settings)[key] : name;
}

/** `cluster.systemNamespaces`, in which this stack's namespaces have their default names. */
export const systemNamespaces = (settings: Settings): string[] =>
  settings.cluster.systemNamespaces.map((name) => ownNamespace(settings, name));

/** Label of namespaces whose monitors and rules belong to a stack with a prefix, or to another Prometheus. */
export const prefixLabel = "observability/prefix";
/** Label, with the value `true`, of the namespaces that OpenShift's own Prometheus monitors. */
export const openShiftLabel = "openshift.io/cluster-monitoring";
/** Value of the label: the prefix without its trailing hyphen, because a label value must not end with one. */
const prefixValue = ({ namespaces: { prefix } }: Settings): string => prefix.slice(0, -1);

/** Label of the namespaces that belong to a stack with a prefix. */
export const prefixLabels = (settings: Settings): Record<string, string> =>
  settings.namespaces.prefix ? { [prefixLabel]: prefixValue(settings) } : {};

/**
 * Selects the namespaces whose monitors and rules belong to this stack, so that no other stack evaluates them
 * too.
 */
export const ownNamespaces = (settings: Settings) => ({
  matchExpressions: [
    settings.namespaces.prefix
      ? { key: prefixLabel, operator: "In", values: [prefixValue(settings)] }
      : { key: prefixLabel, operator: "DoesNotExist", values: [] },
    { key: openShiftLabel, operator: "NotIn", values: ["true"] },
  ],
});

/** The key of a namespace of the stack; undefined for other namespaces. */
export const namespaceKey = (settings: Settings, namespace: string): NamespaceKey | undefined =>
  namespaceKeys.find((key) => namespaces(settings)[key] === namespace);

/** Pod Security level of each namespace, and the reason for more than `restricted`. */
export const podSecurity: Record<NamespaceKey, "restricted" | "privileged"> = {
  minio: "restricted",
  loki: "restricted",
  mimir: "restricted",
  tempo: "restricted",
  monitoring: "privileged", // node-exporter and cAdvisor read files of the node
  alloyLogs: "privileged", // reads the node's log files through a hostPath
  alloyMetrics: "restricted",
  alloyTraces: "restricted",
  opentelemetry: "restricted",
  grafana: "restricted",
  autoscaling: "restricted",
  backup: "restricted",
};

/** Label and annotations of the stack's namespaces: the project, and the stack that they belong to. */
export const namespaceOwner = {
  label: "app.kubernetes.io/part-of",
  project: "observability",
  stack: "observability/stack",
  /** Whether the stack created the namespace: `true` or `false`; none by earlier versions. */
  created: "observability/created",
} as const;

/** The annotation of a namespace that prevents another stack from using it. */
export const ownerName = (stack: string): string => `${namespaceOwner.project}/${stack}`;

/** Stores with data in object storage. Each has its own user, policy and Secret. */
export const consumers = ["loki", "mimir", "tempo"] as const;
export type Consumer = (typeof consumers)[number];

/** The buckets that a store may use, by their keys in `objectStorage.buckets`. */
export const bucketsOf = {
  loki: ["loki"],
  mimir: ["mimirBlocks", "mimirRuler", "mimirAlertmanager"],
  tempo: ["tempo"],
} as const satisfies Record<Consumer, readonly (keyof Settings["objectStorage"]["buckets"])[]>;

/** Environment variables with the S3 credentials of a store, which are also the keys of its Secret. */
export const s3Env = { accessKey: "S3_ACCESS_KEY", secretKey: "S3_SECRET_KEY" } as const;

/** The Jobs of backups, which have their own users: `backup` reads buckets, `restore` also writes to them. */
export const backupJobs = ["backup", "restore"] as const;
export type BackupJob = (typeof backupJobs)[number];

/** Name of the Secret with a user's S3 credentials, in the user's own namespace. */
export const s3Secret = (user: Consumer | BackupJob): string => `${user}-s3`;

/** MinIO's own objects. */
export const minio = {
  release: "minio",
  service: "minio",
  apiPort: 9000,
  consolePort: 9001,
  /** Root credentials: `rootUser`, `rootPassword`. */
  rootSecret: "minio-root",
  rootUser: "root",
  /** The key that encrypts objects at rest, as an environment file. */
  encryptionSecret: "minio-encryption",
  /** Name of that key inside MinIO. */
  encryptionKey: "objects",
  /** ConfigMap with the list of buckets that the stack manages. */
  bucketsConfigMap: "minio-managed-buckets",
  /** Secret with the credentials of the cold tier, and name prefix of the Job that sets it up. */
  coldTier: "minio-cold-tier",
  /** PersistentVolumeClaim of each server: the name that the chart's workload expects. */
  claim: (mode: "standalone" | "distributed", server: number): string =>
    mode === "standalone" ? "minio-data" : `export-minio-${server}`,
} as const;

/** Objects of the scheduled backups, in the namespaces `backup` and `grafana`. */
export const backups = {
  cronJob: (job: BackupJob): string => job,
  /**
   * Secret with the destination's credentials and the password of the copy. The keys are names of environment
   * variables.
   */
  destinationSecret: "backup-destination",
  /** ConfigMap with the destination's CA certificates. */
  caConfigMap: "backup-destination-ca",
} as const;

/** Loki's ingestion policy for logs that applications send over OTLP. It has its own stream limit. */
export const sentLogs = "otlp";

/** Tenants. The gateway derives the tenant from the user, never from the client's header `X-Scope-OrgID`. */
export const tenants = {
  /** Loki: logs of all pods. */
  logs: "logs",
  /** Mimir: metrics of applications. */
  pods: "pods",
  /** Mimir: metrics of infrastructure. */
  nodes: "nodes",
  /**
   * Mimir: metrics from kube-prometheus-stack's Prometheus, separate so that the other two tenants contain no
   * duplicates.
   */
  prometheus: "prometheus",
  /** Mimir: selected metrics of the two tenants above, downsampled to one sample every 5 minutes. */
  rollup5m: rollupTenants.fiveMinutes,
  /** Mimir: the same metrics with one sample every hour. */
  rollup1h: rollupTenants.oneHour,
  /** Tempo: traces of all applications. */
  traces: "traces",
} as const;

/** Tenants of Mimir that collectors write to: the raw data from which downsampled series are recorded. */
export const rawTenants = [tenants.pods, tenants.nodes] as const;

/** Tenants of Mimir that only its ruler writes to. */
export const rolledTenants = [tenants.rollup5m, tenants.rollup1h] as const;

/**
 * All tenants of Mimir: those in the settings, and those of downsampled series. The latter are included even
 * if downsampling is off, so that rules loaded earlier are removed and the recorded data expires.
 */
export const mimirTenants = ({ mimir }: Settings): string[] => [
  ...Object.keys(mimir.tenants),
  ...rolledTenants,
];
/** The tenants of Mimir that are queried as one: applications and infrastructure. */
export const datasourceTenants = rawTenants.join("|");

/** Raw and downsampled data, for clients that select the tenant by the time range. */
export const longRangeTenants = [...rawTenants, ...rolledTenants].join("|");

/** The stack's own tenants for users, by store. */
const ownTenants = { loki: [tenants.logs], mimir: rawTenants, tempo: [tenants.traces] } as const;

/** Tenants of a store that users query as one, joined by `|`: the stack's own and those of its agents. */
export const readTenants = (store: Store, { agents }: Settings): string =>
  [...ownTenants[store], ...Object.keys(agents)].join("|");

/** Stores with a gateway that authenticates clients. */
export const stores = ["loki", "mimir", "tempo"] as const;
export type Store = (typeof stores)[number];

/**
 * Label of a store's gossip messages. Members discard messages with another label. A pod may get an address that a pod
 * of another store or cluster had; the label still keeps their rings apart.
 */
export const gossipLabel = (store: Store, settings: Settings): string =>
  `${store}.${namespaces(settings)[store]}.${settings.cluster.name}`;

/** Address at which the members of Mimir's gossip find each other. */
export const mimirGossipAddress = (settings: Settings): string =>
  `${host("mimir-gossip-ring", namespaces(settings).mimir)}:7946`;

/**
 * Permission of a gateway user on its tenant: to query it, to send data, or to change its rules and its Alertmanager. The
 * last one is separate because a rule can read every tenant (`source_tenants`).
 */
export type Role = "read" | "write" | "rules";

/** Name of a gateway user by tenant and role. A user may read several tenants as one, joined by `|`. */
export const gatewayUser = (tenant: string, role: Role): string => `${tenant.replaceAll("|", ".")}-${role}`;

/**
 * User that reads `readTenants`. With agents its name contains a dot, so that it differs from every tenant's
 * user.
 */
export const readerOf = (store: Store, settings: Settings): string =>
  Object.keys(settings.agents).length
    ? "all.clusters-read"
    : gatewayUser(readTenants(store, settings), "read");

/** The tenant with data that a stack without a hub has in this one. At its hub, an agent has a single tenant. */
export const tenantIn = (tenant: string, { hub, cluster }: Settings): string => (hub ? cluster.name : tenant);

/** User that writes to a tenant. */
export const writerOf = (tenant: string, settings: Settings): string =>
  gatewayUser(tenantIn(tenant, settings), "write");

/** Users that write metrics of applications and of infrastructure, by tenant. */
export const rawWriters = (settings: Settings): Record<string, string> =>
  Object.fromEntries(rawTenants.map((tenant) => [tenant, writerOf(tenant, settings)]));

/** Names of the objects with users and passwords, for gateways and their clients. */
export const gatewayAccess = {
  /** Secret in a store's namespace with the file that its gateway reads. */
  usersSecret: "gateway-users",
  usersFile: "users.conf",
  usersFolder: "/etc/gateway-users",
  /**
   * Secret with the credentials that a namespace needs; in a store's own namespace, of all users of its
   * gateway.
   */
  credentialsSecret: "gateway-credentials",
  /** Mount path of that Secret in a client's pods. */
  folder: "/etc/gateway",
  /** Keys of an agent's client certificate in that Secret. */
  clientCertificate: { certificate: "client.crt", key: "client.key" },
  /** Secret in a store's namespace with the certificate of its gateway for `access.service`. */
  tlsSecret: "gateway-tls",
  tlsFolder: "/etc/gateway-tls",
  tlsPort: 8443,
  /** Secret in a store's namespace with the CA certificate that verifies client certificates of agents. */
  clientCaSecret: "gateway-client-ca",
  clientCaFile: "ca.crt",
  clientCaFolder: "/etc/gateway-client-ca",
  /** Annotations of a gateway's pods: the password generations that it accepts, and the agents that may send. */
  generations: "observability/password-generations",
  agents: "observability/agents",
} as const;

/** Resource attribute of a span: the share of traces that its SDK keeps. Span counts are corrected by it. */
export const samplingRatioAttribute = "sampling.ratio";

/** The Instrumentation that pods name in an annotation. */
export const instrumentation = (settings: Settings) => ({
  namespace: namespaces(settings).opentelemetry,
  name: "default",
});

/** Headless Service through which Alloys for traces discover each other. */
export const tracesReplicas = { name: "alloy-traces-replicas", port: 4319 } as const;

/** Labels of monitors and rules that select the component that reads them. */
export const owner = {
  /**
   * On a PrometheusRule: the tenant in which Mimir's ruler evaluates it. Without it Prometheus evaluates it.
   */
  ruleTenant: "observability/mimir-tenant",
  /**
   * Annotation of such a PrometheusRule: the tenants that it reads, joined by commas. The default is its own
   * tenant.
   */
  sourceTenants: "monitoring.grafana.com/source_tenants",
  /**
   * On a ServiceMonitor or PodMonitor: its scraper, `alloy` or `prometheus`. Without it both scrape the
   * target.
   */
  scraper: "observability/scraper",
} as const;

/**
 * On a namespace, with the value `true`: its pods may connect to the gateways and to Alloy's ports for
 * signals.
 */
export const clientLabel = "observability/client";

/** Namespace of the Job of `obs load`, and the name of all objects of the test. */
export const loadTest = { namespace: "load-test", name: "load-test" } as const;

/** The label `job` of logs that do not come from a container. */
export const logJobs = { journal: "systemd-journal", events: "kubernetes-events" } as const;

/**
 * Namespace, names and alert of the pods of `obs smoke`. Alerts of that namespace are routed to the smoke
 * test's own receiver.
 */
export const smokeTest = {
  namespace: "obs-smoke",
  app: "app",
  receiver: "receiver",
  receiverPort: 8080,
  /** Retention of that namespace's logs in Loki, in seconds: the shortest that Loki accepts. */
  retention: 86_400,
} as const;

/**
 * Grafana's data sources that dashboards and links refer to: the displayed name, and the identifier in URLs.
 */
export const datasources = {
  /** Prometheus itself, which responds even if Mimir is unavailable. */
  prometheus: { name: "Prometheus", uid: "prometheus" },
  /**
   * The tenants `pods` and `nodes` as one. Each tenant also has its own data source: `Mimir <tenant>`,
   * `mimir-<tenant>`.
   */
  mimir: { name: "Mimir", uid: "mimir" },
  /**
   * The raw tenants and their downsampled ones as one; queries select between them with the label
   * `__tenant_id__`.
   */
  longRange: { name: "Mimir long range", uid: "mimir-long-range" },
  loki: { name: "Loki", uid: "loki" },
  tempo: { name: "Tempo", uid: "tempo" },
  alertmanager: { name: "Alertmanager", uid: "alertmanager" },
} as const;

/** Secret with Alertmanager's configuration, in the namespaces of Prometheus' Alertmanager and of Mimir's. */
export const alertmanagerSecret = "alertmanager-config";
/** Key of that configuration in its Secret. */
export const alertmanagerFile = "alertmanager.yaml";

/** Host name of a Service. The search list of every pod completes it with the cluster domain. */
const host = (service: string, namespace: string) => `${service}.${namespace}.svc`;

/** Host and port of the object storage for clients inside the cluster. */
export function storageEndpoint(settings: Settings): string {
  const { kind, external, azure } = settings.objectStorage;
  if (kind === "external" && external) return external.endpoint;
  if (kind === "gcs") return "storage.googleapis.com:443";
  if (kind === "azure" && azure)
    return `${azure.account}.${azure.endpointSuffix ?? "blob.core.windows.net"}:443`;
  return `${host(minio.service, namespaces(settings).minio)}:${minio.apiPort}`;
}

/** Whether MinIO, Grafana and Alloy's OTLP ports use TLS. */
export const usesTls = ({ network }: Settings): boolean => network.tls.certificates !== "none";

/**
 * Servers with a certificate, by the keys of their namespaces: the Secret with `tls.crt` and `tls.key`, and
 * the names of their Services.
 */
export const certificates = {
  minio: { secret: "minio-tls", services: [minio.service, "minio-console"] },
  grafana: { secret: "grafana-tls", services: ["grafana"] },
  alloyTraces: { secret: "alloy-traces-tls", services: ["alloy-traces"] },
} as const satisfies Partial<Record<NamespaceKey, { secret: string; services: readonly string[] }>>;
export type Served = keyof typeof certificates;

/** The CA certificate that verifies those certificates. */
export const caBundle = {
  /** ConfigMap; also a Secret where MinIO's chart or OpenShift's Routes accept nothing else. */
  name: "observability-ca",
  file: "ca.crt",
  /** Mount path in the stack's own pods. */
  path: "/etc/observability-ca/ca.crt",
} as const;

/**
 * The private CAs of servers outside the cluster: name of the volume, key of the ConfigMap, and file in pods.
 */
export const privateCa = {
  name: "private-ca",
  file: "ca.crt",
  path: "/etc/ssl/certs/private-ca.crt",
} as const;

/** The full name of a server's Service in its namespace, which clients verify in the certificate. */
export const serverName = (who: Served, namespace: string): string =>
  host(certificates[who].services[0], namespace);

/** A Service's port, with the field names of the Kubernetes API. */
export interface ServicePort {
  namespace: string;
  name: string;
  port: number;
  /** The server behind the Service, if its pods can have a certificate. */
  served?: Served;
}

/** Endpoints for writing and reading signals. */
export function services(settings: Settings) {
  const { loki, mimir, tempo, alloyTraces, opentelemetry, monitoring, grafana } = namespaces(settings);
  return {
    loki: { namespace: loki, name: "loki-gateway", port: 80 },
    mimir: { namespace: mimir, name: "mimir-gateway", port: 80 },
    tempo: { namespace: tempo, name: "tempo-gateway", port: 80 },
    otlpGrpc: { namespace: alloyTraces, name: prefixed(settings, "alloy-traces"), port: 4317 },
    otlpHttp: { namespace: alloyTraces, name: prefixed(settings, "alloy-traces"), port: 4318 },
    /** OTLP over HTTP, always without TLS. */
    collector: { namespace: opentelemetry, name: "gateway-collector", port: 4318 },
    prometheus: { namespace: monitoring, name: prefixed(settings, "kps-prometheus"), port: 9090 },
    alertmanager: { namespace: monitoring, name: prefixed(settings, "kps-alertmanager"), port: 9093 },
    grafana: { namespace: grafana, name: "grafana", port: 80, served: "grafana" },
  } as const satisfies Record<string, ServicePort>;
}

/**
 * Port of the pods with webhooks and metrics APIs. Firewalls of private GKE clusters, and the security groups of many
 * EKS clusters, let the API server connect to this one in addition to 443: it is the kubelet's.
 * https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules
 */
export const webhookPort = 10250;

/** Services of the operators' webhooks, which always use TLS. */
export function webhooks(settings: Settings) {
  const { monitoring, opentelemetry } = namespaces(settings);
  return {
    prometheusOperator: { namespace: monitoring, name: prefixed(settings, "kps-operator"), port: 443 },
    opentelemetryOperator: {
      namespace: opentelemetry,
      name: prefixed(settings, "opentelemetry-operator-webhook"),
      port: 443,
    },
  } as const satisfies Record<string, ServicePort>;
}

/** Host and port of a Service, for clients that accept no URL. */
export const address = ({ namespace, name, port }: ServicePort) => `${host(name, namespace)}:${port}`;

/** Host name of the headless Service of the Alloys for traces, which resolves to every replica. */
export const tracesReplicasHost = (settings: Settings): string =>
  host(tracesReplicas.name, namespaces(settings).alloyTraces);

const url = ({ namespace, name, port }: ServicePort, scheme: "http" | "https" = "http") =>
  `${scheme}://${host(name, namespace)}${port === 80 && scheme === "http" ? "" : `:${port}`}`;

/** Addresses inside the cluster. */
export function urls(settings: Settings) {
  const { loki, mimir, tempo, collector, prometheus, alertmanager } = services(settings);
  return {
    loki: url(loki),
    /** Remote write at `/api/v1/push`, PromQL at `/prometheus`, OTLP at `/otlp`. */
    mimir: url(mimir),
    /** OTLP at `/v1/traces`, traces by ID and search at `/api`. */
    tempo: url(tempo),
    collector: url(collector),
    prometheus: url(prometheus),
    alertmanager: url(alertmanager),
  };
}

/** Gateway URLs for this stack's collectors: in this cluster, or at their hub. */
export const gatewayUrls = (settings: Settings): Record<Store, string> =>
  settings.hub ? (settings.hub.endpoints ?? hubUnknown) : urls(settings);

/** Placeholder for the hub's addresses if there is no engine to read them: in `obs render`. */
const hubUnknown = {
  loki: "https://loki.hub.invalid",
  mimir: "https://mimir.hub.invalid",
  tempo: "https://tempo.hub.invalid",
};

/** Addresses inside the cluster of the Services that use TLS if it is enabled in the settings. */
export function servedUrls(settings: Settings) {
  const scheme = usesTls(settings) ? "https" : "http";
  const { otlpGrpc, otlpHttp, grafana } = services(settings);
  const { minio: namespace } = namespaces(settings);
  return {
    /** Endpoints for traces from applications: gRPC and HTTP. */
    otlpGrpc: url(otlpGrpc, scheme),
    otlpHttp: url(otlpHttp, scheme),
    grafana: url(grafana, scheme),
    minioConsole: url({ namespace, name: "minio-console", port: minio.consolePort }, scheme),
  };
}

/** Grafana's own objects. */
export const grafana = {
  /** Secret with the admin user's name and password. */
  adminSecret: "grafana-admin",
  adminUser: "admin",
  /** Secret with Grafana's secret environment variables. The keys are their names. */
  secret: "grafana-environment",
} as const;

/** Annotation on a Secret with a key that never changes: whether the user set the key or it was generated. */
export const keyOrigin = {
  annotation: "observability/key-origin",
  given: "given",
  generated: "generated",
} as const;

/** Host name through which Grafana's replicas discover each other. */
export const grafanaPeers = (settings: Settings): string =>
  `${host("grafana-headless", namespaces(settings).grafana)}:9094`;

/** Environment variables with Grafana's secrets. */
export const grafanaEnv = {
  /** The key that encrypts secrets in Grafana's database. */
  secretKey: "GF_SECURITY_SECRET_KEY",
  database: "GF_DATABASE_PASSWORD",
  oauth: "OAUTH_CLIENT_SECRET",
  ldap: "LDAP_BIND_PASSWORD",
  smtp: "GF_SMTP_PASSWORD",
  /** A secret of one of `alerting.receivers`. */
  receiver: (name: string, setting: string): string =>
    `RECEIVER_${name}_${setting}`.replaceAll("-", "_").toUpperCase(),
} as const;

/** Label by which Grafana finds dashboards in ConfigMaps, and annotation with their folder. */
export const dashboardLabel = "grafana_dashboard";
export const folderAnnotation = "grafana_folder";

/** Release names, which are also the prefix of the objects that the charts create. */
export const releases = {
  minio: minio.release,
  loki: "loki",
  mimir: "mimir",
  alloyLogs: "alloy-logs",
  alloyMetrics: "alloy-metrics",
  alloyTraces: "alloy-traces",
  tempo: "tempo",
  openTelemetryOperator: "opentelemetry-operator",
  // Short, because the names of Prometheus' objects repeat it.
  kubePrometheusStack: "kps",
  cadvisor: "cadvisor",
  grafana: "grafana",
  metricsServer: "metrics-server",
  keda: "keda",
  verticalPodAutoscaler: "vertical-pod-autoscaler",
} as const;

/** Address of Loki's query-schedulers, which queue the queries of the query-frontends for the queriers. */
export const lokiSchedulerAddress = (settings: Settings): string =>
  `${host("loki-query-scheduler-headless", namespaces(settings).loki)}:9095`;

/** Address from which each Loki querier pulls its work if there is no query-scheduler. */
export const lokiFrontendAddress = (settings: Settings): string =>
  `${host("loki-query-frontend-headless", namespaces(settings).loki)}:9095`;

/** Address of Loki's index gateways, which read the index for the queriers. */
export const lokiIndexGatewayAddress = (settings: Settings): string =>
  `${host("loki-index-gateway-headless", namespaces(settings).loki)}:9095`;

/** Service of one replica of a store's memcached; its pod has the same name. */
export const cacheService = (store: Store, cache: string, replica: number): string =>
  `${releases[store]}-${cache}-${replica}`;

/** Host name of that Service. */
export const cacheAddress = (settings: Settings, store: Store, cache: string, replica: number): string =>
  host(cacheService(store, cache, replica), namespaces(settings)[store]);
