/** Why a selector has no series, and the fix. */
import { owner } from "../../../names";
import type { Settings } from "../../../settings";
import { expensive, metricNames } from "../../../values/kept-metrics";
import { plural } from "../../lib/text";
import type { Cause, Kind, Reason, Source } from "./model";
import { holds, matches, type Selector, textOf } from "./promql";

/** Facts about the stack. */
export interface Knowledge {
  stack: string;
  settings: Settings;
  /** Metrics that monitors drop. */
  drops: { monitor: string; pattern: string }[];
  /** The rule that records a metric. */
  recorded: Map<string, string>;
}

/** What the stores have of a selector without series. */
export interface Found {
  /** The metrics of its source. */
  here: Set<string>;
  /** Labels of the metric, if it exists. */
  labels?: Set<string> | undefined;
  /** Another source that has the metric, or matching series. */
  other?: Source | undefined;
  /** Whether the targets that expose the metric to the other source are scraped into this one, too. */
  scraped?: boolean;
}

/** Metrics of rules and scrapes, which exist only with a firing alert or a target. */
export const synthetic = /^(ALERTS|ALERTS_FOR_STATE|up|scrape_\w+)$/;

/** Metrics that need a setting. */
const optional: [pattern: string, setting: string][] = [
  ["etcd_.+", "add etcd to kubePrometheusStack.controlPlane"],
  ["scheduler_.+", "add scheduler to kubePrometheusStack.controlPlane"],
  ["kubeproxy_.+", "add proxy to kubePrometheusStack.controlPlane"],
  ["coredns_.+", "add dns to kubePrometheusStack.controlPlane"],
  [
    "(node_collector|ttl_after_finished|cronjob_controller|endpoint_slice_controller)_.+",
    "add controllerManager to kubePrometheusStack.controlPlane",
  ],
  ["traces_(spanmetrics|service_graph)_.+", "send traces: docs/guides/traces.md"],
];

/** A reason that says what `what` is. */
const reason = (cause: Cause, what: string, is: string, fix?: string): Reason => ({
  ...{ cause, what, text: `${what} is ${is}` },
  ...(fix && { fix }),
});

/** Why a metric is in no source. */
function absent(metric: string, here: Set<string>, known: Knowledge): Reason {
  const { settings, stack, drops, recorded } = known;
  const { kept, dropped } = metricNames(settings);
  if (matches(dropped, metric) && !matches(kept, metric)) {
    const { drop, infrastructure } = settings.metrics;
    const own = drop.find((pattern) => matches(pattern, metric));
    const standard = !own && !expensive.some((pattern) => matches(pattern, metric));
    const setting = own ? `metrics.drop (${own})` : `metrics.infrastructure: ${infrastructure}`;
    const found = reason("dropped by a setting", metric, `dropped by ${setting}`);
    const fix = `pulumi config set --path metrics.infrastructure standard --stack ${stack}`;
    return { ...found, ...(standard ? { fix } : { also: metric }) };
  }
  const monitor = drops.find(({ pattern }) => matches(pattern, metric))?.monitor;
  if (monitor)
    return reason(
      "dropped by a monitor",
      metric,
      `dropped by the metricRelabelings of ${monitor}`,
      `remove the rule from ${monitor}`,
    );
  const rule = recorded.get(metric);
  if (rule) return reason("recorded from nothing", metric, `recorded by ${rule}, which has no data now`);
  if (metric.includes(":"))
    return reason("not collected", metric, "recorded by no rule", "add the recording rules of its publisher");
  const first = /^[a-zA-Z]+_/.exec(metric)?.[0] ?? metric;
  const others = [...here].filter((name) => name.startsWith(first)).length;
  const [, add] = optional.find(([pattern]) => matches(pattern, metric)) ?? [];
  if (!others)
    return reason(
      "not collected",
      metric,
      `not collected: no metric begins with ${first}`,
      add ?? "add a ServiceMonitor, a PodMonitor or an annotation for the target",
    );
  const begin = plural(others, "other metric begins", "other metrics begin");
  return reason(
    "not exposed",
    metric,
    `exposed by no target (${begin} with ${first}): another version, or its first event has not happened`,
  );
}

/** The source that has a metric, and how to query it. */
function elsewhere(what: string, other: Source, kind: Kind): Reason {
  const ofRule = other.users.length
    ? `set the label ${owner.ruleTenant} of the PrometheusRule to the tenant`
    : `remove the label ${owner.ruleTenant} from the PrometheusRule`;
  const fix: Record<Kind, string> = {
    dashboard: `select data source ${other.name}`,
    autoscaler: `use the address of ${other.name}`,
    alert: ofRule,
    "recording rule": ofRule,
  };
  return reason("in another data source", what, `in ${other.name}, not here`, fix[kind]);
}

/** Why a selector has no series. */
export function reasonFor(
  selector: Selector,
  kind: Kind,
  known: Knowledge,
  { here, labels, other, scraped }: Found,
): Reason {
  const { metric, matchers } = selector;
  if (metric?.startsWith("ALERTS"))
    return { cause: "no such value", what: metric, text: "no alert fires now" };
  if (metric !== undefined && !here.has(metric)) {
    const reason = absent(metric, here, known);
    // A series of a state that passed, such as a pod that waited before this source first scraped it.
    const passed = scraped && reason.cause === "not exposed";
    return other && !passed ? elsewhere(metric, other, kind) : reason;
  }
  const what = textOf(selector);
  const label = labels && matchers.find((one) => !holds(one, "") && !labels.has(one.label))?.label;
  // The series of a state that passed may be in one source only, because the sources scrape at different times.
  if (other && (label || !scraped)) return elsewhere(what, other, kind);
  return label
    ? { cause: "no such label", what, text: `${metric} has no label ${label}` }
    : { cause: "no such value", what, text: `no series matches ${what} now` };
}
