import {
  bars,
  clusterVariable,
  type Dashboard,
  linesPerSecond,
  logLines,
  logs,
  named,
  of,
  stat,
  timeSeries,
  total,
} from "./kit";

const chosen = 'cluster=~"$cluster", namespace=~"$namespace", pod_name=~"$pod"';
const lines = `{${chosen}, namespace!="", level=~"$level"} |~ "(?i)$search"`;
const failed = `{${chosen}, level=~"error|fatal"}`;
const counted = (selector: string, by = "") => `sum${by} (count_over_time(${selector} [$__auto]))`;
const inRange = (selector: string, by = "") => `sum${by} (count_over_time(${selector} [$__range]))`;

/** Log lines of all pods, searched by label and text. */
export const logExplorer: Dashboard = {
  uid: "logs",
  title: "Log explorer",
  purpose:
    "Finds log lines by namespace, pod, level and text, and shows where errors come from. Continue in Explore from the " +
    "menu of a panel.",
  tags: ["applications", "logs"],
  none: "No log lines",
  sources: [logs],
  variables: [
    clusterVariable(logs),
    { name: "namespace", label: "Namespace", source: logs, series: '{cluster=~"$cluster", namespace!=""}' },
    {
      name: "pod",
      label: "Pod",
      source: logs,
      series: '{cluster=~"$cluster", namespace=~"$namespace", pod_name!=""}',
      of: "pod_name",
    },
    {
      name: "level",
      label: "Level",
      source: logs,
      series: '{cluster=~"$cluster", namespace=~"$namespace", level!=""}',
    },
  ],
  search: { name: "search", label: "Search (regular expression)" },
  numbers: [
    stat("Log rate", linesPerSecond, of(logs, { lines: `sum (rate(${lines} [$__auto]))` }), {
      width: 3,
      opens: { panel: "Log lines by level" },
      description: "Lines that match the selection.",
    }),
    total("Log lines found", "short", of(logs, { lines: `${inRange(lines)} or vector(0)` }), {
      opens: { panel: "Log lines" },
      description: "In the time range.",
    }),
    total("Error log lines", "short", of(logs, { lines: `${inRange(failed)} or vector(0)` }), {
      thresholds: { above: [1, 100] },
      opens: { panel: "Error log lines by pod" },
      description: "In the time range, of the selected namespaces and pods.",
    }),
    total(
      "Warning log lines",
      "short",
      of(logs, { lines: `${inRange(`{${chosen}, level="warn"}`)} or vector(0)` }),
      { opens: { panel: "Log lines by level" }, description: "In the time range." },
    ),
    total(
      "Namespaces with errors",
      "short",
      of(logs, { namespaces: `count(${inRange(failed, " by (namespace)")}) or vector(0)` }),
      {
        width: 5,
        thresholds: { above: [1, 5] },
        opens: { panel: "Error log lines by namespace" },
      },
    ),
    total(
      "Pods with errors",
      "short",
      of(logs, { pods: `count(${inRange(failed, " by (namespace, pod_name)")}) or vector(0)` }),
      {
        thresholds: { above: [1, 5] },
        opens: { panel: "Error log lines by pod" },
      },
    ),
  ],
  rows: [
    {
      title: "Log lines",
      panels: [
        timeSeries(
          "Log lines by level",
          "short",
          of(logs, { "{{level}}": named(counted(lines, " by (level)"), "level") }),
          {
            width: 24,
            stacked: true,
            min: 0,
          },
        ),
        logLines("Log lines", of(logs, { lines }), {
          height: 16,
          description: "A line with a trace ID links to its trace.",
        }),
      ],
    },
    {
      title: "Error sources",
      panels: [
        bars(
          "Error log lines by namespace",
          "short",
          of(logs, { "{{namespace}}": `topk(10, ${inRange(failed, " by (namespace)")})` }),
          {
            width: 12,
            none: "No errors",
          },
        ),
        bars(
          "Error log lines by pod",
          "short",
          of(logs, { "{{pod_name}}": `topk(10, ${inRange(failed, " by (pod_name)")})` }),
          {
            width: 12,
            none: "No errors",
          },
        ),
      ],
    },
  ],
};
