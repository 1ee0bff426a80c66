/** Test 3: logs are found in Loki through Grafana (R2.7, R8.6), those of the application and one that is written by hand. */
import { gatewayUser, services, tenants } from "../../../names";
import { grafanaHealth } from "../../lib/grafana";
import { bodyOf } from "../../lib/service";
import { said, stream } from "./app";
import type { Check, Context } from "./check";
import { healthy, type View } from "./view";

/** A line as Loki answers it. */
export interface Line {
  labels: Record<string, string>;
  /** Nanoseconds since 1970. */
  time: string;
  text: string;
}

/** Lines of a query, oldest first. @param from, to milliseconds since 1970 */
export async function linesOf(view: View, query: string, from: number, to: number): Promise<Line[]> {
  const parameters = new URLSearchParams({
    query,
    start: `${from}000000`,
    end: `${to}000000`,
    limit: "2000",
    direction: "forward",
  });
  const { data } = await view.json("loki", `/loki/api/v1/query_range?${parameters}`);
  const streams = data.result as { stream: Record<string, string>; values: [string, string][] }[];
  return streams
    .flatMap(({ stream: labels, values }) => values.map(([time, text]) => ({ labels, time, text })))
    .sort((a, b) => (BigInt(a.time) < BigInt(b.time) ? -1 : 1));
}

/** Writes lines into Loki. @param lines with their times in milliseconds since 1970 */
export const push = (
  { config, settings }: Pick<Context, "config" | "settings">,
  labels: Record<string, string>,
  lines: [number, string][],
) =>
  bodyOf(config, services(settings).loki, {
    method: "POST",
    path: "/loki/api/v1/push",
    as: gatewayUser(tenants.logs, "write"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      streams: [{ stream: labels, values: lines.map(([time, line]) => [`${time}000000`, line]) }],
    }),
  });

export const logs: Check[] = [
  {
    number: 3,
    name: "its logs are found in Loki through Grafana",
    needs: [1, 2],
    async show(context) {
      const { config, run, view, begun, until } = context;
      const grafana = await grafanaHealth(config, context.settings);
      if (grafana.database !== "ok") throw new Error(`Grafana's database is ${grafana.database}`);
      const health = await healthy(view, ["loki"]);
      const { last } = await said(config);
      const query = `${stream} |= "run=${run}"`;
      const found = await until(90, `line ${last} by ${query}`, async () => {
        const all = await linesOf(view, query, begun, Date.now());
        return all.some(({ text }) => text.includes(` n=${last}`)) ? all : undefined;
      });
      const written = { namespace: "obs-smoke", job: "obs-smoke/by-hand" };
      const text = `written by hand run=${run}`;
      await push(context, written, [[Date.now(), text]]);
      const byHand = `{job="${written.job}"} |= "run=${run}"`;
      const [line] = await until(60, byHand, async () => {
        const all = await linesOf(view, byHand, begun, Date.now());
        return all.length ? all : undefined;
      });
      return [
        { asked: "Grafana's health", answer: `version ${grafana.version}, database ok` },
        ...health,
        {
          asked: `${query}, ${view.how}`,
          answer: `${found.length} lines, among them "${found.at(-1)?.text}"`,
        },
        { asked: `${byHand}, pushed to ${services(context.settings).loki.name}`, answer: `"${line?.text}"` },
      ];
    },
  },
];
