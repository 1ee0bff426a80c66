/**
 * Grafana's data sources and the links between them:
 * https://grafana.com/docs/grafana/latest/administration/provisioning/#data-sources
 */
import {
  datasources,
  datasourceTenants,
  gatewayUser,
  longRangeTenants,
  mimirTenants,
  readerOf,
  type Store,
  tenants,
  urls,
} from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { answerTimeout } from "../settings/queries";
import { goDuration } from "../settings/units";
import { passwordFile } from "./gateway";
import { checksum, type Values } from "./shared";

/** A trace ID in a line of JSON or logfmt, in any common spelling. */
const traceId = '"?(?:trace_?id|traceI[dD]|TraceI[dD])"?\\s*[:=]\\s*"?([0-9a-fA-F]{32})';

/** Credentials for a store; Grafana reads the password from its file during provisioning. */
const as = (store: Store, basicAuthUser: string) => ({
  basicAuth: true,
  basicAuthUser,
  secureJsonData: { basicAuthPassword: `$__file{${passwordFile([store, basicAuthUser])}}` },
});

const reader = (store: Store, tenant: string) => as(store, gatewayUser(tenant, "read"));

/** Link from an exemplar to its trace. */
const exemplars = {
  exemplarTraceIdDestinations: [{ name: "trace_id", datasourceUid: datasources.tempo.uid }],
};

/** The tenants of Mimir whose ruler and Alertmanager users need. A query would create a removed agent's Alertmanager again. */
const ruled = (settings: Settings): string[] => [tenants.pods, tenants.nodes, ...sendingAgents(settings)];

/** The identifier of a tenant's data source. Grafana does not start with one of more than 40 characters. */
function uidOf(type: "alertmanager" | Store, tenant: string): string {
  const uid = `${type}-${tenant}`;
  return uid.length > 40 ? `${type}-${checksum(tenant).slice(0, 24)}` : uid;
}
const alertmanagerOf = (tenant: string) => uidOf("alertmanager", tenant);

/** A data source for one tenant of Mimir, or for several as one, joined by `|`. */
function mimir(
  settings: Settings,
  { name, uid }: { name: string; uid: string },
  tenant: string,
  user = gatewayUser(tenant, "read"),
): Values {
  const ruledHere = ruled(settings).includes(tenant);
  return {
    name,
    uid,
    type: "prometheus",
    url: `${urls(settings).mimir}/prometheus`,
    ...as("mimir", user),
    jsonData: {
      ...exemplars,
      httpMethod: "POST",
      prometheusType: "Mimir",
      timeInterval: goDuration(settings.alloyMetrics.scrapeInterval),
      manageAlerts: ruledHere,
      ...(ruledHere && { alertmanagerUid: alertmanagerOf(tenant) }),
    },
  };
}

/**
 * The raw and downsampled tenants, where each series has the label `__tenant_id__`. A query without that label selects
 * all of them.
 */
const longRange = (settings: Settings): Values => mimir(settings, datasources.longRange, longRangeTenants);

function prometheus(settings: Settings): Values {
  return {
    ...datasources.prometheus,
    type: "prometheus",
    url: urls(settings).prometheus,
    // The dashboards of kube-prometheus-stack use the default data source.
    isDefault: true,
    jsonData: {
      ...exemplars,
      httpMethod: "POST",
      prometheusType: "Prometheus",
      timeInterval: goDuration(settings.kubePrometheusStack.prometheus.scrapeInterval),
      manageAlerts: true,
      alertmanagerUid: datasources.alertmanager.uid,
    },
  };
}

function loki(settings: Settings, { name, uid }: { name: string; uid: string }, user: string): Values {
  return {
    name,
    uid,
    type: "loki",
    url: urls(settings).loki,
    ...as("loki", user),
    jsonData: {
      maxLines: 1000,
      derivedFields: [
        {
          name: "Trace",
          matcherType: "regex",
          matcherRegex: traceId,
          datasourceUid: datasources.tempo.uid,
          // Two dollar signs, because one starts an environment variable.
          url: "$${__value.raw}",
          urlDisplayLabel: "Open the trace",
        },
      ],
    },
  };
}

/**
 * Links from a span to its pod's logs of the same time, to its service's rates, and to the service graph.
 *
 * @param related data sources, and whether their metrics are of several clusters
 */
