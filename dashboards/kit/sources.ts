/** Data sources and variables of dashboards. Each data source is a variable, so that one Grafana can show several stacks. */
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { datasources } from "../../names";

/** A source that a dashboard can choose. */
export interface Source {
  /** Name of the dashboard's variable that holds it. */
  variable: string;
  /** Label of the variable. */
  label: string;
  /** Type of the data source. */
  type: string;
  /** The default data source. */
  first: { name: string; uid: string };
  /** Regular expression of the names of data sources to choose from. */
  choice: string;
}

/** Metrics of the stack and the cluster in Prometheus, which does not depend on Mimir. `Mimir prometheus` has a year of them. */
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

/** The same with downsampled series, for dashboards over months; every query selects by `__tenant_id__`. */
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

/** A reference to a source, for a panel. */
export const reference = ({ type, variable }: Source) => ({ type, uid: `\${${variable}}` });

/** The data source of a panel whose queries name different ones. */
export const mixed = { type: "datasource", uid: "-- Mixed --" };

/** The variable that selects a data source. */
export const sourceVariable = ({ variable, label, type, first, choice }: Source) =>
  new DatasourceVariableBuilder(variable)
    .label(label)
    .type(type)
    .regex(choice)
    .current({ text: first.name, value: first.uid, selected: true });

/** A variable with the values of a label. */
export interface LabelVariable {
  /** Name of the variable. */
  name: string;
  /** Label of the variable. */
  label: string;
  source: Source;
  /**
   * Series or streams that have the label. Loki requires a matcher that no empty value satisfies, also if
   * `All` is selected.
   */
  series: string;
  /** The label name. @default the variable's name */
  of?: string;
  /** Whether several values, or all, can be selected. @default true */
  several?: boolean;
  /** Regular expression of `All`; if empty, the listed values. @default ".*" */
  all?: string;
}

/** A variable that is `All` by default, which also matches series without the label unless `all` is set. */
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

/** A hidden variable with the result of a query, which runs again when the time range changes. */
export interface ComputedVariable {
  /** Name of the variable. */
  name: string;
  source: Source;
  /** PromQL; its result is the text of a series, such as `{resolution="pods|nodes"} 1 1732320000000`. */
  query: string;
  /** Regular expression whose first group is the value. */
  regex: string;
}

/** A variable that is hidden, because its value follows from the time range. */
export const computedVariable = ({ name, source, query, regex }: ComputedVariable) =>
  new QueryVariableBuilder(name)
    .hide(VariableHide.HideVariable)
    .datasource(reference(source))
    .query(`query_result(${query})`)
    .regex(regex)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.Disabled);

/** The cluster: a label of series in Mimir and of streams in Loki. Series in Prometheus have none, and `All` matches them. */
export const clusterVariable = (source: Source): LabelVariable => ({
  name: "cluster",
  label: "Cluster",
  source,
  series: source.type === "loki" ? '{cluster!=""}' : "up",
});

/** A text box. */
export const textVariable = ({ name, label }: { name: string; label: string }) =>
  new TextBoxVariableBuilder(name).label(label).defaultValue("");
