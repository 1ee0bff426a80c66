/**
 * Every name that more than one place needs: namespaces, Services, Secrets, buckets, tenants, addresses.
 * Names are decided here, not discovered from what was installed, so that values hold plain strings and a
 * preview is complete before anything exists.
 */
import type { Settings } from "./settings";
import { rollupTenants } from "./settings/rollups";

/** Namespaces without a prefix, as dashboards and alerts name them. */
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
  /** What scales the others; there only where this stack installs some of it. */
  autoscaling: "autoscaling",
  /** Jobs that copy the buckets; there only with backups.destination. */
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

/** The name that a namespace of the stack has, known by its default name; names of other namespaces stay the same. */
export function ownNamespace(settings: Settings, name: string): string {
  const key = namespaceKeys.find((one) => defaultNamespaces[one] === name);
  return key ? namespaces(settings)[key] : name;
}

/** `cluster.systemNamespaces`, in which this stack's namespaces have their default names. */
export const systemNamespaces = (settings: Settings): string[] =>
  settings.cluster.systemNamespaces.map((name) => ownNamespace(settings, name));

const prefixLabel = "observability/prefix";
/** Value of the label: the prefix without its hyphen, with which no label may end. */
const prefixValue = ({ namespaces: { prefix } }: Settings): string => prefix.slice(0, -1);

/** Label of the namespaces that belong to a stack with a prefix. */
export const prefixLabels = (settings: Settings): Record<string, string> =>
  settings.namespaces.prefix ? { [prefixLabel]: prefixValue(settings) } : {};

/** Selects the namespaces whose monitors and rules are this stack's, so that no other stack evaluates a rule, too. */
export const ownNamespaces = (settings: Settings) => ({
  matchExpressions: [
    settings.namespaces.prefix
      ? { key: prefixLabel, operator: "In", values: [prefixValue(settings)] }
      : { key: prefixLabel, operator: "DoesNotExist", values: [] },
  ],
});

/** The key of a namespace of the stack; undefined for other namespaces. */
export const namespaceKey = (settings: Settings, namespace: string): NamespaceKey | undefined =>
  namespaceKeys.find((key) => namespaces(settings)[key] === namespace);

/** Namespaces whose pods need more than Pod Security's `restricted`, and why. */
export const podSecurity: Record<NamespaceKey, "restricted" | "privileged"> = {
  minio: "restricted",
  loki: "restricted",
  mimir: "restricted",
  tempo: "restricted",
  monitoring: "privileged", // node-exporter and cAdvisor read the node's own files
  alloyLogs: "privileged", // reads the node's log files through a hostPath
  alloyMetrics: "restricted",
  alloyTraces: "restricted",
  opentelemetry: "restricted",
  grafana: "restricted",
  autoscaling: "restricted",
  backup: "restricted",
};

/** Label and annotation of the stack's namespaces: the project, and the stack that they belong to. */
export const namespaceOwner = {
  label: "app.kubernetes.io/part-of",
  project: "observability",
  stack: "observability/stack",
} as const;

/** Those who keep data in object storage. Each has its own user, policy and Secret. */
export const consumers = ["loki", "mimir", "tempo"] as const;
export type Consumer = (typeof consumers)[number];

/** The buckets that a consumer may use, by their keys in `objectStorage.buckets`. */
export const bucketsOf = {
  loki: ["loki"],
  mimir: ["mimirBlocks", "mimirRuler", "mimirAlertmanager"],
  tempo: ["tempo"],
} as const satisfies Record<Consumer, readonly (keyof Settings["objectStorage"]["buckets"])[]>;

/** Keys of the environment variables by which a consumer gets its S3 credentials from its Secret. */
export const s3Env = { accessKey: "S3_ACCESS_KEY", secretKey: "S3_SECRET_KEY" } as const;

