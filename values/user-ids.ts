/**
 * Users and groups of pods. OpenShift assigns them from the range of each namespace, and rejects a pod with others:
 * https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/authentication_and_authorization/managing-pod-security-policies
 */
import { releases } from "../names";
import type { Settings } from "../settings";
import { isTree, merge } from "../settings/tree";
import type { Values } from "./shared";

/** Whether the cluster assigns users and groups to pods. */
export const assignsUsers = ({ cluster }: Settings): boolean => cluster.platform === "openshift";

const user = ["runAsUser", "runAsGroup"];
const ids = [...user, "fsGroup"];

/** User and groups of a pod that does not come from a chart; none if the cluster assigns them. */
export const podUser = <T extends object>(settings: Settings, own: T): T | Record<string, never> =>
  assignsUsers(settings) ? {} : own;

/** Security contexts of the charts, by release: the path, and its keys. */
const chartContexts: Record<string, Record<string, string[]>> = {
  [releases.loki]: {
    "loki.podSecurityContext": ids,
    "gateway.podSecurityContext": ids,
    "memcached.podSecurityContext": ids,
  },
  [releases.mimir]: { "rbac.podSecurityContext": ids },
  [releases.tempo]: { "tempo.securityContext": user, "tempo.podSecurityContext": ["fsGroup"] },
  [releases.grafana]: { securityContext: ids },
  [releases.kubePrometheusStack]: {
    "alertmanager.alertmanagerSpec.securityContext": ids,
    "prometheus.prometheusSpec.securityContext": ids,
    "prometheusOperator.securityContext": ids,
    "prometheusOperator.admissionWebhooks.patch.securityContext": user,
    "kube-state-metrics.securityContext": ids,
  },
  [releases.openTelemetryOperator]: { securityContext: ids },
  [releases.metricsServer]: { securityContext: ["runAsUser"] },
  [releases.verticalPodAutoscaler]: {
    podSecurityContext: ["runAsUser"],
    "admissionController.certGen.podSecurityContext": ["runAsUser"],
  },
};

/** The same values without the keys of users and groups. */
function withoutIds(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutIds);
  if (!isTree(node)) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => !ids.includes(key))
      .map(([key, value]) => [key, withoutIds(value)]),
  );
}

/** Values that remove keys of a chart's security context. */
const removed = ([path, keys]: [string, string[]]): Values =>
  path
    .split(".")
    .reduceRight<Values>(
      (inner, key) => ({ [key]: inner }),
      Object.fromEntries(keys.map((key) => [key, null])),
    );

/**
 * A release's values for the cluster: without fixed users if the cluster assigns them. Alloy for logs and node-exporter
 * keep theirs, because they read files of the node: `nodeAgentConstraints` allows it.
 */
export function platformValues(settings: Settings, release: string, values: Values): Values {
  if (!assignsUsers(settings) || release === releases.alloyLogs) return values;
  const contexts = Object.entries(chartContexts[release] ?? {});
  return contexts.map(removed).reduce<unknown>(merge, withoutIds(values)) as Values;
}
