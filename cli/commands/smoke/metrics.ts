/** Test 4: scraped and written metrics are found in Mimir through Grafana. */
import { smokeTest, tenantIn, tenants } from "../../../names";
import { queryMimir } from "../../lib/prometheus";
import { type Check, evidence } from "./check";
import { isolated, written } from "./tenants";
import { healthy, samplesOf } from "./view";

/** Sources that are scraped, with a metric that only the source has. */
const scraped = {
  "kube-state-metrics": "kube_pod_info",
  "node-exporter": "node_cpu_seconds_total",
  "the kubelet": "kubelet_running_pods",
  "cAdvisor or the kubelet": "container_cpu_usage_seconds_total",
};

export const metrics: Check = {
  number: 4,
  name: "its metrics are found in Mimir through Grafana",
  needs: [1, 2],
  async show(context) {
    const { settings, stores, run, view, until } = context;
    const { annotatedPods, scrapeInterval } = settings.alloyMetrics;
    const found = await healthy(view, ["prometheus"]);
    if (annotatedPods) {
      const query = `obs_smoke_lines_total{namespace="${smokeTest.namespace}", run="${run}", cluster="${settings.cluster.name}"}`;
      const [sample] = await until(60 + 3 * scrapeInterval, query, () => samplesOf(view, query));
      found.push(evidence(`${query}, ${view.how}`, `${sample?.value}`));
    } else
      found.push(evidence("the application's counter", "not scraped: alloyMetrics.annotatedPods is off"));
    // The tenants belong to the stack of the hub.
    if (!settings.hub) found.push(...(await written(context)), ...(await isolated(context)));
    const tenant = tenantIn(tenants.nodes, settings);
    const counts = Object.entries(scraped).map(async ([source, name]) => {
      const [sample] = await until(90, `${name} of ${source}`, () =>
        queryMimir(stores, tenant, `count(${name})`),
      );
      return `${name} ${sample?.value}`;
    });
    const series = (await Promise.all(counts)).join(", ");
    return [...found, evidence(`series scraped into ${tenant}`, series)];
  },
};
