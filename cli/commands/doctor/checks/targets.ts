import { CustomObjectsApi } from "@kubernetes/client-node";
import { namespaces } from "../../../../names";
import type { Settings } from "../../../../settings";
import type { Check, Finding } from "../check";
import { fromPrometheus } from "../prometheus";
import { age, askPod, settling, type Talker, talkers } from "../readings";

/** A target, as Prometheus' API has it. */
export interface Target {
  labels: Record<string, string>;
  health: string;
  lastError: string;
}

/** Jobs whose targets are none of the stack's own pods, and who has to be there. */
const others = ["kube-state-metrics", "node-exporter", "kubelet"];

const page = "docs/operations/runbooks/StackTargetMissing.md";

/**
 * What Prometheus should scrape of the stack, and does not or cannot.
 *
 * @param monitors the ServiceMonitors that the cluster has, as namespace/name
 */
export function judgeTargets(
  settings: Settings,
  targets: Target[],
  pods: Talker[],
  monitors: string[],
  now: number,
): Finding[] {
  const { monitoring } = namespaces(settings);
  const settled = pods.filter((one) => one.ready && age(one, now) > settling);
  const missing = settled.filter(
    ({ namespace, pod }) =>
      !targets.some(({ labels }) => labels["namespace"] === namespace && labels["pod"] === pod),
  );
  const there = (namespace: string) =>
    monitors.filter((name) => name.startsWith(`${namespace}/`)).join(", ") || "none";
  const found = [...new Set(missing.map(({ component }) => component))].map((component): Finding => {
    const { namespace } = missing.find((one) => one.component === component) as Talker;
    return {
      severity: "warning",
      layer: "components",
      what: `Prometheus does not scrape ${component} any more: its ServiceMonitor, or the port of its Service that it names, is gone`,
      evidence: `no target has a pod of ${component}; ServiceMonitors in namespace ${namespace}: ${there(namespace)}`,
      fix: "obs diff says what was changed by hand, obs up puts it back",
      page,
    };
  });
  for (const job of others)
    if (!targets.some(({ labels }) => labels["job"] === job))
      found.push({
        severity: "warning",
        layer: "components",
        what: `Prometheus does not scrape ${job} any more: its ServiceMonitor, or the port of its Service that it names, is gone`,
        evidence: `no target has the job ${job}; ServiceMonitors in namespace ${monitoring}: ${there(monitoring)}`,
        fix: "obs diff says what was changed by hand, obs up puts it back",
        page,
      });
  const running = new Set(settled.map(({ namespace, pod }) => `${namespace}/${pod}`));
  const ours = new Set(Object.values(namespaces(settings)));
  const known = new Set(pods.map(({ namespace, pod }) => `${namespace}/${pod}`));
  const down = targets.filter(({ labels, health }) => {
    const { namespace = "", pod = "" } = labels;
    // A pod that is not ready, or just started, is told of elsewhere.
    const judged = known.has(`${namespace}/${pod}`) ? running.has(`${namespace}/${pod}`) : true;
    return health === "down" && ours.has(namespace) && judged;
  });
  for (const { labels, lastError } of down)
    found.push({
      severity: "warning",
      layer: "components",
      what: `Prometheus cannot scrape ${labels["namespace"]}/${labels["pod"] ?? labels["instance"]} (job ${labels["job"]})`,
      evidence: lastError,
      fix: `does it answer? kubectl -n ${labels["namespace"]} get pods; is the way free? docs/guides/network.md`,
      page,
    });
  return found;
}

interface Monitors {
  items: { metadata: { namespace: string; name: string } }[];
}

/** Targets of Alloy that are down, from its own pages: those that its operators found. */
async function alloys(context: Parameters<Check["look"]>[0], all: Talker[]): Promise<Finding[]> {
  const pods = all.filter(({ key, ready }) => key === "alloyMetrics" && ready);
  const found = await Promise.all(
    pods.map(async (pod) => {
      const { status, body } = await askPod(
        context,
        pod,
        "/api/v0/web/components/tenant.nodes/prometheus.operator.servicemonitors.all",
      );
      return status === 200 ? alloyTargets(body) : [];
    }),
  );
  return judgeTargets(context.settings, found.flat(), [], [], Date.now()).filter(({ what }) =>
    what.includes("cannot scrape"),
  );
}

interface Block {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: blocks, attributes and values, each of its own form
  body: any;
}

/** The targets in Alloy's page of a component. */
export function alloyTargets(body: string): Target[] {
  const { debugInfo = [] } = JSON.parse(body) as { debugInfo?: Block[] };
  return debugInfo
    .filter(({ name }) => name === "targets" || name === "target")
    .map(({ body }) => {
      const attribute = (name: string) =>
        (body as Block[] & { value?: unknown }[]).find((one) => one.name === name) as
          | { value?: { value?: unknown } }
          | undefined;
      const labels = (attribute("labels")?.value?.value ?? []) as { key: string; value: { value: string } }[];
      return {
        labels: Object.fromEntries(labels.map(({ key, value }) => [key, value.value])),
        health: String(attribute("health")?.value?.value ?? ""),
        lastError: String(attribute("last_error")?.value?.value ?? ""),
      };
    });
}

/** What Prometheus and Alloy scrape of the stack: targets that are gone, or do not answer. */
export const check: Check = {
  name: "targets",
  async look(context) {
    const [data, all, monitors] = await Promise.all([
      fromPrometheus(context, "/api/v1/targets?state=active"),
      talkers(context),
      context.config.makeApiClient(CustomObjectsApi).listClusterCustomObject({
        group: "monitoring.coreos.com",
        version: "v1",
        plural: "servicemonitors",
      }) as Promise<Monitors>,
    ]);
    // Why Prometheus does not answer is said elsewhere.
    if (!data) return alloys(context, all);
    const names = monitors.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const found = judgeTargets(context.settings, data.activeTargets, all, names, Date.now());
    const more = await alloys(context, all);
    return [
      ...found,
      ...more
        .map((one) => ({ ...one, what: one.what.replace("Prometheus", "Alloy") }))
        .filter(({ evidence }) => !found.some((one) => one.evidence === evidence)),
    ];
  },
};
