/** Many clusters: a hub has the stores of all of them, agents send their signals there. docs/guides/many-clusters.md */
import { z } from "zod";
import { gatewayUrls } from "./access";
import { dnsName, group, oneOf, text } from "./fields";
import { mimirTenant, tempoTenant } from "./tenants";
import type { Tree } from "./tree";
import { byteRate } from "./units";

type Agents = z.output<typeof agents>;

const lokiTenant = group({
  ingestionRate: byteRate().optional().describe("Log lines in bytes; without it loki.ingestionRate"),
  ingestionBurst: byteRate().optional().describe("Log lines at once; without it loki.ingestionBurst"),
});

/** The agents of a hub. */
export const agents = z
  .record(
    dnsName(),
    group({
      loki: lokiTenant.optional().describe("Limits of its logs"),
      mimir: mimirTenant.optional().describe("Limits and retention of its metrics"),
      tempo: tempoTenant.optional().describe("Limits and retention of its traces"),
      removed: oneOf("keepData", "deleteData")
        .optional()
        .describe(
          "What happens to the data of a cluster that is gone: it stays readable for its retention, or the stores delete it within two days. With either, the cluster can no longer write, its rules are not evaluated, and no alert reports its silence",
        ),
    }),
    { error: () => "clusters by name" },
  )
  .meta({ allowed: "clusters by name" })
  .describe(
    "Other clusters that send their signals to this stack, by cluster.name of their own stacks; each has a tenant of that name in Loki, Mimir and Tempo, and a user at the gateways who writes only there",
  );

/** Retention of data that is to be deleted, in seconds. Loki has a longer one. */
export const goneWithin = 3600;

/** Names of the agents that send signals. */
export const sendingAgents = ({ agents: all }: { agents: Agents }): string[] =>
  Object.keys(all).filter((name) => !all[name]?.removed);

/** Settings of what an agent does not install: its hub has them. */
export const hubOnly = [
  "objectStorage",
  "backups",
  "loki",
  "mimir",
  "tempo",
  "queries",
  "grafana",
  "access",
  "agents",
  "alerting",
  "scaling",
  "kubePrometheusStack.prometheus",
  "kubePrometheusStack.alertmanager",
];

/** Whether a stack installs what a setting is about. */
export const installs = (settings: { hub?: unknown }, path: string): boolean =>
  settings.hub === undefined || !hubOnly.some((one) => path === one || path.startsWith(`${one}.`));

/**
 * Defaults of an agent. Its own Alloy makes the metrics of spans, before it samples. The kubelet measures containers, as the
 * rules of kube-prometheus-stack expect, and without another DaemonSet.
 */
export const agentDefaults: Tree = {
  tracing: { metricsFrom: "alloy", sampling: { appliedBy: "collector" } },
  cadvisor: { enabled: false },
};

/** The hub of an agent. */
export const hub = group({
  stack: text("a stack as <organization>/<project>/<stack>", /^[\w.-]+\/[\w.-]+\/[\w.-]+$/).describe(
    "Stack that has the stores; it lists this cluster in its setting agents",
  ),
  endpoints: gatewayUrls()
    .optional()
    .describe(
      "Where this cluster reaches the hub's gateways; without it at the addresses that the hub outputs",
    ),
}).describe(
  "The hub of this cluster. With it the stack is an agent: it installs collectors and exporters that send to the hub, and no stores, Grafana, Prometheus or Alertmanager",
);
