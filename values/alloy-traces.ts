/** Values of the alloy chart for the receiver of traces. */
import {
  certificates,
  gatewayAccess,
  gatewayUrls,
  namespaces,
  rawWriters,
  releases,
  sentLogs,
  services,
  systemNamespaces,
  tenants,
  tracesReplicas,
  tracesReplicasHost,
  usesTls,
  writerOf,
} from "../names";
import type { Settings } from "../settings";
import { goDuration, quantity } from "../settings/units";
import { alloyFile, alloyPipeline, alloyUser, alloyValues, certificateFolder, storagePath } from "./alloy";
import { gatewayClients, gatewayConnection, passwordFile } from "./gateway";
import { backendAnnotations, ingressTls } from "./ingress-tls";
import { everyInterface } from "./ip-family";
import { leftOut } from "./log-filters";
import {
  logResourceStatements,
  logScopeStatements,
  logStatements,
  metricStatements,
  resourceStatements,
} from "./otlp-attributes";
import { alloyGrace } from "./rollout";
import { sdkRatio, shares } from "./sampling";
import { scheduling } from "./scheduling";
import { anyOf, disruptionBudget, placement, restrictedContainer, type Values } from "./shared";
import { attributeBytes } from "./tempo";

/** TLS of an OTLP port; a renewed certificate is reloaded without a restart. */
const tlsBlock = `

		tls {
			cert_file       = "${certificateFolder}/tls.crt"
			key_file        = "${certificateFolder}/tls.key"
			min_version     = "1.2"
			reload_interval = "1m"
		}`;

/** The pipeline's receivers. The OTLP ports for applications use TLS if it is enabled in the settings. */
const receivers = (settings: Settings): string =>
  usesTls(settings)
    ? alloyPipeline("traces").replace(/endpoint += "0\.0\.0\.0:431[78]"/g, (endpoint) => endpoint + tlsBlock)
    : alloyPipeline("traces");

/**
 * Whether one replica gets all spans of a trace, to sample or count them. Otherwise each sends the spans that it receives:
 * those routed to a replica on a failed node would be lost until Kubernetes marks it as not ready.
 */
const routesTraces = ({ tracing }: Settings): boolean =>
  tracing.sampling.appliedBy === "collector" || tracing.metricsFrom === "alloy";

/** The pipeline. The settings select the component that counts spans and the one that samples traces. */
export const alloyTracesPipeline = (settings: Settings): string => {
  const { sampling, metricsFrom } = settings.tracing;
  return [
    receivers(settings).replaceAll("0.0.0.0:", () => `${everyInterface(settings)}:`),
    alloyFile(`traces/route/${routesTraces(settings) ? "replicas" : "direct"}.alloy`),
    alloyFile(`traces/measure/${metricsFrom}.alloy`),
    alloyFile(`traces/sample/${sampling.appliedBy}.alloy`).replace("{shares}", () => shares(settings)),
  ].join("\n");
};

/** Environment variables of the pipeline. */
export const alloyTracesEnvironment = (settings: Settings): Record<string, string> => {
  const { alloyMetrics, alloyTraces, cluster, otlp, tracing } = settings;
  const { allowedOrigins } = otlp.cors;
  const lokiUser = writerOf(tenants.logs, settings);
  const tempoUser = writerOf(tenants.traces, settings);
  const mimirUser = writerOf(tenants.pods, settings);
  const urls = gatewayUrls(settings);
  return {
    WRITERS: JSON.stringify(rawWriters(settings)),
    RESOURCE_STATEMENTS: JSON.stringify(resourceStatements(settings)),
    METRIC_STATEMENTS: JSON.stringify(metricStatements()),
    LOG_RESOURCE_STATEMENTS: JSON.stringify(logResourceStatements(settings)),
    LOG_SCOPE_STATEMENTS: JSON.stringify(logScopeStatements(settings)),
    LEFT_OUT: JSON.stringify(leftOut(settings)),
    LOG_STATEMENTS: JSON.stringify(logStatements(settings)),
    // One byte more than Tempo's limit, so that Tempo counts truncated attributes.
    ATTRIBUTE_BYTES: String(attributeBytes + 1),
    CORS_ORIGINS: JSON.stringify(allowedOrigins),
    CORS_HEADERS: JSON.stringify(allowedOrigins.length ? ["*"] : []),
    SDK_RATIO: String(sdkRatio(settings)),
    ...(routesTraces(settings) && { REPLICAS: tracesReplicasHost(settings) }),
    TEMPO_URL: urls.tempo,
    TEMPO_USER: tempoUser,
    TEMPO_PASSWORD_FILE: passwordFile(["tempo", tempoUser]),
    STORAGE: storagePath,
    BUFFER: String(alloyTraces.buffer),
    LOGS_BUFFER: String(alloyTraces.buffer / 4),
    METRICS_BUFFER: String(alloyTraces.buffer / 8),
    SYSTEM_NAMESPACES: anyOf(systemNamespaces(settings)),
    PASSWORDS: gatewayAccess.folder,
    ...gatewayConnection(settings),
    LOKI_URL: urls.loki,
    LOKI_USER: lokiUser,
    LOKI_POLICY: sentLogs,
    LOKI_PASSWORD_FILE: passwordFile(["loki", lokiUser]),
    MIMIR_URL: urls.mimir,
    ...(tracing.metricsFrom === "alloy" && {
      CLUSTER: cluster.name,
      MIMIR_USER: mimirUser,
      SHARDS: String(alloyMetrics.shards),
      MIMIR_PASSWORD_FILE: passwordFile(["mimir", mimirUser]),
    }),
    ...(tracing.sampling.appliedBy === "collector" && {
      SLOW_MS: String(tracing.sampling.slow * 1000),
      DECISION_WAIT: goDuration(tracing.sampling.decisionWait),
    }),
  };
};

