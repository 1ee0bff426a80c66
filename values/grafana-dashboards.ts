/** Namespaces whose dashboards Grafana loads, and its permission to read them. */
import { namespaces, releases } from "../names";
import type { Settings } from "../settings";

/**
 * Namespaces in whose ConfigMaps Grafana finds dashboards: the stack's, kube-prometheus-stack's, and those of the
 * settings.
 */
export const dashboardNamespaces = (settings: Settings): string[] => [
  ...new Set([
    namespaces(settings).grafana,
    namespaces(settings).monitoring,
    ...settings.grafana.dashboards.namespaces,
  ]),
];

/** Grafana's permission to read dashboards in each of those namespaces. */
export const dashboardReader = (settings: Settings) =>
  dashboardNamespaces(settings).map((namespace) => {
    const metadata = { name: "grafana-dashboards", namespace };
    return {
      namespace,
      role: {
        metadata,
        rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] }],
      },
      binding: {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name },
        subjects: [
          { kind: "ServiceAccount", name: releases.grafana, namespace: namespaces(settings).grafana },
        ],
      },
    };
  });
