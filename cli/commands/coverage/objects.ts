/** The queries in objects of the cluster and of Grafana: rules, autoscalers, dashboards. */
import { dashboardLabel, datasources, owner as labels } from "../../../names";
import type { Settings } from "../../../settings";
import { readingsOf } from "./dashboards";
import type { Reading, Source, Unjudged } from "./model";
import { ofAddress, ofTenants, resolve } from "./sources";

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds are read deeply
type Json = any;

/** All that reads metrics, and what could not be judged. */
export interface Found {
  readings: Reading[];
  unjudged: Unjudged[];
  /** Sources of rules that no data source of Grafana has. */
  sources: Source[];
}

const nameOf = ({ kind, metadata }: Json) => `${kind} ${metadata.namespace}/${metadata.name}`;

/** The rules of a PrometheusRule: Mimir's ruler evaluates those with the label of a tenant. */
function ofRule(object: Json): Found {
  const tenant = object.metadata.labels?.[labels.ruleTenant];
  const read = object.metadata.annotations?.[labels.sourceTenants];
  const tenants = (read ?? tenant ?? "").split(",").map((one: string) => one.trim());
  const source = tenant ? ofTenants(tenants) : { ...datasources.prometheus, users: [] };
  const rules: Json[] = (object.spec?.groups ?? []).flatMap((group: Json) => group.rules ?? []);
  const readings = rules.map(
    ({ alert, record, expr }): Reading => ({
      kind: alert ? "alert" : "recording rule",
      owner: nameOf(object),
      item: alert ?? record,
      source: source.uid,
      expr: String(expr),
      ...(record && { records: record }),
    }),
  );
  return { readings, unjudged: [], sources: [source] };
}

/** The Prometheus triggers of a ScaledObject. */
function ofScaledObject(settings: Settings, object: Json): Found {
  const found: Found = { readings: [], unjudged: [], sources: [] };
  const triggers = (object.spec?.triggers ?? []).filter(({ type }: Json) => type === "prometheus");
  for (const { metadata, name } of triggers) {
    const [owner, item] = [nameOf(object), name ?? metadata.metricName ?? "prometheus trigger"];
    const source = ofAddress(settings, metadata.serverAddress ?? "");
    if ("uid" in source)
      found.readings.push({
        kind: "autoscaler",
        owner,
        item,
        source: source.uid,
        expr: metadata.query ?? "",
      });
    else found.unjudged.push({ owner, item, why: source.why });
  }
  return found;
}

/** The dashboards of a ConfigMap with the label that Grafana's sidecar reads. */
function ofConfigMap(object: Json, sources: Source[], watched: string[]): Found {
  const found: Found = { readings: [], unjudged: [], sources: [] };
  const { labels = {}, namespace } = object.metadata;
  if (!(dashboardLabel in labels)) return found;
  if (!watched.includes(namespace)) {
    const why = `Grafana does not load it: add ${namespace} to grafana.dashboards.namespaces`;
    return { ...found, unjudged: [{ owner: nameOf(object), item: "all dashboards", why }] };
  }
  for (const [file, text] of Object.entries<string>(object.data ?? {}).filter(([name]) =>
    name.endsWith(".json"),
  )) {
    try {
      const model = JSON.parse(text);
      const owner = `dashboard ${model.title ?? file} (${nameOf(object)})`;
      const { readings, unjudged } = readingsOf(owner, model, sources);
      found.readings.push(...readings);
      found.unjudged.push(...unjudged);
    } catch (error) {
      found.unjudged.push({ owner: nameOf(object), item: file, why: (error as Error).message });
    }
  }
  return found;
}

/** The queries of a Grafana-managed alert rule. */
function ofGrafanaAlert({ title, data = [] }: Json, sources: Source[]): Found {
  const found: Found = { readings: [], unjudged: [], sources: [] };
  for (const { datasourceUid, model } of data) {
    if (datasourceUid === "__expr__" || typeof model?.expr !== "string") continue;
    const [owner, item] = ["Grafana alert rule", title];
    const source = resolve(sources, new Map(), { uid: datasourceUid, type: model.datasource?.type });
    if ("uid" in source)
      found.readings.push({ kind: "alert", owner, item, source: source.uid, expr: model.expr });
    else found.unjudged.push({ owner, item, why: source.why });
  }
  return found;
}

/** What the cluster and Grafana hold that may read metrics. */
export interface Objects {
  rules: Json[];
  scaledObjects: Json[];
  configMaps: Json[];
  /** Dashboards that were made in Grafana: JSON models. */
  dashboards: Json[];
  /** Alert rules that were made in Grafana. */
  alerts: Json[];
}

/** All queries of PromQL in them. @param watched namespaces whose ConfigMaps Grafana loads */
export function readersIn(settings: Settings, objects: Objects, sources: Source[], watched: string[]): Found {
  const all: Found[] = [
    ...objects.rules.map(ofRule),
    ...objects.scaledObjects.map((object) => ofScaledObject(settings, object)),
    ...objects.configMaps.map((object) => ofConfigMap(object, sources, watched)),
    ...objects.alerts.map((alert) => ofGrafanaAlert(alert, sources)),
    ...objects.dashboards.map((model) => ({
      ...readingsOf(`dashboard ${model.title} (made in Grafana)`, model, sources),
      sources: [],
    })),
  ];
  return {
    readings: all.flatMap(({ readings }) => readings),
    unjudged: all.flatMap(({ unjudged }) => unjudged),
    sources: all.flatMap((one) => one.sources),
  };
}

/** HPAs on custom or external metrics that cannot read them, as their controller says. */
export function blindAutoscalers(hpas: Json[]): { owner: string; text: string }[] {
  return hpas.flatMap((object) => {
    const failed = (object.status?.conditions ?? []).find(
      ({ type, status, reason }: Json) =>
        type === "ScalingActive" &&
        status === "False" &&
        /^FailedGet(External|Pods|Object)Metric$/.test(reason),
    );
    return failed
      ? [{ owner: nameOf({ kind: "HorizontalPodAutoscaler", ...object }), text: failed.message }]
      : [];
  });
}

/** The metrics that monitors drop after a scrape, by rules about the name alone. */
export function dropsOf(monitors: Json[]): { monitor: string; pattern: string }[] {
  return monitors.flatMap((object) => {
    const { endpoints = [], podMetricsEndpoints = [], metricRelabelings = [] } = object.spec ?? {};
    const all = [...endpoints, ...podMetricsEndpoints].flatMap(
      (endpoint: Json) => endpoint.metricRelabelings ?? [],
    );
    const drops = [...all, ...metricRelabelings].filter(
      ({ action, sourceLabels }: Json) =>
        action?.toLowerCase() === "drop" && `${sourceLabels}` === "__name__",
    );
    return drops.map(({ regex }: Json) => ({ monitor: nameOf(object), pattern: regex }));
  });
}