/** Ports for applications, in the format of the chart. */
const ports = Object.entries({
  "otlp-grpc": 4317,
  "otlp-http": 4318,
  "jaeger-grpc": 14250,
  "jaeger-http": 14268,
  zipkin: 9411,
}).map(([name, port]) => ({ name, port, targetPort: port, protocol: "TCP" }));

/** An Ingress for OTLP over HTTP; the chart names its port after Faro. */
function ingress(settings: Settings): Values {
  const { otlp } = settings;
  if (!otlp.ingress) return { enabled: false };
  const { host, className, annotations } = otlp.ingress;
  return {
    enabled: true,
    ...(className && { ingressClassName: className }),
    // The receiver's limit: ingress-nginx rejects more than 1 MB by default, and SDKs drop what is rejected.
    annotations: {
      "nginx.ingress.kubernetes.io/proxy-body-size": "16m",
      ...backendAnnotations(settings, otlp.ingress),
      ...annotations,
    },
    faroPort: services(settings).otlpHttp.port,
    hosts: [host],
    tls: ingressTls(settings, host, otlp.ingress),
  };
}

const read = ["get", "list", "watch"];

export function alloyTracesValues(settings: Settings): Values {
  const { alloyTraces, cluster } = settings;
  const values = alloyValues(settings, {
    release: releases.alloyTraces,
    pipeline: alloyTracesPipeline(settings),
    environment: alloyTracesEnvironment(settings),
    // The chart's HOSTNAME is the node's name, which several replicas may share.
    podFields: { POD_NAME: "metadata.name" },
    clientOf: gatewayClients(settings).alloyTraces,
    ...(usesTls(settings) && { certificate: certificates.alloyTraces.secret }),
    pod: alloyTraces,
    storage: {
      claim: {
        accessModes: ["ReadWriteOnce"],
        ...(cluster.storageClass && { storageClassName: cluster.storageClass }),
        resources: { requests: { storage: quantity(alloyTraces.disk) } },
      },
    },
    alloy: {
      // otelcol.processor.deltatocumulative
      stabilityLevel: "experimental",
      extraPorts: ports,
      securityContext: { ...restrictedContainer, runAsUser: alloyUser, readOnlyRootFilesystem: true },
    },
    controller: {
      type: "statefulset",
      replicas: alloyTraces.replicas,
      terminationGracePeriodSeconds: alloyGrace,
      podDisruptionBudget: disruptionBudget(alloyTraces),
      ...scheduling(settings, "alloy-traces"),
      ...placement(settings, {
        "app.kubernetes.io/name": "alloy",
        "app.kubernetes.io/instance": releases.alloyTraces,
      }),
    },
    // Permissions to find the pod of a span.
    rbac: {
      rules: [
        { apiGroups: [""], resources: ["pods", "namespaces", "nodes"], verbs: read },
        {
          apiGroups: ["apps"],
          resources: ["replicasets", "deployments", "statefulsets", "daemonsets"],
          verbs: read,
        },
      ],
      clusterRules: [{ apiGroups: ["batch"], resources: ["jobs"], verbs: read }],
    },
  });
  return { ...values, ingress: ingress(settings) };
}

/**
 * The headless Service through which the replicas discover each other. A single replica must find itself before it is
 * ready. With several, an unready one must disappear: the others would send it a part of all traces for as long as its
 * pod exists, and drop each batch after five minutes of retries.
 */
export const alloyTracesReplicas = (settings: Settings) => ({
  metadata: { name: tracesReplicas.name, namespace: namespaces(settings).alloyTraces },
  spec: {
    clusterIP: "None",
    publishNotReadyAddresses: settings.alloyTraces.replicas === 1,
    selector: { "app.kubernetes.io/name": "alloy", "app.kubernetes.io/instance": releases.alloyTraces },
    ports: [{ name: "otlp-replicas", port: tracesReplicas.port }],
  },
});