function tempo(
  settings: Settings,
  { name, uid }: { name: string; uid: string },
  user: string,
  related: { logs: string; metrics: string; clusters?: true },
): Values {
  const calls = (selector: string) => `sum(rate(traces_spanmetrics_calls_total{${selector}}[5m]))`;
  return {
    name,
    uid,
    type: "tempo",
    url: urls(settings).tempo,
    ...as("tempo", user),
    jsonData: {
      tracesToLogsV2: {
        datasourceUid: related.logs,
        spanStartTimeShift: "-10m",
        spanEndTimeShift: "10m",
        tags: [
          { key: "k8s.namespace.name", value: "namespace" },
          { key: "k8s.pod.name", value: "pod_name" },
        ],
        filterByTraceID: true,
        filterBySpanID: false,
      },
      tracesToMetrics: {
        datasourceUid: related.metrics,
        spanStartTimeShift: "-15m",
        spanEndTimeShift: "15m",
        tags: [
          { key: "service.name", value: "service" },
          // Services of several clusters have the same name.
          ...(related.clusters ? [{ key: "k8s.cluster.name", value: "cluster" }] : []),
        ],
        queries: [
          { name: "Requests", query: calls("$$__tags") },
          { name: "Failed", query: calls('$$__tags, status_code="STATUS_CODE_ERROR"') },
          {
            name: "Duration, p95",
            query:
              "histogram_quantile(0.95, sum by (le) (rate(traces_spanmetrics_latency_bucket{$$__tags}[5m])))",
          },
        ],
      },
      serviceMap: { datasourceUid: related.metrics },
      nodeGraph: { enabled: true },
      traceQuery: { timeShiftEnabled: true, spanStartTimeShift: "-1h", spanEndTimeShift: "1h" },
    },
  };
}

/** Prometheus' Alertmanager, and Mimir's for each tenant with rules. */
function alertmanagers(settings: Settings): Values[] {
  return [
    {
      ...datasources.alertmanager,
      type: "alertmanager",
      url: urls(settings).alertmanager,
      jsonData: { implementation: "prometheus", handleGrafanaManagedAlerts: false },
    },
    ...ruled(settings).map((tenant) => ({
      name: `Alertmanager of Mimir ${tenant}`,
      uid: alertmanagerOf(tenant),
      type: "alertmanager",
      url: urls(settings).mimir,
      ...reader("mimir", tenant),
      jsonData: { implementation: "mimir", handleGrafanaManagedAlerts: false },
    })),
  ];
}

/**
 * Logs and traces of each cluster's own tenant, whatever their `cluster` label. Loki can also tail only one tenant at a
 * time.
 */
const ofClusters = (settings: Settings): Values[] => {
  const agents = Object.keys(settings.agents);
  if (agents.length === 0) return [];
  const own = { logs: tenants.logs, traces: tenants.traces, metrics: datasources.mimir.uid };
  const clusters = [own, ...agents.map((one) => ({ logs: one, traces: one, metrics: uidOf("mimir", one) }))];
  return clusters.flatMap(({ logs, traces, metrics }) => [
    loki(settings, { name: `Loki ${logs}`, uid: uidOf("loki", logs) }, gatewayUser(logs, "read")),
    tempo(settings, { name: `Tempo ${traces}`, uid: uidOf("tempo", traces) }, gatewayUser(traces, "read"), {
      logs: uidOf("loki", logs),
      metrics,
    }),
  ]);
};

/** All data sources; those that are no longer listed are removed. */
export const grafanaDatasources = (settings: Settings): Values => ({
  apiVersion: 1,
  prune: true,
  datasources: [
    prometheus(settings),
    mimir(settings, datasources.mimir, datasourceTenants, readerOf("mimir", settings)),
    longRange(settings),
    ...[...mimirTenants(settings), ...Object.keys(settings.agents)].map((tenant) =>
      mimir(settings, { name: `Mimir ${tenant}`, uid: uidOf("mimir", tenant) }, tenant),
    ),
    loki(settings, datasources.loki, readerOf("loki", settings)),
    tempo(settings, datasources.tempo, readerOf("tempo", settings), {
      logs: datasources.loki.uid,
      metrics: datasources.mimir.uid,
      clusters: true,
    }),
    ...ofClusters(settings),
    ...alertmanagers(settings),
  ].map((datasource) => ({
    access: "proxy",
    editable: false,
    ...datasource,
    jsonData: { ...(datasource["jsonData"] as Values), timeout: answerTimeout(settings) },
  })),
});
