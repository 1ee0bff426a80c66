/** Values of the grafana chart: https://github.com/grafana-community/helm-charts/tree/main/charts/grafana */
import pins from "../charts.json";
import {
  certificates,
  dashboardLabel,
  folderAnnotation,
  grafanaEnv,
  grafana as names,
  releases,
  usesTls,
} from "../names";
import type { Settings } from "../settings";
import { answerTimeout } from "../settings/queries";
import { quantity } from "../settings/units";
import { clientPasswords, gatewayClients } from "./gateway";
import { grafanaAlerting } from "./grafana-alerting";
import { dashboardNamespaces } from "./grafana-dashboards";
import { grafanaDatasources } from "./grafana-datasources";
import { certificateFolder, grafanaIni } from "./grafana-ini";
import { ldapToml } from "./grafana-login";
import { backendAnnotations, ingressTls } from "./ingress-tls";
import { privateCaConfigMap, privateCas, proxyEnvironment } from "./outside";
import { receiverSecrets } from "./receivers";
import { scheduling, statelessScheduling } from "./scheduling";
import {
  checksum,
  disruptionBudget,
  placement,
  pullSecrets,
  resourcePolicy,
  resources,
  tagOf,
  type Values,
  watchedByPrometheus,
} from "./shared";
import { scrapedByTls } from "./tls";

/** Port at which the dashboards' sidecar reports that it has written all files; the chart sets it from the probe. */
const dashboardsHealthPort = 8084;

/** The secrets of the settings that Grafana reads in its environment. */
export function grafanaSecrets(settings: Settings): Record<string, string> {
  const { auth, database } = settings.grafana;
  const given = {
    [grafanaEnv.oauth]: auth.kind === "oauth" ? auth.oauth?.clientSecret : undefined,
    [grafanaEnv.ldap]: auth.kind === "ldap" ? auth.ldap?.bindPassword : undefined,
    [grafanaEnv.database]: database?.password,
    [grafanaEnv.smtp]: settings.alerting.smtp?.password,
  };
  return {
    ...Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => (value ? [[name, value.reveal()] as const] : [])),
    ),
    ...receiverSecrets(settings),
  };
}

/** The path of `grafana.url`: Grafana redirects other paths, except those of its API, to that URL. */
const subPath = ({ grafana }: Settings): string => new URL(grafana.url).pathname.replace(/\/$/, "");

/**
 * Grafana's probes, over TLS if it is enabled. The chart uses /api/health for both: it fails while the database is
 * unavailable, which a restart would not fix.
 */
const probes = (settings: Settings) => {
  const at = (path: string) => ({
    httpGet: { path, port: "grafana", ...(usesTls(settings) && { scheme: "HTTPS" }) },
  });
  return { readinessProbe: at("/api/health"), livenessProbe: at(`${subPath(settings)}/healthz`) };
};

function ingress(settings: Settings): Values {
  const { grafana } = settings;
  if (!grafana.ingress) return { enabled: false };
  const { hostname, pathname } = new URL(grafana.url);
  const { className, annotations } = grafana.ingress;
  return {
    enabled: true,
    ...(className && { ingressClassName: className }),
    // By default ingress-nginx uses HTTP, and answers 504 after a minute; other controllers ignore the annotations.
    annotations: {
      "nginx.ingress.kubernetes.io/proxy-read-timeout": String(answerTimeout(settings)),
      ...backendAnnotations(settings, grafana.ingress),
      ...annotations,
    },
    hosts: [hostname],
    path: pathname,
    tls: ingressTls(settings, hostname, grafana.ingress),
  };
}

