/** Where dashboards read: each source is a variable of the dashboard, so that one Grafana can show several stacks. */
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { datasources } from "../../names";

/** A source that a dashboard can choose. */
export interface Source {
  /** Name of the dashboard's variable that holds it. */
  variable: string;
  /** What people read beside the variable. */
  label: string;
  /** Type of the datasource. */
  type: string;
  /** The one that is chosen at first. */
  first: { name: string; uid: string };
  /** Which datasources may be chosen instead, by their name. */
  choice: string;
}

/** What Prometheus knows of the stack itself and of the cluster; it answers while Mimir is away. A year back: `Mimir prometheus`. */
export const watcher: Source = {
  variable: "prometheus",
  label: "Prometheus",
  type: "prometheus",
  first: datasources.prometheus,
  choice: "/^(Prometheus|Mimir prometheus)$/",
};

/** Metrics of applications and infrastructure in Mimir: the tenants `pods` and `nodes` as one. */
export const metrics: Source = {
  variable: "mimir",
  label: "Mimir",
  type: "prometheus",
  first: datasources.mimir,
  choice: "/^Mimir/",
};

/** The same with its roll-ups, for dashboards that look months back; every query chooses by `__tenant_id__`. */
export const longRange: Source = {
  variable: "longrange",
  label: "Mimir",
  type: "prometheus",
  first: datasources.longRange,
  choice: "/^Mimir long range$/",
};

/** Logs in Loki. */
export const logs: Source = {
  variable: "loki",
  label: "Loki",
  type: "loki",
  first: datasources.loki,
  choice: "",
};

/** Traces in Tempo. */
export const traces: Source = {
  variable: "tempo",
  label: "Tempo",
  type: "tempo",
  first: datasources.tempo,
  choice: "",
};

/** A source as a panel refers to it. */
export const reference = ({ type, variable }: Source) => ({ type, uid: `\${${variable}}` });

/** The variable by which a dashboard chooses a source. */
export const sourceVariable = ({ variable, label, type, first, choice }: Source) =>
  new DatasourceVariableBuilder(variable)
    .label(label)
    .type(type)
    .regex(choice)
    .current({ text: first.name, value: first.uid, selected: true });

/** A variable of a dashboard that holds values of a label. */
export interface LabelVariable {
  /** Name of the variable. */
  name: string;
  /** What people read beside it. */
  label: string;
  source: Source;
  /** Series that have the label. */
  series: string;
  /** The label, where it is not the variable's name. */
  of?: string;
  /** Whether several values, or all, can be chosen. @default true */
  several?: boolean;
  /** Regular expression of the values that `All` stands for; where it is empty, all that are listed. @default ".*" */
  all?: string;
}

/** All values at first; `All` matches series without the label too, where nothing else is said. */
export const labelVariable = ({
  name,
  label,
  source,
  series,
  of = name,
  several = true,
  all = ".*",
}: LabelVariable) => {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .datasource(reference(source))
    .query(source.type === "loki" ? { label: of, stream: series, type: 1 } : `label_values(${series}, ${of})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  return several
    ? variable
        .multi(true)
        .includeAll(true)
        .allValue(all)
        .current({ text: "All", value: "$__all", selected: true })
    : variable;
};

/** A variable that nobody chooses: what a query answers, read anew whenever the range looked at changes. */
export interface ComputedVariable {
  /** Name of the variable. */
  name: string;
  source: Source;
  /** PromQL; what it gives is read as the text of its series, such as `{resolution="pods|nodes"} 1 1732320000000`. */
  query: string;
  /** Regular expression whose first group is the value. */
  regex: string;
}

/** Hidden: its value follows from the range. */
export const computedVariable = ({ name, source, query, regex }: ComputedVariable) =>
  new QueryVariableBuilder(name)
    .hide(VariableHide.HideVariable)
    .datasource(reference(source))
    .query(`query_result(${query})`)
    .regex(regex)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.Disabled);

/** The cluster: a label that Mimir's series have; Prometheus' own have none, and `All` matches them. */
export const clusterVariable = (source: Source): LabelVariable => ({
  name: "cluster",
  label: "Cluster",
  source,
  series: "up",
});
