/** `obs coverage`: queries without data, and metrics that nothing reads. */
import { datasources, gatewayUser, rawTenants } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { dashboardNamespaces } from "../../../values/grafana-dashboards";
import { connect } from "../../lib/cluster";
import { examine } from "./examine";
import type { Source, Unjudged } from "./model";
import { blindAutoscalers, dropsOf, type Objects, readersIn } from "./objects";
import { readHpas, readMonitors, readObjects } from "./read";
import { jsonOfReport, type Report, textOfReport } from "./report";
import { sourcesOf } from "./sources";
import { type Ask, type Cost, holdings, mimirCost, prometheusCost, withStores } from "./stores";
import { unreadMetrics } from "./unread";

/** The input of the report. */
export interface Given {
  stack: string;
  settings: Settings;
  hours: number;
  objects: Objects;
  // biome-ignore lint/suspicious/noExplicitAny: objects of several kinds
  monitors: any[];
  // biome-ignore lint/suspicious/noExplicitAny: objects of several API versions
  hpas: any[];
  unjudged: Unjudged[];
}

/** The sources that queries use, and Prometheus and Mimir, which may have a metric that another source lacks. */
export function usedSources(all: Source[], used: Set<string>): Source[] {
  const usual: string[] = [datasources.prometheus.uid, datasources.mimir.uid];
  return all.filter(({ uid }) => usual.includes(uid) || used.has(uid));
}

/** Makes the report. */
export async function reportOf(given: Given, ask: Ask): Promise<Report> {
  const { stack, settings, hours, objects, monitors, hpas } = given;
  const sources = sourcesOf(settings);
  const found = readersIn(settings, objects, sources, dashboardNamespaces(settings));
  const examined = await examine(
    {
      stack,
      settings,
      readings: found.readings,
      sources: usedSources(
        [...sources, ...found.sources],
        new Set(found.readings.map(({ source }) => source)),
      ),
      drops: dropsOf(monitors),
      deep: true,
    },
    holdings(ask, hours),
  );
  if (!examined.names.size)
    throw new UserError(`neither Prometheus nor Mimir answers: ${examined.unjudged[0]?.why}`);
  const unjudged = [...given.unjudged, ...found.unjudged, ...examined.unjudged];
  const counted = (owner: string, cost: Promise<Cost>) =>
    cost.catch((error: Error): Cost => {
      unjudged.push({ owner, item: "series of each metric", why: error.message });
      return { total: 0, metrics: new Map() };
    });
  const users = rawTenants.map((tenant) => gatewayUser(tenant, "read"));
  const [mimir, prometheus] = await Promise.all([
    counted("Mimir", mimirCost(ask, users)),
    counted("Prometheus", prometheusCost(ask)),
  ]);
  return {
    stack,
    hours,
    next: { also: settings.metrics.also.length, drop: settings.metrics.drop.length },
    ...examined,
    autoscalers: blindAutoscalers(hpas),
    unread: unreadMetrics(found.readings, mimir, prometheus),
    unjudged,
  };
}

/** @returns the exit code: 0 if nothing is blocked, else 2 */
export async function coverage(
  stack: string,
  { json, all, top, hours }: { json?: boolean; all?: boolean; top: number; hours: number },
): Promise<number> {
  const connection = await connect(stack);
  const { settings, config } = connection;
  const [{ objects, unjudged }, monitors, hpas] = await Promise.all([
    readObjects(connection),
    readMonitors(config),
    readHpas(config),
  ]);
  const given = { stack, settings, hours, objects, monitors, hpas, unjudged };
  const report = await withStores(connection, (ask) => reportOf(given, ask));
  console.log(
    json ? JSON.stringify(jsonOfReport(report), null, 2) : textOfReport(report, { all: Boolean(all), top }),
  );
  return report.gaps.some(({ state }) => state === "blocked") || report.autoscalers.length ? 2 : 0;
}
