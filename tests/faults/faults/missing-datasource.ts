import { withGrafana } from "../../../cli/lib/grafana";
import { datasources } from "../../../names";
import type { Cluster, Fault } from "../fault";
import { change, type Header } from "../fault";

const configuration: Header = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "grafana", namespace: "grafana" },
};
const file = "datasources.yaml";

let before: string | undefined;

/** Makes Grafana read its provisioning again, as a restart would. */
const reload = (cluster: Cluster) =>
  withGrafana(cluster, ({ json }) => json("/api/admin/provisioning/datasources/reload", {}));

/** A user removes the data source Loki from Grafana's ConfigMap. */
export const fault: Fault = {
  name: "missing-datasource",
  async make(cluster) {
    const { data } = await cluster.core.readNamespacedConfigMap({ namespace: "grafana", name: "grafana" });
    before = data?.[file];
    const text = before?.replace(new RegExp(`uid: "?${datasources.loki.uid}"?$`, "m"), "uid: another");
    if (!text || text === before)
      throw new Error(`ConfigMap grafana has no datasource ${datasources.loki.uid}`);
    await change(cluster, configuration, { data: { [file]: text } });
  },
  async fix(cluster) {
    if (before === undefined) return;
    await change(cluster, configuration, { data: { [file]: before } });
    await reload(cluster).catch(() => undefined);
    before = undefined;
  },
  expected: /ConfigMap grafana\/grafana was changed by hand: data\["datasources.yaml"\]/,
  page: "docs/operations/runbook.md#components",
};
