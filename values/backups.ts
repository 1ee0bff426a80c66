/**
 * Scheduled backups: CronJobs with rclone that copy the buckets and Grafana's database to another S3 and restore them.
 */
import imagePins from "../images.json";
import { type BackupJob, backupJobs, caBundle, backups as names, namespaces, releases } from "../names";
import type { Settings } from "../settings";
import { buckets, grafana, hasDatabase, type Kind, trustedSource, type Variable } from "./backup-kinds";
import { backupDestination, backupScript, backupVariables, type Destination } from "./backup-rclone";
import { scheduling } from "./scheduling";
import { environment, goMemoryLimit, image, pullSecrets, resources, restrictedContainer } from "./shared";
import { podUser } from "./user-ids";

/** Namespaces with backup Jobs, by their keys. */
export const backupNamespaces = (settings: Settings): ("backup" | "grafana")[] =>
  backupDestination(settings) ? ["backup", ...(hasDatabase(settings) ? (["grafana"] as const) : [])] : [];

const caFolder = "/etc/backup-ca";

/** A volume of a single node requires that its pods run next to Grafana. */
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
        // Arguments of a restore: ./obs restore --before and --take-over.
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
          // The next run continues after a failed one.
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
