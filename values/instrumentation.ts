/** Instrumentation objects: settings of the operator for applications. */
import { caBundle, instrumentation, samplingRatioAttribute, servedUrls, usesTls } from "../names";
import type { Settings } from "../settings";
import { sdkRatio, sdkRatios } from "./sampling";

/** The Instrumentation of all applications, and one for each service with its own sampling ratio. */
export const instrumentationObjects = (settings: Settings) => [
  instrumentationObject(settings),
  ...Object.entries(sdkRatios(settings)).map(([name, ratio]) =>
    instrumentationObject(settings, { name, ratio }),
  ),
];

/** An Instrumentation: the endpoint for spans, the propagation of context, and the sampling ratio. */
export const instrumentationObject = (settings: Settings, own?: { name: string; ratio: number }) => ({
  apiVersion: "opentelemetry.io/v1alpha1",
  kind: "Instrumentation",
  metadata: { ...instrumentation(settings), ...(own && { name: own.name }) },
  spec: {
    exporter: {
      endpoint: servedUrls(settings).otlpHttp,
      // The ConfigMap in the application's own namespace; docs/guides/tls.md shows how to create it.
      ...(usesTls(settings) && { tls: { configMapName: caBundle.name, ca_file: caBundle.file } }),
    },
    propagators: settings.tracing.propagators,
    // A policy limits the share that SDKs keep; with sampling in the collector, SDKs keep all traces.
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
        "deployment.environment": settings.environment,
        ...(own && { [samplingRatioAttribute]: String(own.ratio) }),
      },
    },
    env: [
      // Metrics are scraped and logs are read from files; only traces are sent.
      { name: "OTEL_METRICS_EXPORTER", value: "none" },
      { name: "OTEL_LOGS_EXPORTER", value: "none" },
      { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" },
    ],
    // Adds the trace ID to the application's own log lines.
    python: { env: [{ name: "OTEL_PYTHON_LOG_CORRELATION", value: "true" }] },
  },
});
