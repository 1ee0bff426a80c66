/** Metrics: what is scraped is there (R6.5), what is written is found (R3.7), and tenants are apart (R3.3). */
import type { KubeConfig } from "@kubernetes/client-node";
import { gatewayUser, services, tenants } from "../../names";
import { ask, bodyOf, type ServiceRequest } from "../service";
import { type Check, type Context, until } from "./check";

const metric = "obs_smoke";

/** A sample of PromQL's instant query. */
interface Sample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** What Mimir answers to an instant query. */
export async function instant(config: KubeConfig, tenant: string, query: string): Promise<Sample[]> {
  const path = `/prometheus/api/v1/query?${new URLSearchParams({ query })}`;
  return JSON.parse(await bodyOf(config, services.mimir, { path, as: gatewayUser(tenant, "read") })).data
    .result;
}

/** Writes one gauge, by OTLP. */
async function push({ config, run }: Context, tenant: string): Promise<void> {
  const attributes = [
    { key: "run", value: { stringValue: run } },
    { key: "tenant", value: { stringValue: tenant } },
  ];
  const point = { asDouble: 1, timeUnixNano: `${Date.now()}000000`, attributes };
  const metrics = [{ name: metric, gauge: { dataPoints: [point] } }];
  await bodyOf(config, services.mimir, {
    method: "POST",
    path: "/otlp/v1/metrics",
    as: gatewayUser(tenant, "write"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
  });
}

const namesOf = ({ settings }: Context) => Object.keys(settings.mimir.tenants);

/** What is scraped from each source, by a metric that only it has. */
const scraped = {
  "kube-state-metrics": "kube_pod_info",
  "node-exporter": "node_cpu_seconds_total",
  "the kubelet": "kubelet_running_pods",
  "cAdvisor or the kubelet": "container_cpu_usage_seconds_total",
};

export const metrics: Check[] = [
  {
    name: "a metric is written and found in each tenant",
    async show(context) {
      const found = namesOf(context).map(async (tenant) => {
        await push(context, tenant);
        const query = `${metric}{run="${context.run}"}`;
        const [sample] = await until(60, `${query} in ${tenant}`, async () => {
          const samples = await instant(context.config, tenant, query);
          return samples.length ? samples : undefined;
        });
        return `${tenant}: ${sample?.value[1]}`;
      });
      return `${metric}{run="${context.run}"} is ${(await Promise.all(found)).join(", ")}`;
    },
  },
  {
    name: "no tenant can read another's",
    async show(context) {
      const { config, run } = context;
      for (const tenant of namesOf(context)) {
        const seen = await instant(config, tenant, `${metric}{run="${run}"}`);
        const others = seen.map((sample) => sample.metric["tenant"]).filter((owner) => owner !== tenant);
        if (seen.length === 0) throw new Error(`${tenant} does not see its own ${metric}`);
        if (others.length) throw new Error(`${tenant} sees ${metric} of ${others.join(", ")}`);
      }
      const path = "/prometheus/api/v1/query?query=up";
      const expected = async (status: number, who: string, request: Partial<ServiceRequest>) => {
        const answer = await ask(config, services.mimir, { path, ...request });
        if (answer.status !== status)
          throw new Error(`a request ${who} is answered with ${answer.status}, not ${status}`);
      };
      const as = gatewayUser(tenants.pods, "read");
      await expected(401, "without a user", {});
      await expected(401, "with a tenant and no user", { headers: { "X-Scope-OrgID": tenants.pods } });
      await expected(403, "for another's tenant", { as, headers: { "X-Scope-OrgID": tenants.nodes } });
      await expected(403, "of a reader who writes", { as, method: "POST", path: "/otlp/v1/metrics" });
      return `each of ${namesOf(context).join(", ")} sees its own series alone; without a user 401, as another 403`;
    },
  },
  {
    name: "one query reads applications and infrastructure together",
    async show({ config, run }) {
      const both = [tenants.pods, tenants.nodes];
      const seen = await instant(config, both.join("|"), `${metric}{run="${run}"}`);
      const owners = seen.map((sample) => sample.metric["__tenant_id__"]).sort();
      if (owners.join() !== [...both].sort().join())
        throw new Error(`a query over ${both.join("|")} gives ${owners.join(", ") || "nothing"}`);
      return `${gatewayUser(both.join("|"), "read")} gives ${owners.join(" and ")}`;
    },
  },
  {
    name: "infrastructure is scraped into its tenant",
    async show({ config }) {
      const found = Object.entries(scraped).map(async ([source, name]) => {
        const count = await until(90, `${name} of ${source}`, async () => {
          const [sample] = await instant(config, tenants.nodes, `count(${name})`);
          return sample?.value[1];
        });
        return `${name} ${count}`;
      });
      return `series in ${tenants.nodes}: ${(await Promise.all(found)).join(", ")}`;
    },
  },
];
