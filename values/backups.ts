/** Scheduled backups: CronJobs with rclone that copy the buckets and Grafana's database to another S3, and back. */
import imagePins from "../images.json";
import {
  type BackupJob,
  backupJobs,
  caBundle,
  grafanaEnv,
  grafana as grafanaNames,
  backups as names,
  namespaces,
  releases,
  s3Env,
  s3Secret,
} from "../names";
import type { Settings } from "../settings";
import { quantity } from "../settings/units";
import { backupDestination, backupScript, backupVariables, type Destination } from "./backup-rclone";
import { s3 } from "./object-storage";
import { scheduling } from "./scheduling";
import { environment, goMemoryLimit, image, pullSecrets, resources, restrictedContainer } from "./shared";
import { trustedCa } from "./tls";
import { podUser } from "./user-ids";

/** Whether Grafana has a database on a volume; PostgreSQL is backed up with its own tools. */
const hasDatabase = ({ grafana }: Settings): boolean => !grafana.database;

/** Whether the object storage has a certificate of the stack's own CA. */
const trustedSource = (settings: Settings): boolean => s3(settings).caFile !== undefined;

/** Namespaces with Jobs of backups, by their keys. */
export const backupNamespaces = (settings: Settings): ("backup" | "grafana")[] =>
  backupDestination(settings) ? ["backup", ...(hasDatabase(settings) ? (["grafana"] as const) : [])] : [];

interface Variable {
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
  readOnly: boolean;
}

/** What the Jobs of a namespace do, and with what. */
interface Kind {
  namespace: "backup" | "grafana";
  /** Label of the pods, by which NetworkPolicies know them. */
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

const caFolder = "/etc/backup-ca";

const buckets = (settings: Settings): Kind => ({
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

const grafana = (settings: Settings): Kind => ({
  namespace: "grafana",
  label: "grafana-backup",
  script: "grafana.sh",
  // Grafana's own, whose file it is.
  user: 472,
  component: "grafana",
  variables: () => [
    { name: "DATABASE", value: `${databaseFolder}/grafana.db` },
    fromSecret("GRAFANA_SECRET_KEY", grafanaNames.secret, grafanaEnv.secretKey),
  ],
  volumes: [{ name: "database", persistentVolumeClaim: { claimName: releases.grafana } }],
  mounts: (job) => [{ name: "database", mountPath: databaseFolder, readOnly: job === "backup" }],
  temporary: quantity(settings.grafana.disk),
});

/** Pods that use a volume of one node run where Grafana does. */
const besideGrafana = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        labelSelector: {
          matchLabels: {
            "app.kubernetes.io/name": "grafana",
            "app.kubernetes.io/instance": releases.grafana,
          },
        },
        topologyKey: "kubernetes.io/hostname",
      },
    ],
  },
};

function podSpec(settings: Settings, destination: Destination, kind: Kind, job: BackupJob) {
  const { repository, tag } = image(settings, imagePins.rclone);
  const certificates = [
    ...(kind.namespace === "backup" && trustedSource(settings)
      ? [caBundle.path.replace(/\/[^/]*$/, "")]
      : []),
    ...(destination.caCertificate ? [caFolder] : []),
  ];
  const env: Variable[] = [
    ...environment({
      JOB: job,
      ...backupVariables(settings, destination),
      // Directories of CA certificates in addition to the image's file: https://pkg.go.dev/crypto/x509#SystemCertPool
      ...(certificates.length && { SSL_CERT_DIR: certificates.join(":") }),
      // No file: the remotes are in the environment.
      RCLONE_CONFIG: "",
      RCLONE_CACHE_DIR: "/tmp/cache",
      ...goMemoryLimit(settings.backups),
    }),
    ...kind.variables(job),
  ];
  return {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...scheduling(settings, kind.component),
    ...(kind.namespace === "grafana" && job === "backup" && { affinity: besideGrafana }),
    ...(pullSecrets(settings).length && { imagePullSecrets: pullSecrets(settings) }),
    securityContext: {
      runAsNonRoot: true,
      ...podUser(settings, {
        runAsUser: kind.user,
        runAsGroup: kind.user,
        fsGroup: kind.user,
        fsGroupChangePolicy: "OnRootMismatch",
      }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "rclone",
        image: `${repository}:${tag}`,
        // A restore gets the time to go back to as its argument: ./obs restore --before.
        command: ["/bin/sh", "-c", backupScript(kind.script, job), job],
        env,
        envFrom: [{ secretRef: { name: names.destinationSecret } }],
        terminationMessagePolicy: "FallbackToLogsOnError",
        resources: resources(settings.backups),
        securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          ...kind.mounts(job),
          ...(destination.caCertificate ? [{ name: "ca", mountPath: caFolder, readOnly: true }] : []),
        ],
      },
    ],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: kind.temporary } },
      ...kind.volumes,
      ...(destination.caCertificate ? [{ name: "ca", configMap: { name: names.caConfigMap } }] : []),
    ],
  };
}

function cronJob(settings: Settings, destination: Destination, kind: Kind, job: BackupJob) {
  const labels = { "app.kubernetes.io/name": kind.label };
  return {
    metadata: { name: names.cronJob(job), namespace: namespaces(settings)[kind.namespace], labels },
    spec: {
      schedule: settings.backups.schedule,
      timeZone: "Etc/UTC",
      // A restore runs when ./obs restore creates its Job.
      suspend: job === "restore",
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        metadata: { labels },
        spec: {
          // The next run continues where this one failed.
          backoffLimit: job === "backup" ? 2 : 0,
          template: { metadata: { labels }, spec: podSpec(settings, destination, kind, job) },
        },
      },
    },
  };
}

/** The CronJobs: `backup` on its schedule, and the suspended `restore`, in each namespace with data to copy. */
export function backupCronJobs(settings: Settings) {
  const destination = backupDestination(settings);
  if (!destination) return [];
  const kinds = [buckets(settings), ...(hasDatabase(settings) ? [grafana(settings)] : [])];
  return kinds.flatMap((kind) => backupJobs.map((job) => cronJob(settings, destination, kind, job)));
}
