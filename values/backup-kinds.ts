/** Sources and tools of the backup Jobs: the buckets, and Grafana's database. */
import { type BackupJob, grafanaEnv, grafana as grafanaNames, releases, s3Env, s3Secret } from "../names";
import type { Settings } from "../settings";
import { quantity } from "../settings/units";
import { s3 } from "./object-storage";
import { trustedCa } from "./tls";

/** Whether Grafana has a database on a volume; PostgreSQL is backed up with its own tools. */
export const hasDatabase = ({ grafana }: Settings): boolean => !grafana.database;

/** Whether the object storage has a certificate of the stack's own CA. */
export const trustedSource = (settings: Settings): boolean => s3(settings).caFile !== undefined;

export interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}
interface Volume {
  name: string;
  configMap?: { name: string };
  persistentVolumeClaim?: { claimName: string };
}
interface Mount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly: boolean;
}

/** Task and configuration of the Jobs of a namespace. */
export interface Kind {
  namespace: "backup" | "grafana";
  /** Label of the pods, for NetworkPolicies. */
  label: string;
  script: string;
  user: number;
  component: "minio" | "grafana";
  variables: (job: BackupJob) => Variable[];
  volumes: Volume[];
  mounts: (job: BackupJob) => Mount[];
  /** Size of the temporary files. */
  temporary: string;
}

const fromSecret = (name: string, secret: string, key: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

export const buckets = (settings: Settings): Kind => ({
  namespace: "backup",
  label: "backup",
  script: "buckets.sh",
  user: 1000,
  component: "minio",
  variables: (job) => [
    fromSecret("RCLONE_CONFIG_STORE_ACCESS_KEY_ID", s3Secret(job), s3Env.accessKey),
    fromSecret("RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY", s3Secret(job), s3Env.secretKey),
  ],
  volumes: trustedSource(settings) ? trustedCa(settings).volumes : [],
  mounts: () => (trustedSource(settings) ? trustedCa(settings).mounts : []),
  temporary: "16Mi",
});

const databaseFolder = "/var/lib/grafana";
/** A folder of the same volume, which a backup may write. */
const markFolder = "/var/lib/grafana-backup";

export const grafana = (settings: Settings): Kind => ({
  namespace: "grafana",
  label: "grafana-backup",
  script: "grafana.sh",
  // Grafana's user, which owns the file.
  user: 472,
  component: "grafana",
  variables: () => [
    { name: "DATABASE", value: `${databaseFolder}/grafana.db` },
    { name: "MARK", value: `${markFolder}/volume` },
    fromSecret("GRAFANA_SECRET_KEY", grafanaNames.secret, grafanaEnv.secretKey),
  ],
  volumes: [{ name: "database", persistentVolumeClaim: { claimName: releases.grafana } }],
  mounts: (job) => [
    { name: "database", mountPath: databaseFolder, readOnly: job === "backup" },
    { name: "database", mountPath: markFolder, subPath: "backup", readOnly: false },
  ],
  temporary: quantity(settings.grafana.disk),
});
