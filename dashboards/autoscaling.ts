import { clusterVariable, type Dashboard, metrics, of, stat, table, timeSeries } from "./kit";

const chosen = 'cluster=~"$cluster", namespace=~"$namespace", horizontalpodautoscaler=~"$autoscaler"';
const by = "by (namespace, horizontalpodautoscaler)";
const hpa = (metric: string) => `max ${by} (kube_horizontalpodautoscaler_${metric}{${chosen}})`;
const current = hpa("status_current_replicas");
const desired = hpa("status_desired_replicas");
const lowest = hpa("spec_min_replicas");
const highest = hpa("spec_max_replicas");
/** Autoscalers whose limits differ: the others cannot scale. */
const limited = `${current} >= ${highest} and ${highest} > ${lowest}`;
const name = "{{namespace}}/{{horizontalpodautoscaler}}";

/** Horizontal pod autoscalers, those of KEDA included. */
export const autoscaling: Dashboard = {
  uid: "autoscaling",
  title: "Autoscaling",
  purpose:
    "Do autoscalers follow the load, and which ones have reached their maximum? Shows all HorizontalPodAutoscalers, " +
    "including those that KEDA creates.",
  tags: ["cluster", "autoscaling"],
  none: "No autoscalers",
  sources: [metrics],
  variables: [
    clusterVariable(metrics),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: 'kube_horizontalpodautoscaler_status_current_replicas{cluster=~"$cluster"}',
    },
    {
      name: "autoscaler",
      label: "Autoscaler",
      source: metrics,
      series:
        'kube_horizontalpodautoscaler_status_current_replicas{cluster=~"$cluster", namespace=~"$namespace"}',
      of: "horizontalpodautoscaler",
    },
  ],
  from: "now-6h",
  numbers: [
    stat("Autoscalers", "short", of(metrics, { autoscalers: `count(${current}) or vector(0)` }), {
      opens: { panel: "HorizontalPodAutoscalers" },
    }),
    stat("At max replicas", "short", of(metrics, { autoscalers: `count(${limited}) or vector(0)` }), {
      thresholds: { above: [1, 5] },
      opens: { panel: "Replicas, % of maximum" },
      description: "These cannot scale up. Raise their maximum if the load is expected.",
    }),
    stat(
      "Scaling now",
      "short",
      of(metrics, { autoscalers: `count(${desired} != ${current}) or vector(0)` }),
      {
        thresholds: { above: [1, 10] },
        opens: { panel: "Desired minus current replicas" },
        description: "Desired and current replicas differ. If it lasts, pods cannot be scheduled.",
      },
    ),
    stat("Current replicas", "short", of(metrics, { replicas: `sum(${current})` }), {
      none: "No autoscalers",
      opens: { panel: "Current replicas by autoscaler" },
    }),
    stat("Desired replicas", "short", of(metrics, { replicas: `sum(${desired})` }), {
      none: "No autoscalers",
      opens: { panel: "Desired replicas by autoscaler" },
    }),
    stat("Highest % of maximum", "percentunit", of(metrics, { used: `max(${current} / (${highest} > 0))` }), {
      thresholds: { above: [0.8, 1] },
      none: "No autoscalers",
      opens: { panel: "Replicas, % of maximum" },
    }),
  ],
  rows: [
    {
      title: "Replicas",
      panels: [
        timeSeries("Current replicas by autoscaler", "short", of(metrics, { [name]: current }), { min: 0 }),
        timeSeries("Desired replicas by autoscaler", "short", of(metrics, { [name]: desired }), { min: 0 }),
        timeSeries(
          "Replicas, % of maximum",
          "percentunit",
          of(metrics, { [name]: `${current} / (${highest} > 0)` }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.8, 1] },
          },
        ),
        timeSeries(
          "Desired minus current replicas",
          "short",
          of(metrics, { [name]: `${desired} - ${current} != 0` }),
          { width: 24, none: "All autoscalers have the desired replicas" },
        ),
        table("HorizontalPodAutoscalers", of(metrics, { lowest, current, desired, highest }), {
          none: "No autoscalers",
          columns: [
            {
              field: "namespace",
              heading: "Namespace",
              opens: { uid: "applications", variable: "namespace" },
            },
            { field: "horizontalpodautoscaler", heading: "Autoscaler" },
            { field: "Value #A", heading: "Minimum", unit: "short" },
            { field: "Value #B", heading: "Current", unit: "short" },
            { field: "Value #C", heading: "Desired", unit: "short" },
            { field: "Value #D", heading: "Maximum", unit: "short" },
          ],
        }),
      ],
    },
  ],
};