/** The Jobs of backups, which have users of their own: `backup` reads buckets, `restore` also writes them. */
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
  /** ConfigMap that remembers which buckets the stack manages. */
  bucketsConfigMap: "minio-managed-buckets",
  /** Secret with the credentials of the cold tier, and what the name of the Job that sets it up begins with. */
  coldTier: "minio-cold-tier",
  /** PersistentVolumeClaim of each server: the name that the chart's workload looks for. */
  claim: (mode: "standalone" | "distributed", server: number): string =>
    mode === "standalone" ? "minio-data" : `export-minio-${server}`,
} as const;

/** Objects of the scheduled backups, in the namespaces `backup` and `grafana`. */
export const backups = {
  cronJob: (job: BackupJob): string => job,
  /** Secret with the destination's credentials and the password of the copy: keys are names of variables. */
  destinationSecret: "backup-destination",
  /** ConfigMap with the destination's CA certificates. */
  caConfigMap: "backup-destination-ca",
} as const;

/** Tenants. The gateway derives the tenant from the user, never from the client's header `X-Scope-OrgID`. */
export const tenants = {
  /** Loki: logs of all pods. */
  logs: "logs",
  /** Mimir: metrics of applications (R6.2). */
  pods: "pods",
  /** Mimir: metrics of infrastructure (R6.2). */
  nodes: "nodes",
  /** Mimir: what kube-prometheus-stack's Prometheus has, so that nothing is doubled in the other two (R11). */
  prometheus: "prometheus",
  /** Mimir: chosen metrics of the two above with a sample every 5 minutes. */
  rollup5m: rollupTenants.fiveMinutes,
  /** Mimir: the same with a sample every hour. */
  rollup1h: rollupTenants.oneHour,
  /** Tempo: traces of all applications. */
  traces: "traces",
} as const;

/** Tenants of Mimir that collectors write to: the raw data that roll-ups are made of. */
export const rawTenants = [tenants.pods, tenants.nodes] as const;

/** Tenants of Mimir that only its ruler writes to. */
export const rolledTenants = [tenants.rollup5m, tenants.rollup1h] as const;

/**
 * All tenants of Mimir: those that the settings name, and those of the roll-ups. The latter are there where roll-ups are
 * off, too: rules that were loaded are taken away, and what was rolled up grows old.
 */
export const mimirTenants = ({ mimir }: Settings): string[] => [
  ...Object.keys(mimir.tenants),
  ...rolledTenants,
];
/** The tenants of Mimir that are read as one: applications and infrastructure. */
export const datasourceTenants = rawTenants.join("|");

/** Raw data and roll-ups, for who picks between them by the range that is looked at. */
export const longRangeTenants = [...rawTenants, ...rolledTenants].join("|");

/** The stack's own tenants that people read, by store. */
const ownTenants = { loki: [tenants.logs], mimir: rawTenants, tempo: [tenants.traces] } as const;

/** Tenants of a store that people read as one, joined by `|`: the stack's own and those of its agents. */
export const readTenants = (store: Store, { agents }: Settings): string =>
  [...ownTenants[store], ...Object.keys(agents)].join("|");

/** Those whose gateways ask who is there. */
export const stores = ["loki", "mimir", "tempo"] as const;
export type Store = (typeof stores)[number];

/**
 * Label of a store's gossip. Members discard messages with another label, so that the rings of two stores, or of two
 * clusters in one network, stay apart when a pod gets the address that a pod of the other one had.
 */
export const gossipLabel = (store: Store, settings: Settings): string =>
  `${store}.${namespaces(settings)[store]}.${settings.cluster.name}`;

/** What a gateway's user may do with its tenant. */
export type Role = "read" | "write";

/** A gateway's user by tenant and role; several tenants, joined by `|`, are read as one. */
export const gatewayUser = (tenant: string, role: Role): string => `${tenant.replaceAll("|", ".")}-${role}`;

