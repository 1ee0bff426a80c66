/** `obs dashboards`: runs the queries of all dashboards at the stores, and lists those that fail or have no data. */
import pLimit from "p-limit";
import { dashboards } from "../../../dashboards";
import { build, reason } from "../../../dashboards/kit";
import { datasources } from "../../../names";
import { connectStores } from "../../lib/cluster";
import type { Json } from "../../lib/objects";
import { table } from "../../lib/text";
import { type PanelQuery, runner } from "./gateways";

/** Grafana draws the service map from this metric. */
const serviceMap = {
  datasource: { type: "prometheus", uid: datasources.mimir.uid },
  expr: "sum(traces_service_graph_request_total)",
  instant: true,
};

/** A dashboard's queries, with its initial data sources; other variables match everything. */
export function queriesOf(dashboard: Parameters<typeof build>[0]): PanelQuery[] {
  const model: Json = build(dashboard);
  const sources = new Map<string, string>(
    model.templating.list
      .filter(({ type }: Json) => type === "datasource")
      .map(({ name, current }: Json) => [name, current.value]),
  );
  const labels = new Set<string>(
    model.templating.list
      .filter(({ type }: Json) => type === "query" || type === "textbox")
      .map(({ name }: Json) => name),
  );
  const replaced = (text: string) =>
    text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced, bare) =>
      labels.has(braced ?? bare) ? ".*" : (sources.get(braced ?? bare) ?? whole),
    );
  const panels: Json[] = model.panels.flatMap((panel: Json) => [panel, ...(panel.panels ?? [])]);
  return panels.flatMap((panel: Json) => {
    // The reason why the others have no data is no data.
    const targets: Json[] = (panel.targets ?? []).filter(({ refId }: Json) => refId !== reason);
    return targets
      .map((target) => (target.queryType === "serviceMap" ? serviceMap : target))
      .map(({ datasource: { type, uid }, expr, query, instant }) => ({
        dashboard: dashboard.uid,
        panel: panel.title,
        source: { type, uid: replaced(uid) },
        expr: replaced(expr ?? query),
        instant: Boolean(instant),
      }));
  });
}

/** The queries of all dashboards. */
export const dashboardQueries = (): PanelQuery[] => Object.values(dashboards).flat().flatMap(queriesOf);

/** Queries at a time. */
const atOnce = pLimit(4);

/** @returns the exit code: 1 if a query fails, else 0 */
export async function queryDashboards(stack: string, json: boolean): Promise<number> {
  const run = runner(await connectStores(stack));
  const all = Object.values(dashboards).flat();
  const queries = dashboardQueries();
  let done = 0;
  const results = await atOnce.map(queries, async (query) => {
    const answer = await run(query).then(
      (found) => ({ ...query, found, error: undefined }),
      (error: Error) => ({ ...query, found: 0, error: error.message }),
    );
    done++;
    if (!json && process.stderr.isTTY) process.stderr.write(`\r${done} of ${queries.length} queries`);
    return answer;
  });
  const failed = results.filter(({ error }) => error);
  const empty = results.filter(({ error, found }) => !error && found === 0);
  if (json) console.log(JSON.stringify({ stack, queries: results.length, failed, empty }, null, 2));
  else {
    const rows = all.map(({ uid }) => {
      const own = results.filter(({ dashboard }) => dashboard === uid);
      return [uid, `${own.length}`, `${own.filter(({ found }) => found > 0).length}`];
    });
    console.log(table([["dashboard", "queries", "with data"], ...rows], true));
    for (const { dashboard, panel, expr, error } of [...failed, ...empty])
      console.log(`${error ? `FAILED ${error}` : "no data"}  ${dashboard} / ${panel}\n         ${expr}`);
    const data = results.length - failed.length - empty.length;
    console.log(
      `\n${results.length} queries: ${data} with data, ${empty.length} without, ${failed.length} failed`,
    );
  }
  return failed.length ? 1 : 0;
}
