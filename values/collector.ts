/** The OpenTelemetry collector between applications and Alloy. */
import { address, caBundle, namespaces, services, usesTls } from "../names";
import type { Settings } from "../settings";
import { everyInterface, isIpv6 } from "./ip-family";
import { collectorImage } from "./opentelemetry-operator";
import { statelessScheduling } from "./scheduling";
import { disruptionBudget, mirrored, placement, pullSecrets, resources, watchedByPrometheus } from "./shared";
import { trustedCa } from "./tls";
import { podUser } from "./user-ids";

/** The collector's ServiceAccount: the operator's own has no image pull Secrets. */
export const collectorAccount = (settings: Settings) => ({
  metadata: { name: "gateway", namespace: namespaces(settings).opentelemetry },
  imagePullSecrets: pullSecrets(settings),
  automountServiceAccountToken: false,
});

/** Port of the collector's own metrics, for which the operator names a container port. */
const metricsPort = 8888;

const collectorLabels = { "app.kubernetes.io/component": "opentelemetry-collector" };

const namedAsInAlloy = (settings: Settings) => ({
  host: isIpv6(settings) ? "::" : "0.0.0.0",
  port: metricsPort,
  without_type_suffix: false,
  without_units: false,
  without_scope_info: false,
});

/** A plain collector, which the operator deploys. */
export const collectorObject = (settings: Settings) => {
  const { collector } = settings.openTelemetryOperator;
  const { allowedOrigins } = settings.otlp.cors;
  const trust = trustedCa(settings);
  const placed = placement(settings, collectorLabels);
  return {
    apiVersion: "opentelemetry.io/v1beta1",
    kind: "OpenTelemetryCollector",
    metadata: { name: "gateway", namespace: namespaces(settings).opentelemetry },
    spec: {
      mode: "deployment",
      // The cluster's own operator may have an older default, which rejects this configuration.
      image: mirrored(settings, collectorImage),
      // Prometheus scrapes it by a PodMonitor. With the operator's annotations, Alloy would scrape it, too.
      observability: { metrics: { disablePrometheusAnnotations: true } },
      serviceAccount: collectorAccount(settings).metadata.name,
      replicas: collector.replicas,
      resources: resources(collector),
      ...statelessScheduling(settings, "opentelemetry-operator"),
      // A custom resource must not contain null.
      affinity: placed.affinity ?? undefined,
      topologySpreadConstraints: placed.topologySpreadConstraints,
      podDisruptionBudget: disruptionBudget(collector).enabled ? { maxUnavailable: 1 } : undefined,
      podSecurityContext: {
        runAsNonRoot: true,
        ...podUser(settings, { runAsUser: 10001 }),
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(usesTls(settings) && { volumes: trust.volumes, volumeMounts: trust.mounts }),
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
      },
      config: {
        receivers: {
          otlp: {
            protocols: {
              grpc: { endpoint: `${everyInterface(settings)}:4317`, max_recv_msg_size_mib: 16 },
              http: {
                endpoint: `${everyInterface(settings)}:4318`,
                ...(allowedOrigins.length && {
                  cors: { allowed_origins: allowedOrigins, allowed_headers: ["*"], max_age: 7200 },
                }),
              },
            },
          },
        },
        processors: {
          memory_limiter: { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 },
        },
        exporters: {
          otlp: {
            endpoint: address(services(settings).otlpGrpc),
            tls: usesTls(settings) ? { ca_file: caBundle.path } : { insecure: true },
            // Without it, a connection to a lost node is not closed for 15 minutes.
            keepalive: { time: "10s", timeout: "10s", permit_without_stream: true },
            // Retries without a time limit: if the queue is full, clients get an error.
            retry_on_failure: { max_elapsed_time: "0s" },
            // Smaller than the largest message that Alloy accepts.
            sending_queue: {
              batch: { sizer: "bytes", min_size: 1_000_000, max_size: 8_000_000, flush_timeout: "200ms" },
            },
          },
        },
        service: {
          telemetry: {
            metrics: {
              // The metric names of Alloy, which the alerts use: by default they have no unit and no _total.
              readers: [{ pull: { exporter: { prometheus: namedAsInAlloy(settings) } } }],
            },
          },
          pipelines: Object.fromEntries(
            ["traces", "metrics", "logs"].map((signal) => [
              signal,
              { receivers: ["otlp"], processors: ["memory_limiter"], exporters: ["otlp"] },
            ]),
          ),
        },
      },
    },
  };
};

/** The collector's own metrics: data that it rejects, retries or drops. */
export const collectorMonitor = (settings: Settings) => {
  const { name, namespace } = collectorObject(settings).metadata;
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PodMonitor",
    // In an agent, Alloy scrapes it.
    metadata: { name, namespace, labels: settings.hub ? {} : watchedByPrometheus },
    spec: {
      selector: { matchLabels: collectorLabels },
      podMetricsEndpoints: [{ port: "metrics" }],
    },
  };
};
