/** Mimir's tenants: what is written into each is found there and nowhere else (R3.3, R3.7). */
import { gatewayUser, namespaces, services, tenants } from "../../../names";
import type { Settings } from "../../../settings";
import { ask, bodyOf, type ServiceRequest } from "../../lib/service";
import { askPod } from "../../lib/tunnel";
import type { Context, Evidence } from "./check";
import { instant } from "./promql";

const metric = "obs_smoke";
const namesOf = ({ settings }: Context) => Object.keys(settings.mimir.tenants);

/** Mimir's gateway, for who has no user there. */
const gateway = (settings: Settings) => ({
  namespace: namespaces(settings).mimir,
  selector: "app.kubernetes.io/component=gateway",
  port: 8080,
});

/** Writes one gauge of one sample, by OTLP. */
async function push({ config, settings, run }: Context, tenant: string): Promise<void> {
  const attributes = [
    { key: "run", value: { stringValue: run } },
    { key: "tenant", value: { stringValue: tenant } },
  ];
  const point = { asDouble: 1, timeUnixNano: `${Date.now()}000000`, attributes };
  const metrics = [{ name: metric, gauge: { dataPoints: [point] } }];
  await bodyOf(config, services(settings).mimir, {
    method: "POST",
    path: "/otlp/v1/metrics",
    as: gatewayUser(tenant, "write"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
  });
}

/** A series is written into each tenant and found in it. */
export async function written(context: Context): Promise<Evidence[]> {
  const query = `${metric}{run="${context.run}"}`;
  const found = namesOf(context).map(async (tenant) => {
    await push(context, tenant);
    const [sample] = await context.until(60, `${query} in ${tenant}`, async () => {
      const samples = await instant(context.config, context.settings, tenant, query);
      return samples.length ? samples : undefined;
    });
    return `${tenant}: ${sample?.value[1]}`;
  });
  return [{ asked: `${query}, written into each tenant`, answer: (await Promise.all(found)).join(", ") }];
}

/** Each tenant sees its own series alone; who may not, is refused; two that are read as one are both seen. */
export async function tenantsApart(context: Context): Promise<Evidence[]> {
  const { config, run } = context;
  const query = `${metric}{run="${run}"}`;
  for (const tenant of namesOf(context)) {
    const seen = await instant(config, context.settings, tenant, query);
    const others = seen.map((sample) => sample.metric["tenant"]).filter((owner) => owner !== tenant);
    if (seen.length === 0) throw new Error(`${tenant} does not see its own ${metric}`);
    if (others.length) throw new Error(`${tenant} sees ${metric} of ${others.join(", ")}`);
  }
  const path = "/prometheus/api/v1/query?query=up";
  const expected = async (status: number, who: string, request: Partial<ServiceRequest>) => {
    const answer = request.as
      ? await ask(config, services(context.settings).mimir, { path, ...request })
      : await askPod(config, gateway(context.settings), path, request);
    if (answer.status !== status)
      throw new Error(`a request ${who} is answered with ${answer.status}, not ${status}`);
  };
  const as = gatewayUser(tenants.pods, "read");
  await expected(401, "without a user", {});
  await expected(401, "with a tenant and no user", { headers: { "X-Scope-OrgID": tenants.pods } });
  await expected(403, "for another's tenant", { as, headers: { "X-Scope-OrgID": tenants.nodes } });
  await expected(403, "of a reader who writes", { as, method: "POST", path: "/otlp/v1/metrics" });
  const both = [tenants.pods, tenants.nodes];
  const seen = await instant(config, context.settings, both.join("|"), query);
  const owners = seen.map((sample) => sample.metric["__tenant_id__"]).sort();
  if (owners.join() !== [...both].sort().join())
    throw new Error(`a query over ${both.join("|")} gives ${owners.join(", ") || "nothing"}`);
  return [
    {
      asked: `${query} of each tenant's reader`,
      answer: "its own series alone; without a user 401, for another's tenant 403",
    },
    { asked: `${query} as ${gatewayUser(both.join("|"), "read")}`, answer: owners.join(" and ") },
  ];
}
