/** Values of the minio chart: https://github.com/minio/minio/tree/master/helm/minio */
import { stringify } from "yaml";
import { caBundle, certificates, minio, namespaces, usesTls } from "../names";
import type { Settings } from "../settings";
import { quantity } from "../settings/units";
import { scheduling } from "./scheduling";
import {
  disruptionBudget,
  goMemoryLimit,
  image,
  placement,
  pullSecrets,
  resources,
  restrictedContainer,
  type Values,
  watchedByPrometheus,
} from "./shared";
import { scrapedByTls } from "./tls";
import { assignsUsers } from "./user-ids";

/**
 * When a server is started, ready and alive: https://github.com/minio/minio/blob/master/cmd/healthcheck-handler.go
 *
 * It is started once it has joined the others, loaded users and buckets, and sees enough drives to read from; `ready` alone
 * is 200 long before. Ready is each server's own state: `cluster/read` takes 10 s while one peer hangs, so that one lost
 * node could take all servers out of the Service. The peers need about half a minute to use a restarted server's drive
 * again, for which the update of a distributed MinIO waits.
 */
function probes(settings: Settings): Values {
  const check = (path: string, periodSeconds: number, failureThreshold: number) => ({
    httpGet: {
      path: `/minio/health/${path}`,
      port: minio.apiPort,
      scheme: usesTls(settings) ? "HTTPS" : "HTTP",
    },
    timeoutSeconds: 10,
    periodSeconds,
    failureThreshold,
  });
  const distributed = settings.objectStorage.minio.mode === "distributed";
  return {
    startupProbe: check("cluster/read", 5, 360),
    readinessProbe: { ...check("ready", 10, 3), successThreshold: distributed ? 4 : 1 },
    livenessProbe: check("live", 10, 12),
  };
}

/**
 * Keys of the server's container that the chart has no values for. It renders a text of `extraContainers` right after that
 * container's own keys, and two more spaces continue them.
 */
const serverKeys = (keys: Values): string => stringify(keys).trimEnd().replace(/^/gm, "  ");

export function minioValues(settings: Settings): Values {
  const { minio: server } = settings.objectStorage;
  const standalone = server.mode === "standalone";
  return {
    fullnameOverride: minio.release,
    mode: server.mode,
    replicas: server.servers,
    clusterDomain: settings.cluster.domain,
    image: image(settings, server.image),
    imagePullSecrets: pullSecrets(settings),
    existingSecret: minio.rootSecret,
    extraSecret: minio.encryptionSecret,
    // Objects are encrypted even when a client does not ask for it (R1.6).
    environment: { MINIO_KMS_AUTO_ENCRYPTION: "on", MINIO_UPDATE: "off", ...goMemoryLimit(server) },
    // Two servers must never have the same volume open.
    deploymentUpdate: { type: "Recreate" },
    // The volumes are the program's own claims, so that they can grow: a StatefulSet's template cannot change.
    persistence: {
      enabled: true,
      size: "1Gi",
      ...(standalone ? { existingClaim: minio.claim("standalone", 0) } : {}),
      ...(settings.cluster.storageClass ? { storageClass: settings.cluster.storageClass } : {}),
    },
    resources: resources(server),
    extraContainers: serverKeys({
      ...probes(settings),
      ...(assignsUsers(settings) && { securityContext: restrictedContainer }),
    }),
    ...scheduling(settings, "minio"),
    ...placement(settings, { app: "minio", release: minio.release }, "quorum"),
    podDisruptionBudget: disruptionBudget({ replicas: server.servers }),
    // Where the cluster assigns users, the chart would add SecurityContextConstraints for one user; without its contexts it does not.
    securityContext: assignsUsers(settings)
      ? { enabled: false }
      : {
          enabled: true,
          runAsNonRoot: true,
          runAsUser: 1000,
          runAsGroup: 1000,
          fsGroup: 1000,
          fsGroupChangePolicy: "OnRootMismatch",
          seccompProfile: { type: "RuntimeDefault" },
        },
    containerSecurityContext: restrictedContainer,
    // Buckets, users and policies are Pulumi resources; the chart's default user has a known password.
    users: [],
    ...(usesTls(settings) && {
      tls: {
        enabled: true,
        certSecret: certificates.minio.secret,
        publicCrt: "tls.crt",
        privateKey: "tls.key",
      },
      trustedCertsSecret: caBundle.name,
    }),
    buckets: [],
    policies: [],
    service: { type: "ClusterIP", port: String(minio.apiPort) },
    consoleService: { type: "ClusterIP", port: String(minio.consolePort) },
  };
}

/**
 * Who scrapes MinIO (R12): each server about itself, and any of them about the cluster and its buckets, so that those
 * series are there once a server. The chart's own monitor knows no buckets.
 */
export const minioMonitor = (settings: Settings) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name: minio.release, namespace: namespaces(settings).minio, labels: watchedByPrometheus },
  spec: {
    selector: { matchLabels: { app: "minio", release: minio.release, monitoring: "true" } },
    endpoints: ["node", "cluster", "bucket"].map((part) => ({
      port: usesTls(settings) ? "https" : "http",
      ...scrapedByTls(settings, "minio"),
      path: `/minio/v2/metrics/${part}`,
      // By which the three targets of a server differ.
      relabelings: [{ sourceLabels: ["__metrics_path__"], targetLabel: "metrics_path" }],
    })),
  },
});

/** The claims for MinIO's volumes: name and size of each. */
export function minioClaims({
  objectStorage: { minio: server },
}: Settings): { name: string; size: string }[] {
  return Array.from({ length: server.servers }, (_, index) => ({
    name: minio.claim(server.mode, index),
    size: quantity(server.disk),
  }));
}
