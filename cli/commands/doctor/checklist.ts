/** `obs doctor --checklist`: the infrastructure checklist of the lab, each line with what was seen. */
import { CoreV1Api, CustomObjectsApi, type V1Pod } from "@kubernetes/client-node";
import { dashboardLabel, type NamespaceKey, namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import { table } from "../../lib/table";
import type { Context, Finding } from "./check";
import { check as buckets } from "./checks/buckets";
import { check as datasources } from "./checks/datasources";
import { judgeReady, type Said } from "./checks/ready";
import { total } from "./metrics";
import { fromPrometheus } from "./prometheus";
import { askPod, type Reading, readings, talkers } from "./readings";

/** A line of the checklist. */
export interface Line {
  /** As the lab has it. */
  line: string;
  ok: boolean;
  /** What was seen. */
  evidence: string;
}

const isReady = ({ status }: V1Pod) =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;

/** Whether all pods of a namespace that do not end by themselves are ready, and there are some. */
export function podsLine(
  settings: Settings,
  line: string,
  pods: V1Pod[],
  key: NamespaceKey,
  label?: string,
): Line {
  const own = pods.filter(
    ({ metadata }) =>
      metadata?.namespace === namespaces(settings)[key] &&
      !metadata.ownerReferences?.some(({ kind }) => kind === "Job") &&
      (!label || metadata.labels?.["app.kubernetes.io/name"] === label),
  );
  const not = own.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata?.name);
  return {
    line,
    ok: own.length > 0 && not.length === 0,
    evidence: `${own.length - not.length} of ${own.length} pods are ready${not.length ? `; not: ${not.join(", ")}` : ""}`,
  };
}

/** A line about something that is counted. */
export const countLine = (line: string, count: number, least: number, what: string): Line => ({
  line,
  ok: count >= least,
  evidence: `${count} ${what}`,
});

/** A line that findings may spoil. */
const spoiled = (line: Line, findings: Finding[]): Line =>
  findings.length ? { ...line, ok: false, evidence: findings.map(({ what }) => what).join("; ") } : line;

const counter = (all: Reading[], namespace: string, name: string): number =>
  total(all.filter((one) => one.namespace === namespace).flatMap(({ now }) => now(name)));

/** Looks at all 14 lines. */
export async function checklist(context: Context): Promise<Line[]> {
  const { config, settings, cluster } = context;
  const custom = config.makeApiClient(CustomObjectsApi);
  const core = config.makeApiClient(CoreV1Api);
  const said = async () =>
    Promise.all(
      (await talkers(context)).map((talker) =>
        askPod(context, talker, talker.paths.ready).then(
          ({ status, body }): Said => ({ talker, status, text: body }),
          (error: Error): Said => ({ talker, text: error.message }),
        ),
      ),
    );
  const [pods, all, ready, bucket, datasource, targets, rules, dashboards, instrumented] = await Promise.all([
    cluster.pods(),
    readings(context),
    said(),
    buckets.look(context),
    datasources.look(context),
    fromPrometheus(context, "/api/v1/targets?state=active"),
    fromPrometheus(context, "/api/v1/rules?type=alert&exclude_alerts=true"),
    core.listConfigMapForAllNamespaces({ labelSelector: dashboardLabel }),
    custom
      .listClusterCustomObject({ group: "opentelemetry.io", version: "v1alpha1", plural: "instrumentations" })
      .then(({ items }: { items: unknown[] }) => items.length)
      .catch(() => 0),
  ]);
  const notReady = (key: NamespaceKey) =>
    judgeReady(
      ready.filter(({ talker }) => talker.namespace === namespaces(settings)[key]),
      Date.now(),
    );
  const store = (line: string, key: "loki" | "mimir" | "tempo") =>
    spoiled(podsLine(settings, line, pods, key), notReady(key));
  const jobs = new Set<string>(
    (targets?.activeTargets ?? [])
      .filter(({ health }: { health: string }) => health === "up")
      .map(({ labels }: { labels: Record<string, string> }) => labels["job"] ?? ""),
  );
  const own = ["loki", "mimir", "tempo", "alloy-logs", "alloy-metrics", "alloy-traces", "grafana"];
  const watched = own.filter((name) => [...jobs].some((job) => job === name || job.startsWith(`${name}/`)));
  const alerts = (rules?.groups ?? []).flatMap(({ rules: list }: { rules: unknown[] }) => list).length;
  const { kind, buckets: named } = settings.objectStorage;
  const storage =
    kind === "minio"
      ? podsLine(settings, "MinIO deployed and buckets created", pods, "minio")
      : { line: "MinIO deployed and buckets created", ok: true, evidence: "object storage is external" };
  const sources = (grafanaDatasources(settings)["datasources"] as unknown[]).length;
  const sent = counter(all, namespaces(settings).alloyLogs, "otelcol_exporter_sent_log_records_total");
  const samples = counter(all, namespaces(settings).alloyMetrics, "prometheus_remote_storage_samples_total");
  const spans = counter(all, namespaces(settings).alloyTraces, "otelcol_receiver_accepted_spans_total");
  const list = (line: string, key: NamespaceKey, evidence: string, ok: boolean): Line => {
    const found = podsLine(settings, line, pods, key);
    return { ...found, ok: found.ok && ok, evidence: `${found.evidence}; ${evidence}` };
  };
  return [
    spoiled(
      { ...storage, evidence: `${storage.evidence}; ${Object.keys(named).length} buckets are read` },
      bucket,
    ),
    store("Loki works, all its components", "loki"),
    store("Mimir works, all its components", "mimir"),
    store("Tempo works, all its components", "tempo"),
    list(
      "Alloy collects the cluster's logs",
      "alloyLogs",
      `${sent} lines sent to Loki since its start`,
      sent > 0,
    ),
    list(
      "Alloy scrapes kube-state-metrics and node-exporter",
      "alloyMetrics",
      `${samples} samples sent to Mimir since its start`,
      samples > 0,
    ),
    list(
      "Alloy receives OTLP traces",
      "alloyTraces",
      spans
        ? `${spans} spans received since its start`
        : "listens; no application has sent a span since its start",
      true,
    ),
    spoiled(
      list("Grafana deployed with its datasources", "grafana", `${sources} datasources`, true),
      datasource,
    ),
    list(
      "OpenTelemetry Operator installed",
      "opentelemetry",
      `${instrumented} Instrumentations`,
      instrumented > 0,
    ),
    settings.cadvisor.enabled
      ? podsLine(settings, "cAdvisor gives metrics", pods, "monitoring", "cadvisor")
      : {
          line: "cAdvisor gives metrics",
          ok: true,
          evidence: "cadvisor.enabled is false: the kubelet's own are read",
        },
    podsLine(settings, "kube-prometheus-stack deployed", pods, "monitoring"),
    {
      line: "The stack watches itself",
      ok: watched.length === own.length,
      evidence: `Prometheus scrapes ${watched.join(", ") || "none of it"}`,
    },
    countLine("Dashboards provisioned", dashboards.items.length, 1, "ConfigMaps with dashboards"),
    countLine("Alerts configured", alerts, 1, "alerting rules in Prometheus"),
  ];
}

/** Prints the checklist. @returns the exit code: 0 where every line is well, else 2 */
export async function tellChecklist(context: Context, json: boolean): Promise<number> {
  const lines = await checklist(context);
  const ok = lines.every((line) => line.ok);
  if (json) console.log(JSON.stringify({ stack: context.stack, ok, lines }, null, 2));
  else console.log(table(lines.map(({ line, ok, evidence }) => [ok ? "ok" : "NOT", line, evidence])));
  return ok ? 0 : 2;
}
