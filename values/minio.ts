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
 * Startup, readiness and liveness of a server: https://github.com/minio/minio/blob/master/cmd/healthcheck-handler.go
 *
 * A single server has started when it has loaded users and buckets. A server of several must be ready without its peers:
 * with another image, environment or scheme, it waits until half of them have restarted with the same
 * (https://github.com/minio/minio/blob/master/cmd/bootstrap-peer-server.go), and the next one restarts only after it is
 * ready. With the same, it joins within seconds, and the peers need about half a minute to use its drive again: the
 * update of a distributed MinIO waits two minutes for that. `cluster/read` is no readiness probe, because it takes 10 s
 * while one peer hangs, so that one lost node could remove all servers from the Service.
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
    startupProbe: check(distributed ? "live" : "cluster/read", 5, 360),
    readinessProbe: { ...check("ready", 10, 3), successThreshold: distributed ? 13 : 1 },
    livenessProbe: check("live", 10, 12),
  };
}

/**
 * Keys of the server's container that the chart has no values for. The chart renders the string `extraContainers` right
 * after that container's own keys, and two more spaces continue them.
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
    // Objects are encrypted even if a client does not request it.
    environment: { MINIO_KMS_AUTO_ENCRYPTION: "on", MINIO_UPDATE: "off", ...goMemoryLimit(server) },
    // Two servers must never open the same volume.
    deploymentUpdate: { type: "Recreate" },
    // The PVCs belong to the program, so that they can grow: a StatefulSet's template is immutable.
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
    // If the cluster assigns users, the chart would add SecurityContextConstraints for one fixed user; without its
    // security contexts it does not.
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
 * Targets of MinIO: each server about itself, and any of them about the cluster and its buckets, so that those series
 * exist once per server. The chart's own monitor does not support bucket metrics.
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
      // Distinguishes the three targets of a server.
      relabelings: [{ sourceLabels: ["__metrics_path__"], targetLabel: "metrics_path" }],
    })),
  },
});

/** The PVCs of MinIO: name and size of each. */
export function minioClaims({
  objectStorage: { minio: server },
}: Settings): { name: string; size: string }[] {
  return Array.from({ length: server.servers }, (_, index) => ({
    name: minio.claim(server.mode, index),
    size: quantity(server.disk),
  }));
}
