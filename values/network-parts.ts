/** The sources and destinations of connections: the parts of the stack, and outsiders. */
import type { NamespaceKey } from "../names";

/** Pods of the stack: a namespace, or the pods in it with the labels. */
export interface Part {
  namespace: NamespaceKey;
  labels?: Record<string, string>;
}

const component = (name: string) => ({ "app.kubernetes.io/component": name });
const name = (name: string) => ({ "app.kubernetes.io/name": name });

/** The parts of the stack that connections start or end at. */
export const parts = {
  minio: { namespace: "minio" },
  loki: { namespace: "loki" },
  lokiGateway: { namespace: "loki", labels: component("gateway") },
  mimir: { namespace: "mimir" },
  mimirGateway: { namespace: "mimir", labels: component("gateway") },
  mimirAlertmanager: { namespace: "mimir", labels: component("alertmanager") },
  tempo: { namespace: "tempo" },
  tempoGateway: { namespace: "tempo", labels: component("gateway") },
  tempoMetricsGenerator: { namespace: "tempo", labels: component("metrics-generator") },
  alloyLogs: { namespace: "alloyLogs" },
  alloyMetrics: { namespace: "alloyMetrics" },
  alloyTraces: { namespace: "alloyTraces" },
  grafana: { namespace: "grafana" },
  /** All pods in the namespace, including the Jobs of the chart's webhook. */
  monitoring: { namespace: "monitoring" },
  prometheus: { namespace: "monitoring", labels: name("prometheus") },
  alertmanager: { namespace: "monitoring", labels: name("alertmanager") },
  prometheusOperator: { namespace: "monitoring", labels: component("prometheus-operator") },
  kubeStateMetrics: { namespace: "monitoring", labels: name("kube-state-metrics") },
  cadvisor: { namespace: "monitoring", labels: name("cadvisor") },
  opentelemetryOperator: { namespace: "opentelemetry", labels: name("opentelemetry-operator") },
  autoscaling: { namespace: "autoscaling" },
  backup: { namespace: "backup" },
  grafanaBackup: { namespace: "grafana", labels: name("grafana-backup") },
  collector: { namespace: "opentelemetry", labels: component("opentelemetry-collector") },
} as const satisfies Record<string, Part>;
export type PartName = keyof typeof parts;

/** Every pod of one namespace. */
export type OneNamespace = `namespace:${string}`;

/** Sources and destinations that are not parts of the stack. */
export type Outsider =
  | OneNamespace
  /** Every pod of the cluster. */
  | "pods"
  /** Namespaces with the label `observability/client: "true"`. */
  | "clients"
  /** Namespaces of `network.ingressNamespaces` and addresses of `network.ingressRanges`. */
  | "ingress"
  /** Namespaces of `network.scraperNamespaces`. */
  | "scrapers"
  /** The namespace that `obs smoke` creates. */
  | "smokeTest"
  /** Nodes and the API server: `network.nodes`. */
  | "nodes"
  /** Node-local services that issue cloud identities to pods. */
  | "metadata"
  /** Any address. */
  | "anywhere";

/** Whether an outsider is the pods of one namespace. */
export const isNamespace = (who: PartName | Outsider): who is OneNamespace => who.startsWith("namespace:");
export const namespaceIn = (who: OneNamespace): string => who.slice("namespace:".length);

/** A connection that the stack needs. */
export interface Flow {
  from: PartName | Outsider;
  to: PartName | Outsider;
  /** TCP ports of the destination pod, or `all`. */
  ports: number[] | "all";
  /** Whether UDP is also allowed on the ports. */
  udp?: true;
  /** Purpose of the connection. */
  why: string;
}
