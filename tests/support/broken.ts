/** Stacks with one violation each, and the policies' messages about it: rendered here, and with the real engine. */

/** A resource on its way to the engine, or as recorded. */
export interface Altered {
  type: string;
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: resources of many kinds are altered deeply
  inputs: Record<string, any>;
}

export interface Broken {
  /** Description of the violation, for the test's name. */
  about: string;
  /** Settings that cause it, in addition to the environment. */
  config?: Record<string, unknown>;
  /** The environment. @default prod */
  environment?: "dev" | "prod";
  /** A change that causes it, if no setting can. */
  alter?: (resource: Altered) => void;
  /** Outputs that cause it. */
  outputs?: Record<string, unknown>;
  /** The policy that reports it. */
  rule: string;
  /** Its message: the subject, and the problem. */
  says: string;
}

/** Changes the resource of that type and name. */
const on = (kind: string, wanted: string, alter: (inputs: Altered["inputs"]) => void) => ({
  alter: ({ type, name, inputs }: Altered) => {
    if (type.endsWith(`:${kind}`) && name === wanted) alter(inputs);
  },
});

/** Changes the values of a release. */
const values = (release: string, alter: (values: Altered["inputs"]) => void) =>
  on("Release", release, (inputs) => alter(inputs["values"]));

/** Changes the container of the program's own DaemonSet. */
const cadvisor = (alter: (pod: Altered["inputs"], container: Altered["inputs"]) => void) =>
  on("DaemonSet", "cadvisor", ({ spec }) => alter(spec.template.spec, spec.template.spec.containers[0]));

const settings: Broken[] = [
  {
    about: "half of all traces are kept in production",
    config: { tracing: { sampling: { ratio: 0.5 } } },
    rule: "sampling",
    says: "Instrumentation opentelemetry/default: spec.sampler keeps 50 % of traces, not at most 10 %",
  },
  {
    about: "half of all traces are kept in development",
    environment: "dev",
    config: { tracing: { sampling: { ratio: 0.5 } } },
    rule: "sampling",
    says: "Instrumentation opentelemetry/default: spec.sampler keeps 50 % of traces, not at least 100 %",
  },
  {
    about: "logs are kept for a week",
    config: { loki: { retention: { application: "7d" } } },
    rule: "retention-minimums",
    says: "Release loki/loki: values.loki.limits_config.retention_period keeps data for 7 days, fewer than 30",
  },
  {
    about: "metrics are kept for a month",
    config: { mimir: { retention: "30d" } },
    rule: "retention-minimums",
    says: "Release mimir/mimir: values.mimir.structuredConfig.limits.compactor_blocks_retention_period keeps data for 30 days, fewer than 365",
  },
  {
    about: "traces are kept for a week",
    config: { tempo: { retention: "7d" } },
    rule: "retention-minimums",
    says: "Release tempo/tempo: values.compactor.config.compaction.block_retention keeps data for 7 days, fewer than 30",
  },
  {
    about: "nothing is protected",
    config: { cluster: { protect: false } },
    rule: "stateful-protected",
    says: "S3Bucket loki-data: it is not protected",
  },
  {
    about: "there are no NetworkPolicies",
    config: { network: { policies: false } },
    rule: "network-policies",
    says: "Namespace mimir: no NetworkPolicy denies ingress by default",
  },
  {
    about: "Helm keeps no revision for a rollback",
    config: { charts: { history: 1 } },
    rule: "releases-recoverable",
    says: "Release mimir/mimir: Helm keeps one revision, so there is none to roll back to",
  },
  {
    about: "MinIO is one server",
    config: { objectStorage: { minio: { mode: "standalone", servers: 1 } } },
    rule: "storage-distributed",
    says: "Release minio/minio: its mode is standalone",
  },
  {
    about: "Loki has one distributor",
    config: { loki: { distributor: { replicas: 1 } } },
    rule: "replica-minimums",
    says: "Release loki/loki: distributor has 1 replicas, fewer than 3",
  },
  {
    about: "an image is from an unlisted registry",
    config: { cadvisor: { image: "registry.other.test/somebody/cadvisor:v1" } },
    rule: "images-registries",
    says: "DaemonSet monitoring/cadvisor: container cadvisor uses image registry.other.test/somebody/cadvisor, which is not from a listed registry",
  },
];