/** User that reads `readTenants`. With agents its name has a dot, so that no tenant's user has it. */
export const readerOf = (store: Store, settings: Settings): string =>
  Object.keys(settings.agents).length
    ? "all.clusters-read"
    : gatewayUser(readTenants(store, settings), "read");

/** User that writes a tenant. An agent's collectors write to the one tenant of their cluster at the hub. */
export const writerOf = (tenant: string, { hub, cluster }: Settings): string =>
  gatewayUser(hub ? cluster.name : tenant, "write");

/** Users that write metrics of applications and of infrastructure, by tenant. */
export const rawWriters = (settings: Settings): Record<string, string> =>
  Object.fromEntries(rawTenants.map((tenant) => [tenant, writerOf(tenant, settings)]));

/** Where gateways and their clients find users and passwords. */
export const gatewayAccess = {
  /** Secret in a store's namespace with the file that its gateway reads. */
  usersSecret: "gateway-users",
  usersFile: "users.conf",
  usersFolder: "/etc/gateway-users",
  /** Secret with the credentials that a namespace needs; in a store's own namespace, of all users of its gateway. */
  credentialsSecret: "gateway-credentials",
  /** Where a client's pods have that Secret. */
  folder: "/etc/gateway",
  /** Keys in it of an agent's client certificate. */
  clientCertificate: { certificate: "client.crt", key: "client.key" },
  /** Secret in a store's namespace with the certificate of its gateway, with which `access.service` is served. */
  tlsSecret: "gateway-tls",
  tlsFolder: "/etc/gateway-tls",
  tlsPort: 8443,
  /** Secret in a store's namespace with the CA certificate that verifies client certificates of agents. */
  clientCaSecret: "gateway-client-ca",
  clientCaFile: "ca.crt",
  clientCaFolder: "/etc/gateway-client-ca",
} as const;

/** Resource attribute of a span: the share of traces that its SDK keeps. Who counts spans corrects by it. */
export const samplingRatioAttribute = "sampling.ratio";

/** The Instrumentation that pods name in an annotation. */
export const instrumentation = (settings: Settings) => ({
  namespace: namespaces(settings).opentelemetry,
  name: "default",
});

/** Where an Alloy for traces finds the others; a headless Service. */
export const tracesReplicas = { name: "alloy-traces-replicas", port: 4319 } as const;

/** Labels of monitors and rules that say who is to read them. */
export const owner = {
  /** On a PrometheusRule: the tenant in which Mimir's ruler evaluates it; without it Prometheus does. */
  ruleTenant: "observability/mimir-tenant",
  /** Annotation of such a PrometheusRule: the tenants that it reads, joined by commas; without it its own. */
  sourceTenants: "monitoring.grafana.com/source_tenants",
  /** On a ServiceMonitor or PodMonitor: `alloy` or `prometheus`, the one of the two that scrapes it; without it both do. */
  scraper: "observability/scraper",
} as const;

/** On a namespace, with the value `true`: its pods may reach the gateways and Alloy's ports for signals. */
export const clientLabel = "observability/client";

/** Where `obs load` makes its Job, and the name of all that it makes there. */
export const loadTest = { namespace: "load-test", name: "load-test" } as const;

/** The label `job` of logs that no container writes. */
export const logJobs = { journal: "systemd-journal", events: "kubernetes-events" } as const;

/** Where `obs smoke` makes its pods and its alert, and what they are called; alerts of that namespace go to its own receiver. */
export const smokeTest = {
  namespace: "obs-smoke",
  app: "app",
  receiver: "receiver",
  receiverPort: 8080,
  /** How long Loki keeps what is logged there, in seconds: the least that it takes. */
  retention: 86_400,
} as const;

