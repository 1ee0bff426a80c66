/** Values of the opentelemetry-operator chart: https://github.com/open-telemetry/opentelemetry-helm-charts/tree/main/charts/opentelemetry-operator */
import pins from "../charts.json";
import { prefixed, releases, webhookPort } from "../names";
import type { Settings } from "../settings";
import { statelessScheduling } from "./scheduling";
import {
  disruptionBudget,
  goMemoryLimit,
  image,
  placement,
  pullSecrets,
  resourcePolicy,
  resources,
  type Values,
} from "./shared";

const { appVersion } = pins["opentelemetry-operator"];
const registry = "ghcr.io/open-telemetry";
/** The collector of the operator's version. */
export const collectorImage = `${registry}/opentelemetry-collector-releases/opentelemetry-collector-k8s:${appVersion}`;

/**
 * Agents that the operator injects into pods, in the versions that match the operator's:
 * https://github.com/open-telemetry/opentelemetry-operator/blob/v0.158.0/versions.txt
 */
const injected = {
  python: `${registry}/opentelemetry-operator/autoinstrumentation-python:0.64b0`,
  java: `${registry}/opentelemetry-operator/autoinstrumentation-java:2.30.0`,
  nodejs: `${registry}/opentelemetry-operator/autoinstrumentation-nodejs:0.78.0`,
  dotnet: `${registry}/opentelemetry-operator/autoinstrumentation-dotnet:1.16.0`,
  go: `${registry}/opentelemetry-go-instrumentation/autoinstrumentation-go:v0.24.0`,
  apacheHttpd: `${registry}/opentelemetry-operator/autoinstrumentation-apache-httpd:1.0.4`,
  nginx: `${registry}/opentelemetry-operator/autoinstrumentation-apache-httpd:1.0.4`, // contains both modules
};
type Language = keyof typeof injected;

/** The operator's flags for each language; for Go the chart has a value. */
const flags: Record<Exclude<Language, "go">, string> = {
  python: "python",
  java: "java",
  nodejs: "nodejs",
  dotnet: "dotnet",
  apacheHttpd: "apache-httpd",
  nginx: "nginx",
};

/** Ten years: a self-signed certificate is not renewed, and with an expired one no new pod would be instrumented. */
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
    // A pod that starts while no replica answers is never instrumented: a drain moves applications and the operator.
    replicaCount: operator.operator.replicas,
    pdb: {
      create: disruptionBudget(operator.operator).enabled,
      minAvailable: "",
      maxUnavailable: disruptionBudget(operator.operator).maxUnavailable,
    },
    ...statelessScheduling(settings, "opentelemetry-operator"),
    ...placement(settings, {
      "app.kubernetes.io/name": "opentelemetry-operator",
      "app.kubernetes.io/component": "controller-manager",
    }),
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
      ports: { webhookPort },
      env: { ENABLE_WEBHOOKS: "true", ...goMemoryLimit(operator.operator) },
    },
    // Deleting a CRD also deletes all collectors and Instrumentations of the cluster.
    crds: { annotations: resourcePolicy(settings) },
    admissionWebhooks: operator.certManager
      ? { certManager: { enabled: true } }
      : {
          certManager: { enabled: false },
          autoGenerateCert: { enabled: true, recreate: false, certPeriodDays: certificateDays },
        },
  };
}
