/**
 * Which metrics of infrastructure are kept: what nothing reads is dropped before it is stored, which leaves a quarter of
 * the series. `kept-metrics.json` has the names that rules, dashboards, commands and pages of this stack ask for;
 * `npm run generate:metrics` writes it, and a test renders everything to see that it is complete.
 */
import type { Settings } from "../settings";
import used from "./kept-metrics.json";
import { anyOf, type Values } from "./shared";

/** An expression for the names that are kept; for all of them where `metrics.infrastructure` says so. */
export const keptMetrics = ({ metrics }: Settings): string =>
  metrics.infrastructure === "all" ? ".*" : [...used, ...metrics.also].join("|");

/** Jobs whose series name other namespaces than their own, by the label `namespace`. */
const aboutOthers = ["apiserver", "kubelet", "kube-state-metrics"];

/**
 * The same for Prometheus, which has applications and infrastructure in one: rules for every scrape that drop series of
 * the system's namespaces whose names are not kept. Relabelling has no "unless", so that a label for a while says it.
 */
export function keptByPrometheus(settings: Settings): Values[] {
  if (settings.metrics.infrastructure === "all") return [];
  const infrastructure = `;((${aboutOthers.join("|")});.*|[^;]*;(${anyOf(settings.cluster.systemNamespaces)}))`;
  return [
    {
      name: "kept",
      default: true,
      metricRelabelings: [
        {
          sourceLabels: ["__name__"],
          regex: keptMetrics(settings),
          targetLabel: "__tmp_kept",
          replacement: "yes",
        },
        { sourceLabels: ["__tmp_kept", "job", "namespace"], regex: infrastructure, action: "drop" },
        { regex: "__tmp_kept", action: "labeldrop" },
      ],
    },
  ];
}
