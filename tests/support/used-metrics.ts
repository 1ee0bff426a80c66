/** The metrics that the stack uses: in rules, dashboards, autoscalers, commands of obs, and runbooks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { selectors } from "./queries";
import { type Placed, renderStack } from "./rendered";

/** A stack with all optional components that have their own rules or dashboards. */
const everything = {
  environment: "prod",
  kubePrometheusStack: {
    controlPlane: ["apiServer", "controllerManager", "scheduler", "etcd", "proxy", "dns"],
  },
};

/** Prefixes of metrics that commands and pages name outside a query. */
const owners =
  "alertmanager|alloy|container|cortex|cortex_ingester|go|grafana|kube|kubelet|loki|minio|node|otelcol|process|prometheus|tempo|tempodb";

/** Whether a panel or a query uses Loki or Tempo, in whose languages words have other meanings. */
const asksAnother = (node: object) =>
  "datasource" in node && /loki|tempo/.test(JSON.stringify(node.datasource) ?? "");

/** All strings of an object under some keys. */
function textsUnder(keys: string[], node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap((item) => textsUnder(keys, item));
  if (typeof node !== "object" || node === null || asksAnother(node)) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    keys.includes(key) && typeof value === "string" ? [value] : textsUnder(keys, value),
  );
}

/** The query of a dashboard's variable: `label_values(metric{...}, label)` contains a selector. */
const inVariable = (query: string) => /^\s*label_values\((.*),\s*\w+\s*\)\s*$/s.exec(query)?.[1] ?? query;

/** Names, and expressions for names, in a query's selectors. */
function asked(query: string): string[] {
  return selectors(query).flatMap(({ metric, matchers }) => {
    const byName = matchers.flatMap((matcher) => /^__name__=~?"(.*)"$/.exec(matcher)?.[1] ?? []);
    return metric ? [metric] : byName;
  });
}

function askedBy({ object }: Placed): string[] {
  if (object.kind === "PrometheusRule")
    return textsUnder(["expr"], (object as unknown as { spec: unknown }).spec).flatMap(asked);
  if (object.kind === "ScaledObject") return textsUnder(["query"], object).flatMap(asked);
  const { data = {}, metadata } = object as { data?: Record<string, string>; metadata: { labels?: object } };
  if (object.kind !== "ConfigMap" || !("grafana_dashboard" in (metadata.labels ?? {}))) return [];
  return Object.values(data)
    .map((text) => JSON.parse(text))
    .flatMap((board) => [
      ...textsUnder(["expr"], board),
      ...textsUnder(["query", "definition"], board.templating ?? {}).map(inVariable),
    ])
    .flatMap(asked);
}

/** Files of a folder and its subfolders. */
const filesOf = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

/** Metrics in the commands of obs and on pages, in any form. */
function named(): string[] {
  const files = [...filesOf("cli", ".ts"), ...filesOf("docs", ".md")];
  const name = new RegExp(`\\b(?:${owners})_[a-z0-9]+_[a-z0-9_]*[a-z0-9]\\b`, "g");
  return files.flatMap((file) => readFileSync(file, "utf8").match(name) ?? []);
}

/**
 * Names of metrics, and expressions for several, sorted. Names with a colon are results of rules, which are not
 * scraped.
 */
export async function usedMetrics(): Promise<string[]> {
  const { objects } = await renderStack(everything);
  const all = new Set([...objects.flatMap(askedBy), ...named()]);
  // An expression that matches any name, or a word of one syllable except `up`, is not a specific metric.
  const particular = (name: string) => name === "up" || /^[a-z(][^:]*_/.test(name);
  return [...all].filter((name) => particular(name)).sort();
}
