/** Reads the load's data in the stores through their gateways. */
import type { KubeConfig } from "@kubernetes/client-node";
import { bodyOf } from "../../cli/lib/service";
import { gatewayUser, type ServicePort, tenants } from "../../names";
import type { Load } from "../chaos/load";
import { services } from "../support/names";
import type { Found } from "./account";

/** Maximum number of entries in a response; Loki's default limit. */
const page = 5000;
/** Range of one query of lines, in milliseconds: a query reads all chunks of its range. */
const lineWindow = 60_000;
/** Range of one search, in seconds of traces. */
const traceWindow = 20;

/** A gateway's response to a query, as JSON. */
export type Ask = <T>(service: ServicePort, user: string, path: string, query: object) => Promise<T>;

/** The data to find, and the connection to the stores. */
interface Quest {
  ask: Ask;
  load: Load;
  run: string;
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

/** Queries the gateways of a cluster. */
export const askIn =
  (config: KubeConfig): Ask =>
  async (service, as, path, query) => {
    const texts = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
    return JSON.parse(await bodyOf(config, service, { path: `${path}?${new URLSearchParams(texts)}`, as }));
  };

/** Node and number of a line. */
export const readLine = (line: string): { node: string; number: number } => {
  const [, node = "", number = ""] = / writer=(\S+) number=(\d+)$/.exec(line) ?? [];
  return { node, number: Number(number) };
};

/** Number of copies of each line, by node and number. */
async function findLines(
  quest: Quest,
  { from, to }: { from: number; to: number },
  add: (node: string, number: number) => void,
): Promise<void> {
  const { load, run } = quest;
  const query = `{namespace="${load.namespace}", container_name="writer"} |= "${load.name} run=${run} "`;
  for (let start = from; start < to; start += lineWindow)
    await findLinesOf(quest, query, { from: start, to: Math.min(to, start + lineWindow) }, add);
}

/** The lines of one query. */
async function findLinesOf(
  { ask }: Quest,
  query: string,
  { from, to }: { from: number; to: number },
  add: (node: string, number: number) => void,
): Promise<void> {
  const end = `${to}000000`;
  let start = `${from}000000`;
  /** Entries at the start of the next page, which contains them again. */
  let known = new Set<string>();
  for (;;) {
    const { data } = await ask<{ data: { result: { values: [string, string][] }[] } }>(
      services.loki,
      gatewayUser(tenants.logs, "read"),
      "/loki/api/v1/query_range",
      {
        ...{ query, start, end, limit: page, direction: "forward" },
      },
    );
    const entries = data.result.flatMap(({ values }) => values);
    const fresh = entries.filter(([time, line]) => !known.has(`${time} ${line}`));
    for (const [, line] of fresh) {
      const { node, number } = readLine(line);
      add(node, number);
    }
    if (entries.length < page) return;
    const last = entries.reduce((max, [time]) => (time > max ? time : max), "");
    if (last === start && !fresh.length) throw new Error(`more than ${page} lines at the same time`);
    known = new Set(entries.filter(([time]) => time === last).map((entry) => entry.join(" ")));
    start = last;
  }
}

/** A response of Tempo's search. */
interface Searched {
  traces?: { traceID: string; spanSets?: { matched: number }[] }[];
}

/** Node's index, batch and spans of each trace in a response of Tempo's search. @param run prefix of each ID */
export function readTraces(
  answer: Searched,
  run: string,
): { writer: number; batch: number; spans: number }[] {
  return (answer.traces ?? []).flatMap(({ traceID, spanSets = [] }) => {
    // Tempo omits leading zeros of an ID.
    const id = traceID.padStart(32, "0");
    if (!id.startsWith(run)) return [];
    return {
      writer: Number.parseInt(id.slice(8, 12), 16),
      batch: Number.parseInt(id.slice(12), 16),
      spans: Math.max(0, ...spanSets.map(({ matched }) => matched)),
    };
  });
}

/** Spans of each batch, from searches of one part of the period after the other. */
async function findSpans(
  quest: Quest,
  add: (writer: number, batch: number, spans: number) => void,
): Promise<void> {
  const { load, run, from, to } = quest;
  for (let start = Math.floor(from / 1000); start * 1000 < to; start += traceWindow) {
    const answer = await quest.ask<Searched>(
      services.tempo,
      gatewayUser(tenants.traces, "read"),
      "/api/search",
      {
        q: `{ resource.service.name = "${load.name}-${run}" }`,
        ...{ start, end: start + traceWindow + 1, limit: 2000, spss: 1 },
      },
    );
    for (const { writer, batch, spans } of readTraces(answer, run)) add(writer, batch, spans);
  }
}

/** Spans of one trace, by its ID: a search may return the copy of only one ingester. */
async function spansOf(quest: Quest, writer: number, batch: number): Promise<number> {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const id = `${quest.run}${hex(writer, 4)}${hex(batch, 20)}`;
  const trace = await quest
    .ask<object>(services.tempo, gatewayUser(tenants.traces, "read"), `/api/traces/${id}`, {})
    .catch((error: Error) => {
      if (error.message.includes("answered 404")) return {};
      throw error;
    });
  const spans = JSON.stringify(trace).match(/"spanId":"[^"]+"/g) ?? [];
  return new Set(spans).size;
}

/** Times of the samples of each pod, of a tenant of Mimir. */
async function findSamples(
  quest: Quest,
  tenant: string,
  add: (pod: string, time: number) => void,
): Promise<void> {
  const { load, from, to } = quest;
  const { data } = await quest.ask<{
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  }>(services.mimir, gatewayUser(tenant, "read"), "/prometheus/api/v1/query", {
    // A failed scrape results in an `up` of 0: that sample was not lost.
    query: `{__name__=~"${load.name}_number_total|up", namespace="${load.namespace}"}[${Math.ceil((to - from) / 1000)}s]`,
    time: to / 1000,
  });
  for (const { metric, values } of data.result)
    for (const [time] of values) add(metric["pod"] ?? "", Math.round(time * 1000));
}

/** Whether Alloy and Prometheus scrape this many writers. Before that, every sample would count as missing. */
export async function areScraped(
  { ask, load, run }: Omit<Quest, "from" | "to">,
  writers: number,
): Promise<boolean> {
  const counts = [tenants.pods, tenants.prometheus].map(async (tenant) => {
    const user = gatewayUser(tenant, "read");
    const query = { query: `count(${load.name}_number_total{run="${run}"})` };
    const { data } = await ask<{ data: { result: { value: [number, string] }[] } }>(
      services.mimir,
      user,
      "/prometheus/api/v1/query",
      query,
    );
    return Number(data.result[0]?.value[1] ?? 0);
  });
  return (await Promise.all(counts)).every((count) => count >= writers);
}

/**
 * All data in the stores.
 *
 * @param pods of the writers, by node, in the order of their numbers in trace IDs
 * @param batches sent batches, by node
 * @param linesOf the period of lines to find, if any
 * @param known an earlier result: only its incomplete traces are read again
 */
export async function findAll(
  quest: Quest,
  pods: Map<string, string>,
  batches: Map<string, number[]>,
  linesOf: { from: number; to: number } | undefined,
  known?: Map<string, Found>,
): Promise<Map<string, Found>> {
  const nodes = [...pods.keys()];
  const found = new Map(
    nodes.map((node): [string, Found] => [
      node,
      { lines: new Map(), spans: new Map(known?.get(node)?.spans), samples: { alloy: [], prometheus: [] } },
    ]),
  );
  if (linesOf)
    await findLines(quest, linesOf, (node, number) => {
      const lines = found.get(node)?.lines;
      lines?.set(number, (lines.get(number) ?? 0) + 1);
    });
  if (!known)
    await findSpans(quest, (writer, batch, spans) => {
      const of = found.get(nodes[writer] ?? "")?.spans;
      of?.set(batch, Math.max(of.get(batch) ?? 0, spans));
    });
  for (const [writer, node] of nodes.entries())
    for (const batch of batches.get(node) ?? []) {
      const spans = found.get(node)?.spans;
      if ((spans?.get(batch) ?? 0) < quest.load.spans) spans?.set(batch, await spansOf(quest, writer, batch));
    }
  for (const [tenant, path] of [
    [tenants.pods, "alloy"],
    [tenants.prometheus, "prometheus"],
  ] as const)
    await findSamples(quest, tenant, (pod, time) => {
      const node = nodes.find((one) => pods.get(one) === pod);
      found.get(node ?? "")?.samples[path].push(time);
    });
  for (const { samples } of found.values())
    for (const path of ["alloy", "prometheus"] as const)
      samples[path] = [...new Set(samples[path])].sort((a, b) => a - b);
  return found;
}

/** The union of two results. */
export function joined(before: Map<string, Found> | undefined, now: Map<string, Found>): Map<string, Found> {
  if (!before) return now;
  const most = (one: Map<number, number>, other: Map<number, number>) => {
    for (const [key, value] of other) one.set(key, Math.max(one.get(key) ?? 0, value));
    return one;
  };
  return new Map(
    [...now].map(([node, { lines, spans, samples }]): [string, Found] => {
      const earlier = before.get(node) ?? { lines: new Map(), spans: new Map() };
      return [node, { lines: most(earlier.lines, lines), spans: most(earlier.spans, spans), samples }];
    }),
  );
}
