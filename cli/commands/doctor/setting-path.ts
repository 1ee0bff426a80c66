/** The setting that holds a pod's memory, disk or replicas. */
import { type NamespaceKey, namespaceKey } from "../../../names";
import type { Settings } from "../../../settings";
import { valueAt } from "../../../settings/tree";

const camel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Workloads whose section of the settings has another name: beginning of the pod's name without `namespaces.prefix` → section. */
const sections: [NamespaceKey, RegExp, string][] = [
  ["minio", /^minio/, "objectStorage.minio"],
  ["alloyLogs", /^/, "alloyLogs"],
  ["alloyMetrics", /^/, "alloyMetrics"],
  ["alloyTraces", /^/, "alloyTraces"],
  ["grafana", /^/, "grafana"],
  ["opentelemetry", /collector/, "openTelemetryOperator.collector"],
  ["opentelemetry", /^/, "openTelemetryOperator.operator"],
  ["monitoring", /^prometheus-/, "kubePrometheusStack.prometheus"],
  ["monitoring", /^alertmanager-/, "kubePrometheusStack.alertmanager"],
  ["monitoring", /^kps-operator/, "kubePrometheusStack.operator"],
  ["monitoring", /^kps-kube-state-metrics/, "kubePrometheusStack.kubeStateMetrics"],
  ["monitoring", /node-exporter/, "kubePrometheusStack.nodeExporter"],
  ["monitoring", /^cadvisor/, "cadvisor"],
];

/**
 * The setting that holds a field of a component.
 *
 * @param object name of a pod, workload or claim of it: `loki-ingester-0`, `storage-mimir-ingester-0`
 * @param field its last part: `memoryLimit`, `disk`, `replicas`
 * @returns its path, `loki.ingester.memoryLimit`; undefined if no such setting is in force
 */
export function settingPath(
  settings: Settings,
  namespace: string,
  object: string,
  field: string,
): string | undefined {
  const key = namespaceKey(settings, namespace);
  if (!key) return undefined;
  const { prefix } = settings.namespaces;
  const bare = object.startsWith(prefix) ? object.slice(prefix.length) : object;
  const section = sections.find(([where, name]) => where === key && name.test(bare))?.[2];
  const component = new RegExp(`(?:^|-)${key}-([a-z-]*[a-z])`).exec(object)?.[1] ?? "";
  // A pod's name ends with hashes: the longest beginning that is a setting is the component.
  const words = component.split("-");
  const candidates = section
    ? [section]
    : words.map((_, index) => `${key}.${camel(words.slice(0, words.length - index).join("-"))}`);
  return candidates
    .map((path) => `${path}.${field}`)
    .find((path) => valueAt(settings, path.split(".")) !== undefined);
}

/** The fix for a component's field that is too small. */
export function raise(settings: Settings, namespace: string, object: string, field: string): string {
  const path = settingPath(settings, namespace, object, field);
  return path
    ? `raise it: pulumi config set --path ${path} <size>, then ./obs up (docs/guides/sizing.md has the sizes)`
    : "raise it in the owner of the pod; this stack has no setting for it";
}
