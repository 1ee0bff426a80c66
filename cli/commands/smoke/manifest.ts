/** The objects of a smoke test: an application, a receiver of alerts and two rules. */
import { join } from "node:path";
import type { V1Pod, V1Service } from "@kubernetes/client-node";
import { owner, type ServicePort, services, smokeTest, tenants, usesTls } from "../../../names";
import type { Settings } from "../../../settings";
import { scriptPod } from "../../lib/script-pod";
import { root } from "../../lib/stack-config";

const { namespace } = smokeTest;

/** Lines that the application writes at most, one a second; every fifth with a trace of two spans. */
export const lines = 900;
/** Seconds after which the pods end by themselves. */
const longest = 1800;

/** A pod that runs one of the scripts of this folder. */
function pod(settings: Settings, name: string, script: string, environment: Record<string, string>): V1Pod {
  const port = smokeTest.receiverPort;
  return scriptPod(settings, {
    name,
    namespace,
    labels: { app: `obs-smoke-${name}` },
    script: join(root, "cli", "commands", "smoke", script),
    env: [
      ...Object.entries(environment).map(([key, value]) => ({ name: key, value })),
      { name: "POD_UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    ],
    seconds: longest,
    grace: 1,
    container: {
      ports: [{ containerPort: port }],
      readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
      volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    },
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "16Mi" } }],
  });
}

/**
 * The Service that the application sends its spans to. Its shell verifies no certificate; if Alloy's port speaks TLS, it
 * sends them to the collector, which does.
 */
export const spansTo = (settings: Settings): ServicePort =>
  usesTls(settings) ? services(settings).collector : services(settings).otlpHttp;

/** The application: lines, a counter with scrape annotations, traces with OTLP over HTTP. @param otlp address of {@link spansTo} */
export function appManifest(settings: Settings, run: string, otlp: string): V1Pod {
  const { metadata, ...rest } = pod(settings, smokeTest.app, "app.sh", {
    RUN: run,
    LINES: String(lines),
    OTLP_HOST: otlp,
    OTLP_PORT: String(spansTo(settings).port),
  });
  const scrape = { "prometheus.io/scrape": "true", "prometheus.io/port": String(smokeTest.receiverPort) };
  return { ...rest, metadata: { ...metadata, annotations: scrape } };
}

/** The receiver of alerts. */
export const receiverManifest = (settings: Settings): V1Pod =>
  pod(settings, smokeTest.receiver, "receiver.sh", {});

export const receiverService = (): V1Service => ({
  metadata: { name: smokeTest.receiver, namespace },
  spec: {
    selector: { "app.kubernetes.io/name": smokeTest.receiver },
    ports: [{ port: smokeTest.receiverPort }],
  },
});

/** Evaluators of rules, with their alerts and the labels of their PrometheusRules: Prometheus, and Mimir's ruler for infrastructure. */
export const evaluators = {
  prometheus: { alert: "ObsSmokeByPrometheus", labels: {} },
  mimir: { alert: "ObsSmokeByMimir", labels: { [owner.ruleTenant]: tenants.nodes } },
} as const;
export type Evaluator = keyof typeof evaluators;

/** A rule whose alert fires at once. Its severity notifies nobody, even if it takes another route than its own. */
export function ruleManifest(evaluator: Evaluator, run: string) {
  const name = `obs-smoke-${evaluator}`;
  const { alert, labels } = evaluators[evaluator];
  const rule = {
    alert,
    expr: "vector(1)",
    labels: { namespace, run, severity: "none" },
    annotations: { summary: "The smoke test's own alert; nothing is wrong" },
  };
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name, namespace, labels },
    spec: { groups: [{ name, interval: "10s", rules: [rule] }] },
  };
}
