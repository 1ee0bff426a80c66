/** `obs dashboards`: asks every query of every dashboard through Grafana, and tells which panels would be empty. */
import { setTimeout as wait } from "node:timers/promises";
import pLimit from "p-limit";
import { kubeConfig } from "../../../components/kube-config";
import { dashboards } from "../../../dashboards";
import { build } from "../../../dashboards/kit";
import { locate } from "../../lib/cluster";
import { type Grafana, grafanaToken, withGrafana } from "../../lib/grafana";
import { atGateways } from "./gateways";
import { hour, type PanelQuery, type Run } from "./query";

/** What came of one. */
interface Answer extends PanelQuery {
  /** Series, lines or traces. */
  found: number;
  error?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON is read deeply
type Json = any;

/** A dashboard's queries; sources are the ones that are chosen at first, other variables stand for everything. */
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
  return panels.flatMap((panel: Json) =>
    (panel.targets ?? []).map((target: Json) => ({
      dashboard: dashboard.uid,
      panel: panel.title,
      source: { type: target.datasource.type, uid: replaced(target.datasource.uid) },
      // The service map is drawn from these.
      expr: target.queryType === "serviceMap" ? "" : replaced(target.expr ?? target.query),
      instant: Boolean(target.instant),
    })),
  );
}

/** How much of an answer is data. */
function size({ frames }: Json): number {
  return (frames ?? []).filter(({ data }: Json) => data.values.some((column: unknown[]) => column.length > 0))
    .length;
}

/** Asks Grafana one query about the last hour. */
async function throughGrafana(grafana: Grafana, query: PanelQuery): Promise<number> {
  const { source, expr, instant } = query;
  const now = Date.now();
  if (source.type === "tempo") {
    if (!expr) {
      const service = { ...query, source: { type: "prometheus", uid: "mimir" } };
      return throughGrafana(grafana, {
        ...service,
        expr: "sum(traces_service_graph_request_total)",
        instant: true,
      });
    }
    const window = `start=${Math.floor((now - hour) / 1000)}&end=${Math.floor(now / 1000)}`;
    const path = `/api/datasources/proxy/uid/${source.uid}/api/search?q=${encodeURIComponent(expr)}&${window}`;
    return ((await grafana.json(path)).traces ?? []).length;
  }
  const body = {
    from: String(now - hour),
    to: String(now),
    queries: [
      {
        refId: "A",
        datasource: { uid: source.uid },
        expr,
        queryType: source.type === "loki" ? (instant ? "instant" : "range") : "",
        instant,
        range: !instant,
        intervalMs: 30_000,
        maxDataPoints: 120,
        maxLines: 10,
      },
    ],
  };
  const { results } = await grafana.json("/api/ds/query", body);
  if (results.A.error) throw new Error(results.A.error);
  return size(results.A);
}

/** Queries at a time. */
const atOnce = pLimit(4);

/** All queries, with what each found, in the dashboards' order. */
function answers(run: Run, tell: (done: number, all: number) => void): Promise<Answer[]> {
  const queries = Object.values(dashboards).flat().flatMap(queriesOf);
  let done = 0;
  return atOnce.map(queries, async (query): Promise<Answer> => {
    const found = await run(query).catch(async (error: Error) => {
      await wait(200);
      return error;
    });
    tell(++done, queries.length);
    return found instanceof Error ? { ...query, found: 0, error: found.message } : { ...query, found };
  });
}

/** @returns the exit code: 0 where every query is answered, with data or without */
export async function askDashboards(stack: string, json: boolean): Promise<number> {
  const { settings, environment } = await locate(stack);
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  const tell = (done: number, all: number) => {
    if (!json && process.stderr.isTTY) process.stderr.write(`\r${done} of ${all} queries`);
  };
  const peopleOnly = settings.environment === "prod" && !grafanaToken();
  if (peopleOnly)
    console.error(
      "Only people can log in to Grafana in prod: the queries run at the gateways, as the users of Grafana's data sources. To run them through Grafana, set OBS_GRAFANA_TOKEN to the token of a service account.",
    );
  const results = peopleOnly
    ? await answers(atGateways(config, settings), tell)
    : await withGrafana(config, settings, (grafana) =>
        answers((query) => throughGrafana(grafana, query), tell),
      );
  const failed = results.filter(({ error }) => error);
  const empty = results.filter(({ error, found }) => !error && found === 0);
  if (json) console.log(JSON.stringify({ stack, queries: results.length, failed, empty }, null, 2));
  else {
    const counts = Object.values(dashboards)
      .flat()
      .map(({ uid }) => {
        const own = results.filter(({ dashboard }) => dashboard === uid);
        return {
          dashboard: uid,
          queries: own.length,
          "with data": own.filter(({ found }) => found > 0).length,
        };
      });
    console.table(counts);
    for (const { dashboard, panel, expr, error } of [...failed, ...empty])
      console.log(`${error ? `FAILED ${error}` : "no data"}  ${dashboard} / ${panel}\n         ${expr}`);
    console.log(
      `\n${results.length} queries: ${results.length - failed.length - empty.length} with data, ${empty.length} without, ${failed.length} failed`,
    );
  }
  return failed.length ? 1 : 0;
}