/** Grafana's datasources that dashboards and links refer to: what people read, and the identifier in addresses. */
export const datasources = {
  /** Prometheus itself; it answers while Mimir is unavailable. */
  prometheus: { name: "Prometheus", uid: "prometheus" },
  /** The tenants `pods` and `nodes` as one. Each tenant has one of its own, too: `Mimir <tenant>`, `mimir-<tenant>`. */
  mimir: { name: "Mimir", uid: "mimir" },
  /** The raw tenants and their roll-ups as one; who asks it says by the label `__tenant_id__` which of them. */
  longRange: { name: "Mimir long range", uid: "mimir-long-range" },
  loki: { name: "Loki", uid: "loki" },
  tempo: { name: "Tempo", uid: "tempo" },
  alertmanager: { name: "Alertmanager", uid: "alertmanager" },
} as const;

/** Secret with Alertmanager's configuration, in the namespaces of Prometheus' Alertmanager and of Mimir's. */
export const alertmanagerSecret = "alertmanager-config";
/** Key of that configuration in its Secret. */
export const alertmanagerFile = "alertmanager.yaml";

/** Host name of a Service. The search list of every pod completes it with the domain of the cluster. */
const host = (service: string, namespace: string) => `${service}.${namespace}.svc`;

/** Host and port of the object storage, as consumers inside the cluster reach it. */
export function storageEndpoint(settings: Settings): string {
  const { kind, external, azure } = settings.objectStorage;
  if (kind === "external" && external) return external.endpoint;
  if (kind === "gcs") return "storage.googleapis.com:443";
  if (kind === "azure" && azure)
    return `${azure.account}.${azure.endpointSuffix ?? "blob.core.windows.net"}:443`;
  return `${host(minio.service, namespaces(settings).minio)}:${minio.apiPort}`;
}

/** Whether MinIO, Grafana and Alloy's OTLP ports speak TLS. */
export const usesTls = ({ network }: Settings): boolean => network.tls.certificates !== "none";

/** Servers with a certificate, by the keys of their namespaces: the Secret with `tls.crt` and `tls.key`, and the names of their Services. */
export const certificates = {
  minio: { secret: "minio-tls", services: [minio.service, "minio-console"] },
  grafana: { secret: "grafana-tls", services: ["grafana"] },
  alloyTraces: { secret: "alloy-traces-tls", services: ["alloy-traces"] },
} as const satisfies Partial<Record<NamespaceKey, { secret: string; services: readonly string[] }>>;
export type Served = keyof typeof certificates;

/** Where the CA certificate is found that those certificates are verified with. */
export const caBundle = {
  /** ConfigMap, and in MinIO's namespace also a Secret, because its chart knows only that. */
  name: "observability-ca",
  file: "ca.crt",
  /** Where the stack's own pods have it. */
  path: "/etc/observability-ca/ca.crt",
} as const;

/** The private CAs of servers outside the cluster: name of the volume, key of the ConfigMap, and file in pods. */
export const privateCa = {
  name: "private-ca",
  file: "ca.crt",
  path: "/etc/ssl/certs/private-ca.crt",
} as const;

/** The full name of a server's Service in its namespace, by which clients verify the certificate. */
export const serverName = (who: Served, namespace: string): string =>
  host(certificates[who].services[0], namespace);

/** A Service's port, as the Kubernetes API names it. */
export interface ServicePort {
  namespace: string;
  name: string;
  port: number;
  /** The server behind the Service, if its pods can have a certificate. */
  served?: Served;
}

/** Where signals are written and read. */
export function services(settings: Settings) {
  const { loki, mimir, tempo, alloyTraces, opentelemetry, monitoring, grafana } = namespaces(settings);
  return {
    loki: { namespace: loki, name: "loki-gateway", port: 80 },
    mimir: { namespace: mimir, name: "mimir-gateway", port: 80 },
    tempo: { namespace: tempo, name: "tempo-gateway", port: 80 },
    otlpGrpc: { namespace: alloyTraces, name: prefixed(settings, "alloy-traces"), port: 4317 },
    otlpHttp: { namespace: alloyTraces, name: prefixed(settings, "alloy-traces"), port: 4318 },
    /** OTLP over HTTP without TLS, whatever the settings say. */
    collector: { namespace: opentelemetry, name: "gateway-collector", port: 4318 },
    prometheus: { namespace: monitoring, name: prefixed(settings, "kps-prometheus"), port: 9090 },
    alertmanager: { namespace: monitoring, name: prefixed(settings, "kps-alertmanager"), port: 9093 },
    grafana: { namespace: grafana, name: "grafana", port: 80, served: "grafana" },
  } as const satisfies Record<string, ServicePort>;
}

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

