/** Mistakes about the cluster, sources of charts and images, object storage, and network access. */

import { schema } from "../../../settings";
import { backedUp } from "../stacks";
import { type Mistake, set, setSecret, takeOut } from "./mistake";

/** A key of 32 bytes, as a user would paste it. */
const key = Buffer.alloc(32, "k").toString("base64");
const coldTier = {
  kind: "s3",
  endpoint: "https://s3.example.com",
  bucket: "archive",
  accessKey: "[secret]",
  secretKey: "[secret]",
};

export const installation: Mistake[] = [
  {
    about: "an unknown environment",
    config: { environment: "production" },
    says: 'environment: invalid value "production" (must be one of dev, prod)',
    change: set("environment"),
  },
  {
    about: "an unknown section",
    config: { logging: { retention: "30d" } },
    says: `logging: unknown setting. Valid: ${Object.keys(schema.shape).join(", ")}`,
    change: takeOut("logging"),
  },
  {
    about: "a cluster's name with an underscore",
    config: { cluster: { name: "prod_eu" } },
    says: 'cluster.name: invalid value "prod_eu" (must be a Kubernetes name: lowercase letters, digits and dashes, at most 63)',
    change: set("cluster.name"),
  },
  {
    about: "a prefix of namespaces that Kubernetes does not accept",
    config: { namespaces: { prefix: "Team_A-" } },
    says: "namespaces.prefix: invalid value \"Team_A-\" (must be empty, or at most 20 lowercase letters, digits and '-' that begin with a letter and end with '-')",
    change: set("namespaces.prefix"),
  },
  {
    about: "an agent with the name of a tenant of the hub",
    config: { agents: { prometheus: {} }, access: { ingress: { domain: "obs.stack.test" } } },
    says: 'agents.prometheus: invalid value "prometheus" (must not be set: this stack has a tenant of that name, which another cluster must not write to)',
    change: takeOut("agents.prometheus"),
  },
  {
    about: "a hub without its organization and project",
    environment: "dev",
    config: { hub: { stack: "prod" } },
    says: 'hub.stack: invalid value "prod" (must be a stack as <organization>/<project>/<stack>)',
    change: set("hub.stack"),
  },
  {
    about: "true for a choice of three",
    config: { cluster: { antiAffinity: true } },
    says: "cluster.antiAffinity: invalid value true (must be one of none, preferred, quorum, required)",
    change: set("cluster.antiAffinity"),
  },
  {
    about: "yes for true",
    config: { cluster: { protect: "yes" } },
    says: 'cluster.protect: invalid value "yes" (must be true or false)',
    change: set("cluster.protect"),
  },
  {
    about: "a number below the minimum",
    config: { charts: { history: 0 } },
    says: "charts.history: invalid value 0 (must be an integer between 1 and 50)",
    change: set("charts.history"),
  },
  {
    about: "a registry with its scheme",
    config: { images: { registry: "https://registry.example.com" } },
    says: 'images.registry: invalid value "https://registry.example.com" (must be a registry host, optionally with a path, and no scheme)',
    change: set("images.registry"),
  },
  {
    about: "a volume of logs without its day",
    config: { load: { logs: "1TB" } },
    says: 'load.logs: invalid value "1TB" (must be a volume: a positive integer with unit MB/day, GB/day or TB/day, such as 1TB/day)',
    change: set("load.logs"),
  },
  {
    about: "an external S3 without its settings",
    config: { objectStorage: { kind: "external" } },
    says: "objectStorage.external: not set (must be set, because objectStorage.kind is external)",
    change: set("objectStorage.external.<setting>"),
  },
  {
    about: "two stores in one bucket",
    config: { objectStorage: { buckets: { tempo: { name: "loki-data" } } } },
    says: 'objectStorage.buckets.tempo.name: invalid value "loki-data" (must be a name that no other bucket has)',
    change: set("objectStorage.buckets.tempo.name"),
  },
  {
    about: "a bucket's name that is invalid in S3",
    config: { objectStorage: { buckets: { loki: { name: "logs..prod" } } } },
    says: 'objectStorage.buckets.loki.name: invalid value "logs..prod" (must be a bucket name: 3 to 63 lowercase letters, digits, dots and dashes, no consecutive dots)',
    change: set("objectStorage.buckets.loki.name"),
  },
  {
    about: "a disk in decimal units",
    config: { objectStorage: { minio: { disk: "50GB" } } },
    says: 'objectStorage.minio.disk: invalid value "50GB" (must be a size: a positive integer with unit Ki, Mi, Gi or Ti, such as 50Gi)',
    change: set("objectStorage.minio.disk"),
  },
  {
    about: "too few servers for erasure coding",
    config: { objectStorage: { minio: { servers: 3 } } },
    says: "objectStorage.minio.servers: invalid value 3 (must be 4 or more, because objectStorage.minio.mode is distributed)",
    change: set("objectStorage.minio.servers"),
  },
  {
    about: "an image with a mutable tag",
    config: { objectStorage: { minio: { image: "minio/minio:latest" } } },
    says: 'objectStorage.minio.image: invalid value "minio/minio:latest" (must be an image with a tag or digest, not latest)',
    change: set("objectStorage.minio.image"),
  },
  {
    about: "objects that move on the day of their deletion",
    config: { objectStorage: { minio: { coldTier: { ...coldTier, after: { loki: "37d" } } } } },
    says: 'objectStorage.minio.coldTier.after.loki: invalid value "37d" (must be whole days from 1d to 36d: the bucket\'s lifecycle deletes objects after 37d)',
    change: set("objectStorage.minio.coldTier.after.loki"),
  },
  {
    about: "credentials in plain text",
    config: { objectStorage: { minio: { encryptionKey: key } } },
    says: 'objectStorage.minio.encryptionKey: invalid value "[secret]" (must be an encrypted secret, because environment is prod. This one is in plain text: replace it, because it may have leaked)',
    change: setSecret("objectStorage.minio.encryptionKey"),
  },
  {
    about: "an invalid address range",
    config: { network: { nodes: ["10.0.0.0/33"] } },
    says: 'network.nodes[0]: invalid value "10.0.0.0/33" (must be an address range such as 10.0.0.0/16)',
    change: set("network.nodes[0]"),
  },
  {
    about: "a percentage with a percent sign",
    config: { scaling: { cpu: "70%" } },
    says: 'scaling.cpu: invalid value "70%" (must be an integer between 10 and 100)',
    change: set("scaling.cpu"),
  },
  {
    about: "three generations of passwords",
    config: { access: { generations: [1, 2, 3] } },
    says: "access.generations: invalid value [1,2,3] (must be one number, or two different ones while passwords are rotated)",
    change: set("access.generations[0]"),
  },
  {
    about: "backups to the object storage that they copy",
    config: {
      backups: {
        destination: {
          ...backedUp.backups.destination,
          endpoint: "http://minio.minio.svc.cluster.local:9000",
        },
      },
    },
    says: 'backups.destination.endpoint: invalid value "http://minio.minio.svc.cluster.local:9000" (must be another S3 than the object storage of this stack, which would be lost together with the copy)',
    change: set("backups.destination.endpoint"),
  },
  {
    about: "a disk that shrinks",
    config: { loki: { ingester: { disk: "10Gi" } } },
    installed: { component: "loki.ingester", size: "20Gi" },
    says: 'loki.ingester.disk: invalid value "10Gi" (must be 20Gi or more: the volumes of loki/loki-ingester have that size, and a volume cannot shrink)',
    change: set("loki.ingester.disk"),
  },
  {
    about: "a disk that grows without the command for it",
    config: { mimir: { ingester: { disk: "100Gi" } } },
    installed: { component: "mimir.ingester", size: "50Gi" },
    says: 'mimir.ingester.disk: invalid value "100Gi" (must be 50Gi, because the volumes of mimir/mimir-ingester have that size; to grow them, run ./obs upgrade --volumes mistake: docs/guides/upgrades.md)',
    change: set("mimir.ingester.disk"),
  },
  {
    about: "another class for existing volumes",
    config: { cluster: { storageClass: "standard" } },
    installed: { component: "loki.ingester", size: "20Gi", storageClass: "slow" },
    says: 'cluster.storageClass: invalid value "standard" (must be slow: the volumes of loki/loki-ingester request slow, which cannot change; docs/guides/upgrades.md explains how to move them)',
    change: set("cluster.storageClass"),
  },
];
