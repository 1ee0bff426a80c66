/**
 * Multiple clusters: a hub has the stores, and agents in the other clusters send their signals to it. See
 * docs/guides/many-clusters.md.
 */
import { z } from "zod";
import { gatewayUrls } from "./access";
import { dnsName, group, oneOf, text } from "./fields";
import { mimirTenant, seriesLimit, tempoTenant } from "./tenants";
import type { Tree } from "./tree";
import { byteRate } from "./units";

type Agents = z.output<typeof agents>;

const lokiTenant = group({
  ingestionRate: byteRate()
    .optional()
    .describe("Ingestion rate of log lines, in bytes; default loki.ingestionRate"),
  ingestionBurst: byteRate()
    .optional()
    .describe("Ingestion burst of log lines, in bytes; default loki.ingestionBurst"),
  streams: seriesLimit()
    .optional()
    .describe(
      "Streams; default: half of those that the memory of Loki's ingesters holds, so that one cluster cannot use all of it",
    ),
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
          "Data of a cluster that was removed: `keepData` keeps it readable for its retention, `deleteData` makes the stores delete it within two days. With either, the cluster can no longer write, its rules are deleted, and no alert reports missing data",
        ),
    }),
    { error: () => "clusters by name" },
  )
  .meta({ allowed: "clusters by name" })
  .describe(
    "Other clusters that send their signals to this stack, by the cluster.name of their own stacks. Each has a tenant of that name in Loki, Mimir and Tempo, and a write-only user at the gateways",
  );

/** Retention of data that is to be deleted, in seconds. Loki has a longer minimum. */
export const deletionRetention = 3600;

/** Names of the agents that may send signals. */
export const sendingAgents = ({ agents: all }: { agents: Agents }): string[] =>
  Object.keys(all).filter((name) => !all[name]?.removed);

/** Limits and retention of a tenant, by store. */
interface Limits {
  mimir: z.output<typeof mimirTenant>;
  tempo: z.output<typeof tempoTenant>;
}

/** Limits and retention of each tenant of a store with the path of its settings: the stack's own, and those of agents. */
export const limitedTenants = <Of extends keyof Limits>(
  settings: { agents: Agents } & Record<Of, { tenants: Record<string, Limits[Of]> }>,
  store: Of,
): { path: string; own: Partial<Limits[Of]> }[] => [
  ...Object.entries(settings[store].tenants).map(([name, own]) => ({
    path: `${store}.tenants.${name}`,
    own,
  })),
  ...Object.entries(settings.agents).map(([name, agent]) => ({
    path: `agents.${name}.${store}`,
    own: (agent[store] ?? {}) as Partial<Limits[Of]>,
  })),
];

/** Settings of components that an agent does not install, because its hub has them. */
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

/** Whether a stack installs the component that a setting configures. */
export const installs = (settings: { hub?: unknown }, path: string): boolean =>
  settings.hub === undefined || !hubOnly.some((one) => path === one || path.startsWith(`${one}.`));

/**
 * Defaults of an agent. Its own Alloy generates span metrics, before sampling. The kubelet measures containers, as the
 * rules of kube-prometheus-stack expect, without another DaemonSet.
 */
export const agentDefaults: Tree = {
  tracing: { metricsFrom: "alloy", sampling: { appliedBy: "collector" } },
  cadvisor: { enabled: false },
};

/** The hub of an agent. */
export const hub = group({
  stack: text("a stack as <organization>/<project>/<stack>", /^[\w.-]+\/[\w.-]+\/[\w.-]+$/).describe(
    "Stack that has the stores; it lists this cluster in its setting `agents`",
  ),
  endpoints: gatewayUrls()
    .optional()
    .describe(
      "URLs at which this cluster reaches the hub's gateways; default: the URLs that the hub outputs",
    ),
}).describe(
  "The hub of this cluster. It makes the stack an agent: it installs collectors and exporters that send to the hub, and no stores, Grafana, Prometheus or Alertmanager",
);
