/**
 * A day of the metrics that the dashboards query: their names, their labels in a cluster, and values that the queries
 * match.
 */
import type { PanelQuery } from "../../cli/commands/dashboards/gateways";
import { datasources, tenants } from "../../names";
import recorded from "../../tests/recorded/metrics.json";
import { selectors } from "../../tests/support/queries";
import { type Labels, writeHeaders } from "../../tests/support/remote-write";
import { Message } from "./message";

/** Metrics that each pod of the cluster has; only a few pods of the stack have the others. */
const ofEveryPod = /^(container_|kube_pod_)/;
/** Metrics that each service has. */
const ofServices = /^traces_/;
/** Metrics that the collectors write to the infrastructure tenant. */
const ofNodes = /^(container_|kube_|kubelet_|node_|machine_|apiserver_)/;

/** Labels with the same value in all series of a metric. */
const constant =
  /^(app_instance|component_path|endpoint|id|image|job|metrics_path|name|server|service|uid|unit|url|ws)$/;
const buckets = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
/** Labels that identify the pod. */
const ofPod = (pod: number): Labels => ({
  ...{ namespace: `team-${pod % 20}`, pod: `app-${pod % 40}-5d8f7c9b6-${pod}`, container: `app-${pod % 40}` },
  ...{ node: `node-${pod % 10}`, instance: `10.0.${pod >> 8}.${pod % 256}:8080` },
});

/** Label values that a matcher matches: the text itself, or, if one is easily found, a text that matches the expression. */
export function valuesOf(operator: string, pattern: string): string[] {
  if (operator === "=") return pattern ? [pattern] : [];
  if (operator !== "=~" || pattern === ".*" || pattern === ".+") return [];
  const parts = /[()]/.test(pattern) ? [pattern.replace(/\(([^|)]*)[^)]*\)/g, "$1")] : pattern.split("|");
  return parts
    .map((part) => part.replace(/\.[*+]/g, "x").replaceAll(".", "0"))
    .filter((text) => new RegExp(`^(?:${pattern})$`).test(text));
}

/** A metric: each label's possible values. */
type Shape = Map<string, string[]>;

/** The metrics of these queries, by tenant and name. */
function shapesOf(queries: PanelQuery[]): Map<string, Map<string, Shape>> {
  const found = new Map<string, Map<string, Shape>>();
  for (const { source, expr } of queries.filter((query) => query.source.type === "prometheus"))
    for (const { metric, matchers } of selectors(expr)) {
      if (!metric) continue;
      const own = source.uid === datasources.prometheus.uid;
      const tenant = own ? tenants.prometheus : ofNodes.test(metric) ? tenants.nodes : tenants.pods;
      const names = found.get(tenant) ?? new Map<string, Shape>();
      found.set(tenant, names);
      const known = recorded as Record<string, Record<string, string[]>>;
      const labels = known[own ? "prometheus" : "mimir"]?.[metric] ?? known["prometheus"]?.[metric] ?? [];
      const shape =
        names.get(metric) ??
        new Map(
          labels.filter((label) => label !== "cluster").map((label): [string, string[]] => [label, []]),
        );
      names.set(metric, shape);
      for (const matcher of matchers) {
        const [, label = "", operator = "", pattern = ""] =
          /^(\w+)\s*([=!~]+)\s*"(.*)"$/s.exec(matcher) ?? [];
        if (label.startsWith("__") || label === "cluster") continue;
        shape.set(label, [...new Set([...(shape.get(label) ?? []), ...valuesOf(operator, pattern)])]);
      }
    }
  return found;
}