const releases: Broken[] = [
  {
    about: "Loki has one tenant",
    ...values("loki", ({ loki }) => {
      loki.auth_enabled = false;
    }),
    rule: "tenancy",
    says: "Release loki/loki: values.loki.auth_enabled is not true",
  },
  {
    about: "Mimir has one tenant",
    ...values("mimir", ({ mimir }) => {
      mimir.structuredConfig.multitenancy_enabled = false;
    }),
    rule: "tenancy",
    says: "Release mimir/mimir: values.mimir.structuredConfig.multitenancy_enabled is not true",
  },
  {
    about: "Tempo has one tenant",
    ...values("tempo", (all) => {
      all["multitenancyEnabled"] = false;
    }),
    rule: "tenancy",
    says: "Release tempo/tempo: values.multitenancyEnabled is not true",
  },
  {
    about: "Loki never deletes",
    ...values("loki", ({ loki }) => {
      loki.compactor.retention_enabled = false;
    }),
    rule: "retention-runs",
    says: "Release loki/loki: values.loki.compactor.retention_enabled is not true",
  },
  {
    about: "an image has a mutable tag",
    ...values("grafana", (all) => {
      all["image"] = { ...all["image"], repository: "grafana/grafana", tag: "latest" };
    }),
    rule: "images-pinned",
    says: 'Release grafana/grafana: values.image uses image grafana/grafana with the mutable tag "latest"',
  },
  {
    about: "a chart's version is a range",
    ...on("Release", "loki", (inputs) => {
      inputs["chart"] = "loki";
      inputs["version"] = ">=1.0.0";
    }),
    rule: "charts-pinned",
    says: 'Release loki/loki: chart loki is installed as ">=1.0.0", which is not a single version',
  },
  {
    about: "a component has no memory limit",
    ...values("tempo", ({ distributor }) => {
      distributor.resources = { requests: distributor.resources.requests };
    }),
    rule: "resources-set",
    says: "Release tempo/tempo: values.distributor.resources lacks a memory limit",
  },
  {
    about: "a password is in the values",
    ...values("grafana", (all) => {
      all["adminPassword"] = "hunter2";
    }),
    rule: "no-secrets-in-values",
    says: "Release grafana/grafana: values.adminPassword holds a secret according to its name",
  },
  {
    about: "Grafana is open to the internet",
    ...values("grafana", (all) => {
      all["service"] = { ...all["service"], type: "LoadBalancer" };
    }),
    rule: "services-internal",
    says: "Release grafana/grafana: values.service.type is LoadBalancer",
  },
  {
    about: "Grafana's Ingress has no TLS",
    ...values("grafana", (all) => {
      all["ingress"] = { ...all["ingress"], enabled: true, tls: [] };
    }),
    rule: "ingress-tls",
    says: "Release grafana/grafana: values.ingress is enabled without tls",
  },
  {
    about: "Grafana requires no login",
    ...values("grafana", (all) => {
      all["grafana.ini"]["auth.anonymous"] = { enabled: true };
    }),
    rule: "no-anonymous-access",
    says: "Release grafana/grafana: values.grafana.ini.auth.anonymous.enabled is true",
  },
];

