/** The coverage report, as data and as text. */
import { gatewayUser, rawTenants } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { grouped, plural, table } from "../../lib/text";
import { examine } from "./examine";
import { type Gap, kinds, type Reading, type State, states, type Unjudged } from "./model";
import { blindAutoscalers, dropsOf, type Objects, readingsIn } from "./objects";
import { type Ask, type Cost, holdings, mimirCost, prometheusCost } from "./stores";
import { unreadMetrics } from "./unread";

/** The input of the report. */
export interface Given {
  stack: string;
  settings: Settings;
  hours: number;
  objects: Objects;
  unjudged: Unjudged[];
}

export type Report = Awaited<ReturnType<typeof reportOf>>;

/** Makes the report. @throws UserError if no store answers */
export async function reportOf({ stack, settings, hours, objects, ...given }: Given, ask: Ask) {
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
    /** Positions after the last entry of metrics.also and metrics.drop. */
    next: { also: settings.metrics.also.length, drop: settings.metrics.drop.length },
    ...examined,
    autoscalers: blindAutoscalers(objects),
    unread: unreadMetrics(readings, mimir, prometheus),
    unjudged,
  };
}

/** How many of the queries of each kind have data. */
function summary({ judged, gaps }: Report): string {
  const count = (all: { kind: string }[], kind: string) => all.filter((one) => one.kind === kind).length;
  const columns = [judged, ...states.map((state) => gaps.filter((gap) => gap.state === state))];
  return table([
    ["", "queries", ...states],
    ...kinds
      .filter((kind) => count(judged, kind))
      .map((kind) => [kind, ...columns.map((all) => `${count(all, kind)}`)]),
  ]);
}

/** Gaps by the object that holds them. */
function listed(gaps: Gap[]): string[] {
  const owners = grouped(gaps, ({ owner }) => owner);
  return [...owners].flatMap(([owner, own]) => [
    `  ${owner}`,
    ...own.map(({ item, reasons }) => `    ${item}: ${reasons.map(({ text }) => text).join("; ")}`),
  ]);
}

/** The command that adds an entry to a list of the settings. */
const addition = (path: string, position: number, pattern: string, stack: string) =>
  `pulumi config set --path '${path}[${position}]' '${pattern}' --stack ${stack}`;

/** What helps, and how many queries it helps; one command keeps all metrics that metrics.also has to contain. */
function fixes({ gaps, next, stack }: Report): string[] {
  const all = gaps
    .filter(({ state }) => state !== "no data now")
    .flatMap(({ reasons }) => reasons)
    .filter(({ fix, also }) => fix || also);
  const byFix = [...grouped(all, ({ fix }) => fix ?? "")].sort(([, a], [, b]) => b.length - a.length);
  return byFix.map(([fix, reasons]) => {
    const metrics = [...new Set(reasons.map(({ what }) => what))];
    const also = [...new Set(reasons.flatMap((reason) => reason.also ?? []))].join("|");
    const more = metrics.length > 3 ? ` and ${metrics.length - 3} more` : "";
    const command = fix || addition("metrics.also", next.also, also, stack);
    return `${command}   # ${plural(reasons.length, "query", "queries")}: ${metrics.slice(0, 3).join(", ")}${more}`;
  });
}

/** How many queries of each object are not collected. */
const counted = (gaps: Gap[], judged: Reading[]): string[] =>
  [...grouped(gaps, ({ owner }) => owner)].map(([owner, own]) => {
    const all = judged.filter((one) => one.owner === owner).length;
    return `  ${owner}: ${own.length} of ${plural(all, "query", "queries")}`;
  });

/** Metrics that nothing reads. */
function costs({ unread, next, stack }: Report, rows: number): string[] {
  const sum = unread.reduce((total, { mimir }) => total + mimir, 0);
  const share = unread.reduce((total, one) => total + one.share, 0);
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
  return [
    `Stored, and read by no alert, rule, autoscaler or dashboard: ${plural(unread.length, "metric")}, ${sum} series in Mimir (${percent(share)})`,
    table([
      ["  metric", "series in Mimir", "share", "series in Prometheus"],
      ...unread
        .slice(0, rows)
        .map((one) => [`  ${one.metric}`, `${one.mimir}`, percent(one.share), `${one.prometheus}`]),
    ]),
    `Drop the first: ${addition("metrics.drop", next.drop, unread[0]?.metric ?? "", stack)}`,
  ];
}

/** Queries that were not checked, by reason. */
function notChecked(unjudged: Unjudged[], rows: number): string[] {
  const reasons = [...grouped(unjudged, ({ why }) => why)].sort(([, a], [, b]) => b.length - a.length);
  return [
    `${plural(unjudged.length, "query", "queries")} not checked:`,
    ...reasons.slice(0, rows).map(([why, of]) => `  ${of.length}: ${why} (${of[0]?.owner}, ${of[0]?.item})`),
  ];
}

/** The report. @param all whether to list everything @param top rows of each table otherwise */
export function textOfReport(report: Report, { all, top }: { all: boolean; top: number }): string {
  const { gaps, judged, autoscalers, unread, unjudged, names, hours, stack } = report;
  const rows = all ? Number.POSITIVE_INFINITY : top;
  const of = (state: State) => gaps.filter((gap) => gap.state === state);
  const [blocked, uncollected, now] = [of("blocked"), of("not collected"), of("no data now")];
  const helps = fixes(report);
  const held = [...names].map(([{ name }, { size }]) => `${name} ${size}`).join(", ");
  const sections = [
    [`Metrics in the last ${plural(hours, "hour")}: ${held}`],
    [summary(report)],
    blocked.length && [
      "Blocked by a setting, a monitor or the choice of the data source:",
      ...listed(blocked),
    ],
    autoscalers.length && [
      "Autoscalers that cannot read their metrics:",
      ...autoscalers.map(({ owner, text }) => `  ${owner}: ${text}`),
    ],
    uncollected.length && [
      "No target exposes metrics of this kind:",
      ...(all ? listed(uncollected) : counted(uncollected, judged).slice(0, rows)),
    ],
    helps.length && ["Fixes:", ...helps.slice(0, rows).map((help) => `  ${help}`)],
    all && now.length && ["No data now; the first event may bring it:", ...listed(now)],
    unread.length && costs(report, rows),
    unjudged.length && notChecked(unjudged, rows),
    !all && [`List everything: ./obs coverage ${stack} --all`],
  ];
  return sections.flatMap((section) => (section ? [section.join("\n")] : [])).join("\n\n");
}

/** The report as plain data. */
export function jsonOfReport(report: Report) {
  const { names, judged, next: _, ...rest } = report;
  const metrics = Object.fromEntries([...names].map(([{ uid }, { size }]) => [uid, size]));
  return { ...rest, queries: judged.length, metrics, fixes: fixes(report) };
}
