/** Test 3: the application's logs, and a line written at the gateway, are found in Loki through Grafana. */
import { services, smokeTest, tenants, writerOf } from "../../../names";
import { grafanaHealth } from "../../lib/grafana";
import { ask } from "../../lib/service";
import type { HttpAnswer } from "../../lib/tunnel";
import { said, streamOf } from "./app";
import { type Check, type Context, evidence } from "./check";
import { healthy, type View } from "./view";

/** Lines of a query with their times, epoch in nanoseconds, oldest first. @param from, to epoch in milliseconds */
export async function linesOf(view: View, query: string, from: number, to: number) {
  const range = { start: `${from}000000`, end: `${to}000000`, limit: "2000", direction: "forward" };
  const parameters = new URLSearchParams({ query, ...range });
  const { data } = await view.json("loki", `/loki/api/v1/query_range?${parameters}`);
  const streams = data.result as { stream: Record<string, string>; values: [string, string][] }[];
  return streams
    .flatMap(({ stream: labels, values }) => values.map(([time, text]) => ({ labels, time, text })))
    .sort((a, b) => (BigInt(a.time) < BigInt(b.time) ? -1 : 1));
}

/** Writes a line into Loki. @param time epoch in milliseconds */
export const push = (
  { settings, stores }: Pick<Context, "settings" | "stores">,
  labels: Record<string, string>,
  time: number,
  line: string,
): Promise<HttpAnswer> =>
  ask(stores.config, services(stores.settings).loki, {
    method: "POST",
    path: "/loki/api/v1/push",
    as: writerOf(tenants.logs, settings),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ streams: [{ stream: labels, values: [[`${time}000000`, line]] }] }),
  });

/** Writes a line that Loki must accept. */
export async function write(...line: Parameters<typeof push>): Promise<void> {
  const { status, body } = await push(...line);
  if (status !== 204) throw new Error(`Loki answered ${status} to a line: ${body.trim().slice(0, 300)}`);
}

export const logs: Check = {
  number: 3,
  name: "its logs are found in Loki through Grafana",
  needs: [1, 2],
  async show(context) {
    const { config, settings, stores, run, view, begun, until } = context;
    const grafana = await grafanaHealth(stores);
    if (grafana.database !== "ok") throw new Error(`Grafana's database is ${grafana.database}`);
    const health = await healthy(view, ["loki"]);
    const { last } = await said(config);
    const query = `${streamOf(settings)} |= "run=${run}"`;
    const found = await until(90, `line ${last} in ${query}`, async () => {
      const all = await linesOf(view, query, begun, Date.now());
      return all.some(({ text }) => text.includes(` n=${last}`)) ? all : undefined;
    });
    const cluster = settings.cluster.name;
    const labels = { namespace: smokeTest.namespace, job: "obs-smoke/by-hand", cluster };
    await write(context, labels, Date.now(), `written by hand run=${run}`);
    const byHand = `{job="${labels.job}", cluster="${cluster}"} |= "run=${run}"`;
    const [line] = await until(60, byHand, () => linesOf(view, byHand, begun, Date.now()));
    return [
      evidence("Grafana's health", `version ${grafana.version}, database ok`),
      ...health,
      evidence(`${query}, ${view.how}`, `${found.length} lines, among them "${found.at(-1)?.text}"`),
      evidence(`${byHand}, pushed to ${services(stores.settings).loki.name}`, `"${line?.text}"`),
    ];
  },
};