/** All combinations of the labels that do not identify the pod, up to a maximum. */
function combinations(metric: string, shape: Shape): Labels[] {
  const pod = ofPod(0);
  const [most, each] = ofServices.test(metric) ? [600, 5] : ofEveryPod.test(metric) ? [24, 2] : [48, 2];
  const varying = [...shape]
    .filter(([label, values]) => !(label in pod) || values.length > 0)
    .map(([label, values]): [string, string[]] => {
      if (label === "le") return [label, [...new Set([...buckets, ...values])]];
      if (label in pod || (constant.test(label) && !ofServices.test(metric)))
        return [label, values.length ? values : [label]];
      return [label, [...values, ...Array.from({ length: each }, (_, index) => `${label}-${index}`)]];
    })
    // Buckets first, so that a truncated list still has whole histograms.
    .sort(([one], [other]) => Number(other === "le") - Number(one === "le"));
  const product = varying.reduce((count, [, values]) => count * values.length, 1);
  return Array.from({ length: Math.min(product, most) }, (_, index) => {
    let rest = index;
    const labels: Labels = { __name__: metric, cluster: "bench" };
    for (const [label, values] of varying) {
      labels[label] = values[rest % values.length] ?? "";
      rest = Math.floor(rest / values.length);
    }
    return labels;
  });
}

/** A series, and its growth or average value. */
export interface Series {
  labels: Labels;
  rate: number;
  counter: boolean;
}

/** About `count` series of the metrics of these queries, by tenant: as many pods as necessary, at least one. */
export function seriesOf(queries: PanelQuery[], count: number): Map<string, Series[]> {
  const shapes = [...shapesOf(queries)].flatMap(([tenant, names]) =>
    [...names].map(([metric, shape]) => {
      const each = ofEveryPod.test(metric) && shape.has("pod");
      const ofStack = shape.has("pod") ? 3 : 1;
      return { tenant, each, ofStack, shape, labels: combinations(metric, shape) };
    }),
  );
  const total = (each: boolean) =>
    shapes
      .filter((one) => one.each === each)
      .reduce((sum, { labels, ofStack }) => sum + labels.length * (each ? 1 : ofStack), 0);
  const pods = Math.max(1, Math.round((count - total(false)) / total(true)));
  const result = new Map<string, Series[]>();
  for (const { tenant, each, ofStack, shape, labels } of shapes) {
    const series = result.get(tenant) ?? [];
    result.set(tenant, series);
    for (let pod = 0; pod < (each ? pods : ofStack); pod++) {
      const own = Object.entries(ofPod(pod)).filter(([label]) => shape.has(label));
      for (const [index, one] of labels.entries()) {
        const counter = /_(total|count|sum|bucket)$/.test(one["__name__"] ?? "");
        series.push({ labels: { ...Object.fromEntries(own), ...one }, rate: 1 + (index % 7), counter });
      }
    }
  }
  return result;
}

/** The labels of a series in the form of remote write, sorted by name. */
function encoded(message: Message, { labels }: Series): Buffer {
  for (const [name, value] of Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)))
    message.nested(1, (label) => label.text(1, name).text(2, value));
  return message.take();
}

/**
 * Pushes for Mimir, one hour of a few thousand series each, oldest first.
 *
 * @param from, to milliseconds, whole hours
 * @param step milliseconds
 */
export function* samplePushes(series: Series[], from: number, to: number, step: number) {
  const message = new Message();
  const labels = series.map((one) => encoded(message, one));
  for (let hour = from; hour < to; hour += 3_600_000)
    for (let first = 0; first < series.length; first += 2000) {
      for (const [index, { rate, counter }] of series.slice(first, first + 2000).entries())
        message.nested(1, (one) => {
          one.raw(labels[first + index] as Buffer);
          for (let time = hour; time < hour + 3_600_000; time += step) {
            const age = (time - from) / 1000;
            const value = counter
              ? Math.floor(age * rate)
              : rate * 100 + Math.round(50 * Math.sin(age / 5000 + index));
            one.nested(2, (sample) => sample.double(1, value).number(2, time));
          }
        });
      yield message.takeSnappy();
    }
}

/** Headers of a push to Mimir. */
export const sampleHeaders = (tenant: string) => ({ ...writeHeaders, "X-Scope-OrgID": tenant });
