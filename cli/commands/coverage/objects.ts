/** The queries in objects of the cluster and of Grafana: rules, autoscalers, dashboards. */
import { dashboardLabel, owner as labels } from "../../../names";
import type { Settings } from "../../../settings";
import { dashboardNamespaces } from "../../../values/grafana-dashboards";
import { seriesOfOthers } from "../../../values/kube-prometheus-stack";
import type { Json } from "../../lib/objects";
import { queriesIn } from "./dashboards";
import type { Reading, Source } from "./model";
import { ofAddress, ofTenants, prometheus, resolve, sourcesOf } from "./sources";

const nameOf = ({ kind, metadata }: Json) => `${kind} ${metadata.namespace}/${metadata.name}`;

/** The rules of a PrometheusRule: Mimir's ruler evaluates those with the label of a tenant. */
function ofRule(object: Json): Reading[] {
  const tenant = object.metadata.labels?.[labels.ruleTenant];
  const read = object.metadata.annotations?.[labels.sourceTenants];
  const tenants = (read ?? tenant ?? "").split(",").map((one: string) => one.trim());
  const rules: Json[] = (object.spec?.groups ?? []).flatMap((group: Json) => group.rules ?? []);
  return rules.map(({ alert, record, expr }) => ({
    kind: alert ? "alert" : "recording rule",
    owner: nameOf(object),
    item: alert ?? record,
    source: tenant ? ofTenants(tenants) : prometheus,
    expr: String(expr),
    ...(record && { records: record }),
  }));
}

/** The Prometheus triggers of a ScaledObject. */
const ofScaledObject = (settings: Settings, object: Json): Reading[] =>
  (object.spec?.triggers ?? [])
    .filter(({ type }: Json) => type === "prometheus")
    .map(({ metadata, name }: Json) => ({
      kind: "autoscaler",
      owner: nameOf(object),
      item: name ?? metadata.metricName ?? "prometheus trigger",
      source: ofAddress(settings, metadata.serverAddress ?? ""),
      expr: metadata.query ?? "",
    }));

/** The dashboards of a ConfigMap with the label that Grafana's sidecar reads. */
function ofConfigMap(object: Json, sources: Source[], watched: string[]): Reading[] {
  const { labels = {}, namespace } = object.metadata;
  if (!(dashboardLabel in labels)) return [];
  const owner = nameOf({ kind: "ConfigMap", ...object });
  const unread = (item: string, why: string): Reading[] => [
    { kind: "dashboard", owner, item, source: { why }, expr: "" },
  ];
  if (!watched.includes(namespace))
    return unread(
      "all dashboards",
      `Grafana does not load it: add ${namespace} to grafana.dashboards.namespaces`,
    );
  const files = Object.entries<string>(object.data ?? {}).filter(([name]) => name.endsWith(".json"));
  return files.flatMap(([file, text]) => {
    try {
      const model = JSON.parse(text);
      return queriesIn(`dashboard ${model.title ?? file} (${owner})`, model, sources);
    } catch (error) {
      return unread(file, (error as Error).message);
    }
  });
}

/** The queries of a Grafana-managed alert rule. */
const ofGrafanaAlert = ({ title, data = [] }: Json, sources: Source[]): Reading[] =>
  data
    .filter(
      ({ datasourceUid, model }: Json) => datasourceUid !== "__expr__" && typeof model?.expr === "string",
    )
    .map(({ datasourceUid, model }: Json) => ({
      kind: "alert",
      owner: "Grafana alert rule",
      item: title,
      source: resolve(sources, new Map(), { uid: datasourceUid, type: model.datasource?.type }),
      expr: model.expr,
    }));

/** Objects that may read metrics. */
export interface Objects {
  rules: Json[];
  scaledObjects: Json[];
  configMaps: Json[];
  /** JSON models of dashboards that were made in Grafana. */
  dashboards: Json[];
  /** Alert rules that were made in Grafana. */
  alerts: Json[];
  /** ServiceMonitors, PodMonitors and Probes. */
  monitors: Json[];
  hpas: Json[];
}

/** All PromQL queries in them. */
export function readingsIn(settings: Settings, objects: Objects): Reading[] {
  const sources = sourcesOf(settings);
  const watched = dashboardNamespaces(settings);
  return [
    ...objects.rules.flatMap(ofRule),
    ...objects.scaledObjects.flatMap((object) => ofScaledObject(settings, object)),
    ...objects.configMaps.flatMap((object) => ofConfigMap(object, sources, watched)),
    ...objects.alerts.flatMap((alert) => ofGrafanaAlert(alert, sources)),
    ...objects.dashboards.flatMap((model) =>
      queriesIn(`dashboard ${model.title} (made in Grafana)`, model, sources),
    ),
  ];
}

/** HPAs on custom or external metrics whose controller cannot read them. */
export const blindAutoscalers = ({ hpas }: Pick<Objects, "hpas">): { owner: string; text: string }[] =>
  hpas.flatMap((object) => {
    const failed = (object.status?.conditions ?? []).find(
      ({ type, status, reason }: Json) =>
        type === "ScalingActive" &&
        status === "False" &&
        /^FailedGet(External|Pods|Object)Metric$/.test(reason),
    );
    const owner = nameOf({ kind: "HorizontalPodAutoscaler", ...object });
    return failed ? [{ owner, text: failed.message }] : [];
  });

const elsewhere: string[] = Object.values(seriesOfOthers);

/** The metrics that monitors drop after a scrape, by rules about the name alone; not those that come from another target. */
export const dropsOf = ({ monitors }: Pick<Objects, "monitors">): { monitor: string; pattern: string }[] =>
  monitors.flatMap((object) => {
    const { endpoints = [], podMetricsEndpoints = [], metricRelabelings = [] } = object.spec ?? {};
    return [...endpoints, ...podMetricsEndpoints, { metricRelabelings }]
      .flatMap((endpoint: Json) => endpoint.metricRelabelings ?? [])
      .filter(
        ({ action, sourceLabels, regex }: Json) =>
          action?.toLowerCase() === "drop" && `${sourceLabels}` === "__name__" && !elsewhere.includes(regex),
      )
      .map(({ regex }: Json) => ({ monitor: nameOf(object), pattern: regex }));
  });
