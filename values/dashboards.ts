/** ConfigMaps with the stack's dashboards for Grafana. */
import { dashboards } from "../dashboards";
import { build } from "../dashboards/kit";
import { longRange } from "../dashboards/long-range";
import { minio } from "../dashboards/minio";
import { runbooks } from "../dashboards/runbooks";
import { dashboardLabel, folderAnnotation, namespaces } from "../names";
import type { Settings } from "../settings";
import { renamed } from "./renamed";

const configMap = (settings: Settings, name: string, folder: string, data: Record<string, string>) => ({
  metadata: {
    name,
    namespace: namespaces(settings).grafana,
    labels: { [dashboardLabel]: "1" },
    annotations: { [folderAnnotation]: folder },
  },
  data,
});

/** Dashboards of optional components, and whether the stack has the component. */
const optional: Record<string, (settings: Settings) => boolean> = {
  [minio.uid]: ({ objectStorage }) => objectStorage.kind === "minio",
  [longRange.uid]: ({ mimir }) => mimir.rollups.enabled,
};

const models = new Map<string, ReturnType<typeof build>>();
/** A dashboard in Grafana's JSON model, with the default names of namespaces; each is built once. */
function modelOf(dashboard: Parameters<typeof build>[0]): ReturnType<typeof build> {
  const model = models.get(dashboard.uid) ?? build(dashboard);
  models.set(dashboard.uid, model);
  return model;
}

/**
 * A ConfigMap for each dashboard, and one for all runbook pages. Dashboards of MinIO and downsampling are omitted if
 * the stack has neither.
 */
export const dashboardConfigMaps = (settings: Settings) => [
  ...Object.entries(dashboards).flatMap(([folder, all]) =>
    all
      .filter(({ uid }) => optional[uid]?.(settings) ?? true)
      .map((dashboard) =>
        configMap(settings, `dashboard-${dashboard.uid}`, folder, {
          [`${dashboard.uid}.json`]: JSON.stringify(renamed(settings, modelOf(dashboard))),
        }),
      ),
  ),
  configMap(
    settings,
    "dashboard-runbooks",
    "Runbooks",
    Object.fromEntries(
      runbooks(settings.namespaces.prefix).map((page) => [
        `${page.uid}.json`,
        JSON.stringify(renamed(settings, page)),
      ]),
    ),
  ),
];
