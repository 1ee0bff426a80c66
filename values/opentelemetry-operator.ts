/** Values of the opentelemetry-operator chart, and the custom resources that it acts on: https://github.com/open-telemetry/opentelemetry-helm-charts/tree/main/charts/opentelemetry-operator */
import pins from "../charts.json";
import {
  address,
  caBundle,
  instrumentation,
  namespaces,
  prefixed,
  releases,
  samplingRatioAttribute,
  servedUrls,
  services,
  usesTls,
} from "../names";
import type { Settings } from "../settings";
import { everyInterface } from "./ip-family";
import { sdkRatio, sdkRatios } from "./sampling";
import { scheduling } from "./scheduling";
import {
  disruptionBudget,
  goMemoryLimit,
  image,
  placement,
  pullSecrets,
  resources,
  type Values,
} from "./shared";
import { trustedCa } from "./tls";
import { podUser } from "./user-ids";

const { appVersion } = pins["opentelemetry-operator"];
const registry = "ghcr.io/open-telemetry";
const collectorImage = `${registry}/opentelemetry-collector-releases/opentelemetry-collector-k8s:${appVersion}`;

/** What is injected into pods, in the versions that belong to the operator's: https://github.com/open-telemetry/opentelemetry-operator/blob/v0.158.0/versions.txt */
const injected = {
  python: `${registry}/opentelemetry-operator/autoinstrumentation-python:0.64b0`,
  java: `${registry}/opentelemetry-operator/autoinstrumentation-java:2.30.0`,
  nodejs: `${registry}/opentelemetry-operator/autoinstrumentation-nodejs:0.78.0`,
  dotnet: `${registry}/opentelemetry-operator/autoinstrumentation-dotnet:1.16.0`,
  go: `${registry}/opentelemetry-go-instrumentation/autoinstrumentation-go:v0.24.0`,
  apacheHttpd: `${registry}/opentelemetry-operator/autoinstrumentation-apache-httpd:1.0.4`,
  nginx: `${registry}/opentelemetry-operator/autoinstrumentation-apache-httpd:1.0.4`, // holds both modules
};
type Language = keyof typeof injected;

/** The operator's flags; the chart has a value for Go's. */
const flags: Record<Exclude<Language, "go">, string> = {
  python: "python",
  java: "java",
  nodejs: "nodejs",
  dotnet: "dotnet",
  apacheHttpd: "apache-httpd",
  nginx: "nginx",
};

/** Ten years: with an own certificate nobody renews it, and an expired one would stop every new pod from being traced. */
const certificateDays = 3650;

/** Whether the stack installs the operator, instead of using the cluster's. */
export const installsOpenTelemetryOperator = ({ openTelemetryOperator }: Settings): boolean =>
  openTelemetryOperator.install !== "existing";

export function openTelemetryOperatorValues(settings: Settings): Values {
  const { openTelemetryOperator: operator, tracing } = settings;
  const languages = Object.keys(injected) as Language[];
  const wanted = (language: Language) => tracing.languages.includes(language);
  return {
    fullnameOverride: prefixed(settings, releases.openTelemetryOperator),
    imagePullSecrets: pullSecrets(settings),
    ...scheduling(settings, "opentelemetry-operator"),
    manager: {
      image: image(settings, `${registry}/opentelemetry-operator/opentelemetry-operator:${appVersion}`),
      collectorImage: image(settings, collectorImage),
      autoInstrumentationImage: Object.fromEntries(
        languages.map((language) => [language, image(settings, injected[language])]),
      ),
      autoInstrumentation: { go: { enabled: wanted("go") } },
      extraArgs: (Object.keys(flags) as (keyof typeof flags)[]).map(
        (language) => `--enable-${flags[language]}-instrumentation=${wanted(language)}`,
      ),
      resources: resources(operator.operator),
      env: { ENABLE_WEBHOOKS: "true", ...goMemoryLimit(operator.operator) },
    },
    // With a definition go all collectors and instrumentations of the cluster.
    crds: { annotations: settings.cluster.protect ? { "helm.sh/resource-policy": "keep" } : {} },
    admissionWebhooks: operator.certManager
      ? { certManager: { enabled: true } }
      : {
          certManager: { enabled: false },
          autoGenerateCert: { enabled: true, recreate: false, certPeriodDays: certificateDays },
        },
  };
}

/** The Instrumentation of all applications, and one for each service with a sampling ratio of its own. */
export const instrumentationObjects = (settings: Settings) => [
  instrumentationObject(settings),
  ...Object.entries(sdkRatios(settings)).map(([name, ratio]) =>
    instrumentationObject(settings, { name, ratio }),
  ),
];

/** How applications are instrumented (R9.1): where spans go, how context travels, and the share that is kept. */
export const instrumentationObject = (settings: Settings, own?: { name: string; ratio: number }) => ({
  apiVersion: "opentelemetry.io/v1alpha1",
  kind: "Instrumentation",
  metadata: { ...instrumentation(settings), ...(own && { name: own.name }) },
  spec: {
    exporter: {
      endpoint: servedUrls(settings).otlpHttp,
      // The ConfigMap of the application's own namespace; docs/guides/tls.md says how it comes there.
      ...(usesTls(settings) && { tls: { configMapName: caBundle.name, ca_file: caBundle.file } }),
    },
    propagators: settings.tracing.propagators,
    // R9.3. A policy bounds the share that SDKs keep; a collector that samples gets all of it.
    sampler: {
      type:
        settings.tracing.sampling.appliedBy === "collector"
          ? "parentbased_always_on"
          : "parentbased_traceidratio",
      argument: String(own?.ratio ?? sdkRatio(settings)),
    },
    resource: {
      addK8sUIDAttributes: true,
      resourceAttributes: {
        "deployment.environment": settings.environment, // R9.4
        ...(own && { [samplingRatioAttribute]: String(own.ratio) }),
      },
    },
    env: [
      // Metrics are scraped and logs are read from files; only traces are sent.
      { name: "OTEL_METRICS_EXPORTER", value: "none" },
      { name: "OTEL_LOGS_EXPORTER", value: "none" },
      { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" },
    ],
    // The trace's id goes into the application's own log lines.
    python: { env: [{ name: "OTEL_PYTHON_LOG_CORRELATION", value: "true" }] },
  },
});

/** Account of the collector: the operator's own would know no Secret to pull images with. */
export const collectorAccount = (settings: Settings) => ({
  metadata: { name: "gateway", namespace: namespaces(settings).opentelemetry },
  imagePullSecrets: pullSecrets(settings),
  automountServiceAccountToken: false,
});

const collectorLabels = { "app.kubernetes.io/component": "opentelemetry-collector" };

/** A plain OpenTelemetry collector between applications and Alloy (R7.5). */
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
      serviceAccount: collectorAccount(settings).metadata.name,
      replicas: collector.replicas,
      resources: resources(collector),
      ...scheduling(settings, "opentelemetry-operator"),
      // A custom resource takes no null.
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
            // Smaller than the largest message that Alloy accepts.
            sending_queue: {
              batch: { sizer: "bytes", min_size: 1_000_000, max_size: 8_000_000, flush_timeout: "200ms" },
            },
          },
        },
        service: {
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
