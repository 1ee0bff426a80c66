/** The stack's dashboards as ConfigMaps that Grafana finds. */
import { dashboards } from "../dashboards";
import { build } from "../dashboards/kit";
import { runbooks } from "../dashboards/runbooks";
import { dashboardLabel, folderAnnotation, namespaces } from "../names";

const configMap = (name: string, folder: string, data: Record<string, string>) => ({
  metadata: {
    name,
    namespace: namespaces.grafana,
    labels: { [dashboardLabel]: "1" },
    annotations: { [folderAnnotation]: folder },
  },
  data,
});

/** A ConfigMap for each dashboard, and one for all runbook pages. */
export const dashboardConfigMaps = () => [
  ...Object.entries(dashboards).flatMap(([folder, all]) =>
    all.map((dashboard) =>
      configMap(`dashboard-${dashboard.uid}`, folder, {
        [`${dashboard.uid}.json`]: JSON.stringify(build(dashboard)),
      }),
    ),
  ),
  configMap(
    "dashboard-runbooks",
    "Runbooks",
    Object.fromEntries(runbooks().map((page) => [`${page.uid}.json`, JSON.stringify(page)])),
  ),
];
