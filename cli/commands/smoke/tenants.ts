/** Mimir's tenants: a series that is written to one is found there and nowhere else. */
import { gatewayUser, namespaces, services, tenants } from "../../../names";
import { gatewayPods } from "../../lib/gateway";
import { queryMimir } from "../../lib/prometheus";
import { ask, bodyOf, type ServiceRequest } from "../../lib/service";
import { requestPod } from "../../lib/tunnel";
import { type Context, type Evidence, evidence } from "./check";

const queryOf = (run: string) => `obs_smoke{run="${run}"}`;
const namesOf = ({ settings }: Context) => Object.keys(settings.mimir.tenants);

/** Writes a gauge with one sample, with OTLP. */
async function push({ config, settings, run }: Context, tenant: string): Promise<void> {
  const attributes = Object.entries({ run, tenant }).map(([key, value]) => ({
    key,
    value: { stringValue: value },
  }));
  const point = { asDouble: 1, timeUnixNano: `${Date.now()}000000`, attributes };
  const metrics = [{ name: "obs_smoke", gauge: { dataPoints: [point] } }];
  await bodyOf(config, services(settings).mimir, {
    method: "POST",
    path: "/otlp/v1/metrics",
    as: gatewayUser(tenant, "write"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
  });
}

/** A series is written to each tenant, and found in it. */
export async function written(context: Context): Promise<Evidence[]> {
  const { run, until } = context;
  const query = queryOf(run);
  const found = namesOf(context).map(async (tenant) => {
    await push(context, tenant);
    const [sample] = await until(60, `${query} in ${tenant}`, () => queryMimir(context, tenant, query));
    return `${tenant}: ${sample?.value}`;
  });
  return [evidence(`${query}, written to each tenant`, (await Promise.all(found)).join(", "))];
}

/** The gateway answers requests without permission with 401 or 403. */
async function refused({ config, settings }: Context): Promise<void> {
  const path = "/prometheus/api/v1/query?query=up";
  const gateway = gatewayPods(namespaces(settings).mimir);
  const as = gatewayUser(tenants.pods, "read");
  const requests: [number, string, Partial<ServiceRequest>][] = [
    [401, "without a user", {}],
    [401, "with a tenant and no user", { headers: { "X-Scope-OrgID": tenants.pods } }],
    [403, "for the tenant of another user", { as, headers: { "X-Scope-OrgID": tenants.nodes } }],
    [403, "of a reader that writes", { as, method: "POST", path: "/otlp/v1/metrics" }],
  ];
  for (const [expected, what, request] of requests) {
    const { status } = request.as
      ? await ask(config, services(settings).mimir, { path, ...request })
      : await requestPod(config, gateway, path, request);
    if (status !== expected) throw new Error(`a request ${what} is answered with ${status}, not ${expected}`);
  }
}

/** Each tenant sees only its own series, and a query over two tenants sees both. */
export async function isolated(context: Context): Promise<Evidence[]> {
  const query = queryOf(context.run);
  for (const tenant of namesOf(context)) {
    const owners = (await queryMimir(context, tenant, query)).map(({ labels }) => labels["tenant"]);
    if (!owners.length) throw new Error(`${tenant} does not see its own series of ${query}`);
    const others = owners.filter((owner) => owner !== tenant);
    if (others.length) throw new Error(`${tenant} sees ${query} of ${others.join(", ")}`);
  }
  await refused(context);
  const both = [tenants.pods, tenants.nodes];
  const seen = await queryMimir(context, both.join("|"), query);
  const owners = seen.map(({ labels }) => labels["__tenant_id__"]).sort();
  if (owners.join() !== [...both].sort().join())
    throw new Error(`a query over ${both.join("|")} returns ${owners.join(", ") || "nothing"}`);
  return [
    evidence(
      `${query} of each tenant's reader`,
      "its own series only; without a user 401, for the tenant of another user 403",
    ),
    evidence(`${query} as ${gatewayUser(both.join("|"), "read")}`, owners.join(" and ")),
  ];
}
