/** Reads the objects of the cluster and of Grafana that may have queries. */
import { AutoscalingV2Api, CoreV1Api, CustomObjectsApi, type KubeConfig } from "@kubernetes/client-node";
import { dashboardLabel } from "../../../names";
import type { Connection } from "../../lib/cluster";
import { type Grafana, withGrafana } from "../../lib/grafana";
import type { Json } from "../../lib/objects";
import { ifExists } from "../../lib/objects";
import type { Unjudged } from "./model";
import type { Objects } from "./objects";

/** The objects of a custom resource, with their kind; none without its CRD. */
export async function customObjects(config: KubeConfig, apiVersion: string, kind: string): Promise<Json[]> {
  const [group = "", version = ""] = apiVersion.split("/");
  const plural = `${kind.toLowerCase()}s`;
  const api = config.makeApiClient(CustomObjectsApi);
  const list = await ifExists(api.listClusterCustomObject({ group, version, plural }));
  return list?.items.map((item: Json) => ({ ...item, kind })) ?? [];
}

/** The rules, autoscalers of KEDA and monitors of the cluster. */
export async function readCustom(
  config: KubeConfig,
): Promise<Pick<Objects, "rules" | "scaledObjects" | "monitors">> {
  const [scaledObjects = [], rules = [], ...monitors] = await Promise.all([
    customObjects(config, "keda.sh/v1alpha1", "ScaledObject"),
    ...["PrometheusRule", "ServiceMonitor", "PodMonitor", "Probe"].map((kind) =>
      customObjects(config, "monitoring.coreos.com/v1", kind),
    ),
  ]);
  return { rules, scaledObjects, monitors: monitors.flat() };
}

/** Dashboards and alert rules that were made in Grafana; provisioned ones are in ConfigMaps. */
export async function madeInGrafana(
  grafana: Pick<Grafana, "json">,
): Promise<Pick<Objects, "dashboards" | "alerts">> {
  const dashboards: Json[] = [];
  const found: { uid: string }[] = await grafana.json("/api/search?type=dash-db&limit=5000");
  for (const { uid } of found) {
    const { meta, dashboard } = await grafana.json(`/api/dashboards/uid/${uid}`);
    if (!meta.provisioned) dashboards.push(dashboard);
  }
  return { dashboards, alerts: await grafana.json("/api/v1/provisioning/alert-rules") };
}

/** All of them, and what could not be read. */
export async function readObjects(
  connection: Connection,
): Promise<{ objects: Objects; unjudged: Unjudged[] }> {
  const { config } = connection;
  const unjudged: Unjudged[] = [];
  const [custom, configMaps, hpas, inGrafana] = await Promise.all([
    readCustom(config),
    config.makeApiClient(CoreV1Api).listConfigMapForAllNamespaces({ labelSelector: dashboardLabel }),
    config.makeApiClient(AutoscalingV2Api).listHorizontalPodAutoscalerForAllNamespaces(),
    withGrafana(connection, madeInGrafana).catch((error: Error) => {
      unjudged.push({ owner: "Grafana", item: "dashboards and alerts made in Grafana", why: error.message });
      return { dashboards: [], alerts: [] };
    }),
  ]);
  return { objects: { ...custom, configMaps: configMaps.items, hpas: hpas.items, ...inGrafana }, unjudged };
}
