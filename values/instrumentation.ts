/** Instrumentation objects: how the operator instruments applications. */
import { caBundle, instrumentation, samplingRatioAttribute, servedUrls, usesTls } from "../names";
import type { Settings } from "../settings";
import { sdkRatio, sdkRatios } from "./sampling";

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