const ownObjects: Broken[] = [
  {
    about: "a container is privileged",
    ...cadvisor((_, { securityContext }) => {
      securityContext.privileged = true;
    }),
    rule: "no-privilege",
    says: "DaemonSet monitoring/cadvisor: container cadvisor is privileged",
  },
  {
    about: "a pod uses the host network",
    ...cadvisor((pod) => {
      pod["hostNetwork"] = true;
    }),
    rule: "no-host-namespaces",
    says: "DaemonSet monitoring/cadvisor: hostNetwork is true",
  },
  {
    about: "a pod mounts the node's secrets",
    ...cadvisor(({ volumes }) => {
      volumes.push({ name: "etc", hostPath: { path: "/etc/kubernetes" } });
    }),
    rule: "no-host-paths",
    says: "DaemonSet monitoring/cadvisor: a volume mounts /etc/kubernetes of the node",
  },
  {
    about: "a container has no seccomp profile",
    ...cadvisor((_, { securityContext }) => {
      securityContext.seccompProfile = undefined;
    }),
    rule: "seccomp",
    says: "DaemonSet monitoring/cadvisor: container cadvisor has no seccomp profile",
  },
  {
    about: "a container has no readiness probe",
    ...cadvisor((_, container) => {
      container["readinessProbe"] = undefined;
    }),
    rule: "readiness-probes",
    says: "DaemonSet monitoring/cadvisor: container cadvisor has no readinessProbe",
  },
  {
    about: "a password is in an environment variable",
    ...cadvisor((_, container) => {
      container["env"] = [{ name: "DB_PASSWORD", value: "hunter2" }];
    }),
    rule: "no-secrets-in-variables",
    says: "DaemonSet monitoring/cadvisor: variable DB_PASSWORD of container cadvisor holds a secret according to its name",
  },
  {
    about: "a namespace has no Pod Security level",
    ...on("Namespace", "loki", ({ metadata }) => {
      metadata.labels = { "app.kubernetes.io/part-of": "observability" };
    }),
    rule: "pod-security-labels",
    says: "Namespace loki: pod-security.kubernetes.io/enforce is not set",
  },
  {
    about: "a password is in a ConfigMap",
    ...on("ConfigMap", "minio-managed-buckets", ({ data }) => {
      data["minio.yaml"] = "user: loki\npassword: hunter2\n";
    }),
    rule: "no-secrets-in-configmaps",
    says: "ConfigMap minio/minio-managed-buckets: data.minio.yaml holds password, a secret according to its name",
  },
];

const storage: Broken[] = [
  {
    about: "a bucket is public",
    ...on("S3Bucket", "loki-data", (inputs) => {
      inputs["acl"] = "public-read";
    }),
    rule: "buckets-private",
    says: "S3Bucket loki-data: acl is public-read",
  },
  {
    about: "a bucket is not encrypted",
    ...on("S3BucketServerSideEncryption", "tempo-data", (inputs) => {
      inputs["bucket"] = "another";
    }),
    rule: "buckets-encrypted",
    says: "S3Bucket tempo-data: no S3BucketServerSideEncryption is set for it",
  },
  {
    about: "a bucket has no lifecycle",
    ...on("IlmPolicy", "mimir-blocks", (inputs) => {
      inputs["bucket"] = "another";
    }),
    rule: "buckets-lifecycle",
    says: "S3Bucket mimir-blocks: no lifecycle rule deletes objects in it",
  },
  {
    about: "a user may do everything",
    ...on("IamPolicy", "loki", (inputs) => {
      inputs["policy"] = String(inputs["policy"]).replace('"s3:GetObject"', '"s3:*"');
    }),
    rule: "iam-no-wildcards",
    says: "IamPolicy loki: it allows action s3:*",
  },
  {
    about: "a user has access to another's bucket",
    ...on("IamPolicy", "tempo", (inputs) => {
      inputs["policy"] = String(inputs["policy"]).replaceAll(":::tempo-data", ":::loki-data");
    }),
    rule: "buckets-owned",
    says: "S3Bucket loki-data: policies loki, tempo all allow access to it",
  },
  {
    about: "an output shows a password",
    outputs: { databaseUrl: "postgres://grafana:hunter2@database:5432" },
    rule: "no-secrets-in-outputs",
    says: "output databaseUrl is plain and holds a password in an address",
  },
];

export const broken: Broken[] = [...settings, ...releases, ...ownObjects, ...storage];