/** Host and port of a Service, for what takes no URL. */
export const address = ({ namespace, name, port }: ServicePort) => `${host(name, namespace)}:${port}`;

/** Host name of the headless Service of the Alloys for traces, which resolves to each of them. */
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
    /** OTLP at `/v1/traces`, traces by id and search at `/api`. */
    tempo: url(tempo),
    collector: url(collector),
    prometheus: url(prometheus),
    alertmanager: url(alertmanager),
  };
}

/** Where this stack's collectors reach the gateways: in this cluster, or at their hub. */
export const gatewayUrls = (settings: Settings): Record<Store, string> =>
  settings.hub ? (settings.hub.endpoints ?? hubUnknown) : urls(settings);

/** Stands for the hub's addresses where no engine reads them: in `obs render`. */
const hubUnknown = {
  loki: "https://loki.hub.invalid",
  mimir: "https://mimir.hub.invalid",
  tempo: "https://tempo.hub.invalid",
};

/** Addresses inside the cluster of the Services that use TLS if the settings say so. */
export function servedUrls(settings: Settings) {
  const scheme = usesTls(settings) ? "https" : "http";
  const { otlpGrpc, otlpHttp, grafana } = services(settings);
  const { minio: namespace } = namespaces(settings);
  return {
    /** Where applications send traces: gRPC and HTTP. */
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
  /** Secret with what Grafana reads in its environment: keys are names of variables. */
  secret: "grafana-environment",
} as const;

/** Where Grafana's replicas find each other. */
export const grafanaPeers = (settings: Settings): string =>
  `${host("grafana-headless", namespaces(settings).grafana)}:9094`;

/** Variables in which Grafana has its secrets. */
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

/** Label and annotation by which Grafana finds a dashboard in a ConfigMap, and its folder. */
export const dashboardLabel = "grafana_dashboard";
export const folderAnnotation = "grafana_folder";

/** Release names are also the prefix of what the charts create. */
export const releases = {
  minio: minio.release,
  loki: "loki",
  mimir: "mimir",
  alloyLogs: "alloy-logs",
  alloyMetrics: "alloy-metrics",
  alloyTraces: "alloy-traces",
  tempo: "tempo",
  openTelemetryOperator: "opentelemetry-operator",
  // Short, because Prometheus' objects repeat it.
  kubePrometheusStack: "kps",
  cadvisor: "cadvisor",
  grafana: "grafana",
  metricsServer: "metrics-server",
  keda: "keda",
  verticalPodAutoscaler: "vertical-pod-autoscaler",
} as const;

/** Address of Loki's query-schedulers, which hand the work of the query-frontends to the queriers. */
export const lokiSchedulerAddress = (settings: Settings): string =>
  `${host("loki-query-scheduler-headless", namespaces(settings).loki)}:9095`;

/** Address that each Loki querier pulls its work from if there is no query-scheduler. */
export const lokiFrontendAddress = (settings: Settings): string =>
  `${host("loki-query-frontend-headless", namespaces(settings).loki)}:9095`;

/** Service of one replica of a store's memcached; its pod has the same name. */
export const cacheService = (store: Store, cache: string, replica: number): string =>
  `${releases[store]}-${cache}-${replica}`;

/** Its host name. */
export const cacheAddress = (settings: Settings, store: Store, cache: string, replica: number): string =>
  host(cacheService(store, cache, replica), namespaces(settings)[store]);
