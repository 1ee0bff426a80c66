import { clusterVariable, type Dashboard, inCluster, of, type Row, stat, timeSeries, watcher } from "./kit";

/** Objectives and their error budgets, which the alerts in alerts/objectives.yaml also use. */
export const objectives = {
  ingest: { title: "Ingestion", budget: 0.001, runbook: "IngestBudgetBurning", events: "writes" },
  query: { title: "Queries", budget: 0.005, runbook: "QueryBudgetBurning", events: "queries" },
  freshness: { title: "Freshness", budget: 0.01, runbook: "FreshnessBudgetBurning", events: "senders" },
};

type Objective = keyof typeof objectives;

const matchers = (objective: Objective) => `${inCluster}, objective="${objective}"`;

/** The remaining error budget over the time range: 1 without errors, negative if the objective is missed. */
const remaining = (objective: Objective) =>
  `1 - avg_over_time(observability:events_failed:rate5m{${matchers(objective)}}[$__range]) ` +
  `/ (avg_over_time(observability:events:rate5m{${matchers(objective)}}[$__range]) > 0) / ${objectives[objective].budget}`;

/** The burn rate: how many times faster than allowed the budget is consumed. */
const burnRate = (objective: Objective, window: string) =>
  `observability:errors:ratio_rate${window}{${matchers(objective)}} / ${objectives[objective].budget}`;

const budgetLeft = (objective: Objective) =>
  stat(
    `${objectives[objective].title} budget`,
    "percentunit",
    of(watcher, { "budget left": `min(${remaining(objective)})` }).map((query) => ({
      ...query,
      instant: true,
    })),
    {
      thresholds: { below: [0.5, 0.1] },
      decimals: 1,
      none: "No events",
      runbook: objectives[objective].runbook,
      opens: { panel: `${objectives[objective].title}: error budget left` },
      description: `Error budget left over the time range, of the worst signal. The objective is ${100 * (1 - objectives[objective].budget)} %.`,
    },
  );

const currentBurn = (objective: Objective) =>
  stat(
    `${objectives[objective].title} burn rate 1h`,
    "suffix:x",
    of(watcher, { "burn rate": `max(${burnRate(objective, "1h")})` }),
    {
      thresholds: { above: [1, 14.4] },
      decimals: 1,
      opens: { panel: `${objectives[objective].title}: burn rate` },
    },
  );

const row = (objective: Objective): Row => {
  const { title, budget, events } = objectives[objective];
  return {
    title,
    panels: [
      timeSeries(
        `${title}: error budget left`,
        "percentunit",
        of(watcher, { "{{signal}}": remaining(objective) }),
        {
          thresholds: { below: [0.5, 0.1] },
          min: -1,
          max: 1,
          description:
            "Over a window as long as the time range. Below 0 % the objective is missed; the graph ends at -100 %.",
        },
      ),
      timeSeries(
        `${title}: burn rate`,
        "suffix:x",
        of(
          watcher,
          Object.fromEntries(
            ["5m", "1h", "6h", "3d"].map((window) => [`{{signal}} ${window}`, burnRate(objective, window)]),
          ),
        ),
        {
          thresholds: { above: [1, 14.4] },
          description:
            "Above 1, the budget of 30 days will not last. At 14.4, 2 % of it is gone in an hour. Alerts fire if a long and a " +
            "short window are both too high. A window has a value once half of it has data.",
        },
      ),
      timeSeries(
        `${title}: error ratio`,
        "percentunit",
        of(watcher, { "{{signal}}": `observability:errors:ratio_rate5m{${matchers(objective)}}` }),
        { thresholds: { above: [budget] }, description: `Failed ${events}, of all ${events}.` },
      ),
    ],
  };
};

const all = Object.keys(objectives) as Objective[];

/** Service level objectives of the stack, and their error budgets. */
export const slo: Dashboard = {
  uid: "slo",
  title: "SLOs and error budgets",
  purpose:
    "Does the stack meet its objectives, and how fast is it using its error budgets? The burn-rate alerts use the same " +
    "recording rules.",
  tags: ["health"],
  none: "Too little data",
  sources: [watcher],
  variables: [clusterVariable(watcher)],
  from: "now-7d",
  numbers: [...all.map(budgetLeft), ...all.map(currentBurn)],
  rows: all.map(row),
};