export function grafanaValues(settings: Settings): Values {
  const { grafana, cluster, images } = settings;
  const { ldap, kind } = grafana.auth;
  const passwords = clientPasswords(gatewayClients(settings).grafana);
  const ca = privateCaConfigMap(settings);
  const trusted = privateCas(settings);
  const readOnly = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  };
  return {
    fullnameOverride: releases.grafana,
    global: {
      ...(images.registry && { imageRegistry: images.registry }),
      imagePullSecrets: pullSecrets(settings).map(({ name }) => name),
    },
    image: { tag: tagOf(pins.grafana.image) },
    replicas: grafana.replicas,
    // Two Grafanas must never open the same volume.
    deploymentStrategy: { type: grafana.database ? "RollingUpdate" : "Recreate" },
    persistence: grafana.database
      ? { enabled: false }
      : {
          enabled: true,
          size: quantity(grafana.disk),
          ...(cluster.storageClass && { storageClassName: cluster.storageClass }),
          annotations: resourcePolicy(settings),
        },
    // Kubernetes sets the volume's group; no container runs as root.
    initChownData: { enabled: false },
    headlessService: grafana.replicas > 1,
    podDisruptionBudget:
      grafana.replicas > 1 ? { maxUnavailable: disruptionBudget(grafana).maxUnavailable } : {},
    ...(grafana.database ? statelessScheduling : scheduling)(settings, "grafana"),
    ...placement(settings, {
      "app.kubernetes.io/name": "grafana",
      "app.kubernetes.io/instance": releases.grafana,
    }),
    resources: resources(grafana),
    containerSecurityContext: { ...readOnly, privileged: false, seccompProfile: { type: "RuntimeDefault" } },
    extraSecretMounts: [
      {
        ...passwords.mount,
        secretName: passwords.volume.secret.secretName,
        items: passwords.volume.secret.items,
      },
      ...(usesTls(settings)
        ? [
            {
              name: certificates.grafana.secret,
              secretName: certificates.grafana.secret,
              mountPath: certificateFolder,
              readOnly: true,
            },
          ]
        : []),
    ],
    extraEmptyDirMounts: [{ name: "tmp", mountPath: "/tmp" }],
    admin: { existingSecret: names.adminSecret },
    // In the background, so that Grafana starts even if plugins cannot be downloaded.
    env: { GF_PLUGINS_PREINSTALL: grafana.plugins.join(","), ...proxyEnvironment(settings) },
    ...(ca && {
      extraConfigmapMounts: trusted.mounts.map((mount) => ({ ...mount, configMap: ca.name })),
    }),
    enableServiceLinks: false,
    envFromSecrets: [
      { name: names.secret },
      ...(grafana.existingSecret ? [{ name: grafana.existingSecret }] : []),
    ],
    // Grafana reads secrets in its environment and passwords of data sources only at startup, so that a change has to
    // roll the pods.
    podAnnotations: {
      "checksum/environment": checksum(grafanaSecrets(settings)),
      "observability/password-generation": String(settings.access.generations[0]),
    },
    "grafana.ini": grafanaIni(settings),
    ldap: kind === "ldap" && ldap ? { enabled: true, config: ldapToml(ldap) } : { enabled: false },
    ingress: ingress(settings),
    datasources: { "datasources.yaml": grafanaDatasources(settings) },
    alerting: grafanaAlerting(settings),
    sidecar: {
      resources: resources(grafana.dashboards),
      securityContext: { ...readOnly, seccompProfile: { type: "RuntimeDefault" } },
      enableUniqueFilenames: true,
      dashboards: {
        enabled: true,
        label: dashboardLabel,
        labelValue: "1",
        folder: "/var/lib/grafana-dashboards",
        resource: "configmap",
        searchNamespace: dashboardNamespaces(settings),
        folderAnnotation,
        // Grafana checks the files every 30 seconds, which does not need the admin's password.
        skipReload: true,
        // Grafana starts when all files exist. It deletes a dashboard without a file, with the permissions that users set.
        initDashboards: true,
        restartPolicy: "Always",
        startupProbe: {
          httpGet: { path: "/healthz", port: dashboardsHealthPort },
          periodSeconds: 2,
          failureThreshold: 150,
        },
        provider: { foldersFromFilesStructure: true, allowUiUpdates: false },
      },
    },
    // The stack's own Roles, because the chart's may also read every Secret.
    rbac: { create: false },
    ...probes(settings),
    serviceMonitor: {
      enabled: true,
      labels: watchedByPrometheus,
      path: `${subPath(settings)}/metrics`,
      ...scrapedByTls(settings, "grafana"),
    },
    testFramework: { enabled: false },
  };
}
