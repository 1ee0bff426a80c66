/** Test 4: metrics are found in Mimir through Grafana. What is scraped is there (R6.5), what is written is found (R3.7). */
import { smokeTest, tenants } from "../../../names";
import type { Check, Evidence } from "./check";
import { instant, samplesOf } from "./promql";
import { tenantsApart, written } from "./tenants";
import { healthy } from "./view";

export { instant };

/** What is scraped from each source, by a metric that only it has. */
const scraped = {
  "kube-state-metrics": "kube_pod_info",
  "node-exporter": "node_cpu_seconds_total",
  "the kubelet": "kubelet_running_pods",
  "cAdvisor or the kubelet": "container_cpu_usage_seconds_total",
};

export const metrics: Check[] = [
  {
    number: 4,
    name: "its metrics are found in Mimir through Grafana",
    needs: [1, 2],
    async show(context) {
      const { config, settings, run, view, until } = context;
      const evidence: Evidence[] = await healthy(view, ["prometheus"]);
      if (settings.alloyMetrics.annotatedPods) {
        const query = `obs_smoke_lines_total{namespace="${smokeTest.namespace}", run="${run}"}`;
        const within = 60 + 3 * settings.alloyMetrics.scrapeInterval;
        const [sample] = await until(within, query, async () => {
          const samples = await samplesOf(view, query);
          return samples.length ? samples : undefined;
        });
        evidence.push({ asked: `${query}, ${view.how}`, answer: `${sample?.value[1]}` });
      } else
        evidence.push({
          asked: "the application's counter",
          answer: "not looked for: alloyMetrics.annotatedPods is off, so its annotation is not read",
        });
      evidence.push(...(await written(context)), ...(await tenantsApart(context)));
      const found = Object.entries(scraped).map(async ([source, name]) => {
        const count = await until(90, `${name} of ${source}`, async () => {
          const [sample] = await instant(config, settings, tenants.nodes, `count(${name})`);
          return sample?.value[1];
        });
        return `${name} ${count}`;
      });
      const series = (await Promise.all(found)).join(", ");
      return [...evidence, { asked: `what is scraped into ${tenants.nodes}, in series`, answer: series }];
    },
  },
];
