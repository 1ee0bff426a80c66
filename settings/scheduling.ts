/** Settings of the nodes on which pods run. */
import { z } from "zod";
import { dnsName, group, list, oneOf, text, wholeNumber } from "./fields";
import { duration } from "./units";

/** Components whose pods can run on any node: the releases of charts. */
export const placedComponents = [
  "minio",
  "loki",
  "mimir",
  "tempo",
  "alloy-metrics",
  "alloy-traces",
  "opentelemetry-operator",
  "kps",
  "grafana",
  "metrics-server",
  "keda",
  "vertical-pod-autoscaler",
] as const;
export type PlacedComponent = (typeof placedComponents)[number];

/** Components that have a pod on every node. */
const nodeAgents = ["alloy-logs", "cadvisor", "node-exporter"] as const;
export type NodeAgent = (typeof nodeAgents)[number];

const components = [...placedComponents, ...nodeAgents] as const;

const labelKey = () =>
  text(
    "a label key such as example.com/pool",
    /^([a-z0-9][a-z0-9.-]*\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/,
  );
const labelValue = () =>
  text(
    "a label value of at most 63 letters, digits, dashes, dots and underscores",
    /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/,
  );

const nodeSelector = () =>
  z
    .record(labelKey(), labelValue(), { error: () => "label values by label key" })
    .meta({ allowed: "label values by label key" });

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

const toleration = group({
  key: labelKey().optional().describe("Key of the taint; without it every key, with the operator `Exists`"),
  operator: oneOf("Exists", "Equal").optional().describe("`Equal` compares the value; without it `Equal`"),
  value: labelValue().optional().describe("Value of the taint, for `Equal`"),
  effect: oneOf(...effects)
    .optional()
    .describe("Effect of the taint; without it every effect"),
  tolerationSeconds: wholeNumber(0, 1_000_000_000)
    .optional()
    .describe("How long a pod stays on a node with this taint, for `NoExecute`; default: indefinitely"),
});

export const tolerations = () => list(toleration, "a list of tolerations");

const byComponent = `placements by component: ${components.join(", ")}`;

/** Placement and priority of pods. */
export const scheduling = group({
  nodeSelector: nodeSelector().describe(
    "Labels of the nodes on which pods run, in addition to kubernetes.io/os=linux; DaemonSets run on all Linux nodes",
  ),
  tolerations: tolerations().describe(
    "Taints that pods tolerate; DaemonSets tolerate all. With nodeSelector they place the stack on dedicated nodes",
  ),
  priorityClass: dnsName()
    .optional()
    .describe(
      "Existing PriorityClass of pods; without it the cluster's default. DaemonSets have system-node-critical, metrics-server system-cluster-critical",
    ),
  evictAfter: duration().describe(
    "How long pods without a volume stay on a node that is not ready or unreachable, before they start on another one; Kubernetes' own default is 5 minutes",
  ),
  components: z
    .partialRecord(
      z.enum(components, { error: () => `one of ${components.join(", ")}` }),
      group({
        nodeSelector: nodeSelector()
          .optional()
          .describe("Replaces the stack's nodeSelector; restricts a DaemonSet"),
        tolerations: tolerations().optional().describe("Replaces the stack's"),
        priorityClass: dnsName().optional().describe("Replaces the stack's"),
      }),
      { error: () => byComponent },
    )
    .meta({ allowed: byComponent })
    .describe("Placement of single components; each value replaces the one above"),
}).describe("Placement of pods on nodes: docs/guides/scaling.md");
