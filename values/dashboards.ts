/** The stack's dashboards as ConfigMaps that Grafana finds. */
import { dashboards } from "../dashboards";
import { build } from "../dashboards/kit";
import { minio } from "../dashboards/minio";
import { runbooks } from "../dashboards/runbooks";
import { dashboardLabel, folderAnnotation, namespaces } from "../names";
import type { Settings } from "../settings";

const configMap = (name: string, folder: string, data: Record<string, string>) => ({
  metadata: {
    name,
    namespace: namespaces.grafana,
    labels: { [dashboardLabel]: "1" },
    annotations: { [folderAnnotation]: folder },
  },
  data,
});

/** A ConfigMap for each dashboard, and one for all runbook pages; nothing of MinIO where there is none. */
export const dashboardConfigMaps = ({ objectStorage }: Settings) => [
  ...Object.entries(dashboards).flatMap(([folder, all]) =>
    all
      .filter(({ uid }) => uid !== minio.uid || objectStorage.kind === "minio")
      .map((dashboard) =>
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
