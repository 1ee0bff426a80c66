/** What a smoke test makes in the cluster: one namespace, and in it an application, a receiver of alerts and two rules. */
import { join } from "node:path";
import type { V1Namespace, V1Pod, V1Service } from "@kubernetes/client-node";
import { owner, prefixLabels, type ServicePort, services, smokeTest, tenants, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { scriptPod } from "../../lib/script-pod";

const { namespace } = smokeTest;
/** Annotation that a run renews while it lives. */
export const aliveAnnotation = "observability/smoke-test-alive";

/** Lines that the application writes at most, one a second; with every fifth a trace of two spans. */
export const lines = 900;
/** After that the pods end by themselves, even where nobody takes them away. Seconds. */
const longest = 1800;

/** The namespace: its pods may do no more than Pod Security's `restricted`. */
export const namespaceManifest = (settings: Settings, alive: string): V1Namespace => ({
  metadata: {
    name: namespace,
    labels: {
      "app.kubernetes.io/managed-by": "obs",
      "pod-security.kubernetes.io/enforce": "restricted",
      ...prefixLabels(settings),
    },
    annotations: { [aliveAnnotation]: alive },
  },
});

/** A pod that runs one of the scripts of this folder. */
function pod(settings: Settings, name: string, script: string, environment: Record<string, string>): V1Pod {
  const env = Object.entries(environment).map(([key, value]) => ({ name: key, value }));
  return scriptPod(settings, {
    name,
    namespace,
    labels: { app: `obs-smoke-${name}` },
    script: join(__dirname, script),
    env: [...env, { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } }],
    seconds: longest,
    grace: 1,
    container: {
      ports: [{ containerPort: smokeTest.receiverPort }],
      readinessProbe: { tcpSocket: { port: smokeTest.receiverPort }, periodSeconds: 1 },
      volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    },
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "16Mi" } }],
  });
}

/**
 * The Service that the application sends its spans to. Its shell verifies no certificate; where Alloy's port speaks TLS
 * it sends to the collector, which does.
 */
export const spansTo = (settings: Settings): ServicePort =>
  usesTls(settings) ? services(settings).collector : services(settings).otlpHttp;

/** The application: lines, a counter by annotations, traces by OTLP over HTTP. @param otlp address of {@link spansTo} */
export function appManifest(settings: Settings, run: string, otlp: string): V1Pod {
  const made = pod(settings, smokeTest.app, "app.sh", {
    RUN: run,
    LINES: String(lines),
    OTLP_HOST: otlp,
    OTLP_PORT: String(spansTo(settings).port),
  });
  const annotations = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(smokeTest.receiverPort),
  };
  return { ...made, metadata: { ...made.metadata, annotations } };
}

/** Who the alert is told to. */
export const receiverManifest = (settings: Settings): V1Pod =>
  pod(settings, smokeTest.receiver, "receiver.sh", {});

/** By which name Alertmanager finds it. */
export const receiverService = (): V1Service => ({
  metadata: { name: smokeTest.receiver, namespace },
  spec: {
    selector: { "app.kubernetes.io/name": smokeTest.receiver },
    ports: [{ port: smokeTest.receiverPort }],
  },
});

/** Who evaluates a rule: Prometheus, or Mimir's ruler for the tenant of infrastructure. */
export const evaluators = {
  prometheus: {},
  mimir: { [owner.ruleTenant]: tenants.nodes },
} as const;
export type Evaluator = keyof typeof evaluators;

/** Name of an evaluator's alert. */
export const alertName = (evaluator: Evaluator): string =>
  evaluator === "mimir" ? "ObsSmokeByMimir" : "ObsSmokeByPrometheus";

/**
 * A rule whose alert fires at once. Without a severity that people are told of, in case it ever goes another way than
 * the one that values/alertmanager.ts gives it.
 */
export const ruleManifest = (evaluator: Evaluator, run: string) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: { name: `obs-smoke-${evaluator}`, namespace, labels: evaluators[evaluator] },
  spec: {
    groups: [
      {
        name: `obs-smoke-${evaluator}`,
        interval: "10s",
        rules: [
          {
            alert: alertName(evaluator),
            expr: "vector(1)",
            labels: { namespace, run, severity: "none" },
            annotations: { summary: "The smoke test's own alert; nothing is wrong" },
          },
        ],
      },
    ],
  },
});
