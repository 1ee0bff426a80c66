/** `obs coverage`: queries without data, and metrics that nothing reads. */
import { gatewayUser, rawTenants } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { connectStores } from "../../lib/cluster";
import { examine } from "./examine";
import type { Unjudged } from "./model";
import { blindAutoscalers, dropsOf, type Objects, readingsIn } from "./objects";
import { readObjects } from "./read";
import { jsonOfReport, type Report, textOfReport } from "./report";
import { type Ask, type Cost, holdings, mimirCost, prometheusCost, withStores } from "./stores";
import { unreadMetrics } from "./unread";

/** The input of the report. */
export interface Given {
  stack: string;
  settings: Settings;
  hours: number;
  objects: Objects;
  unjudged: Unjudged[];
}

/** Makes the report. @throws UserError if no store answers */
export async function reportOf(
  { stack, settings, hours, objects, ...given }: Given,
  ask: Ask,
): Promise<Report> {
  const readings = readingsIn(settings, objects);
  const question = { stack, settings, readings, drops: dropsOf(objects), deep: true };
  const examined = await examine(question, holdings(ask, hours));
  if (!examined.names.size)
    throw new UserError(`neither Prometheus nor Mimir answers: ${examined.unjudged.at(-1)?.why}`);
  const unjudged = [...given.unjudged, ...examined.unjudged];
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
    autoscalers: blindAutoscalers(objects),
    unread: unreadMetrics(readings, mimir, prometheus),
    unjudged,
  };
}

/** @returns the exit code: 0 if nothing is blocked, else 2 */
export async function coverage(
  stack: string,
  { json, all = false, top, hours }: { json?: boolean; all?: boolean; top: number; hours: number },
): Promise<number> {
  const connection = await connectStores(stack);
  const given = { stack, settings: connection.settings, hours, ...(await readObjects(connection)) };
  const report = await withStores(connection, (ask) => reportOf(given, ask));
  console.log(json ? JSON.stringify(jsonOfReport(report), null, 2) : textOfReport(report, { all, top }));
  return report.gaps.some(({ state }) => state === "blocked") || report.autoscalers.length ? 2 : 0;
}
