/** Queries every store once a second through its gateway, and records the arrival of each item. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { bodyOf } from "../../cli/lib/service";
import { gatewayUser, type ServicePort, tenants } from "../../names";
import { services } from "../support/names";
import { type Item, type Look, type Signal, signals } from "./account";
import { load } from "./load";

/** The query for a signal. */
interface Source {
  service: ServicePort;
  user: string;
  /** The path for items written since a time in milliseconds. */
  path: (run: string, since: number, now: number) => string;
  /** Number and write time, in milliseconds, of each item in a response. */
  read: (body: string) => [number: number, written: number][];
}

/** Timeout of a response, in milliseconds. */
const answerWithin = 10_000;
/** Interval of queries, in milliseconds. */
const period = 1000;
/** Before the oldest missing item; items do not always arrive in order. Milliseconds. */
const overlap = 15_000;
/** Maximum age of missing items in queries, in milliseconds. */
const furthest = 8 * 60_000;

const path = (at: string, parameters: Record<string, string | number>) => {
  const texts = Object.entries(parameters).map(([key, value]): [string, string] => [key, String(value)]);
  return `${at}?${new URLSearchParams(texts)}`;
};

const samplesOf = (tenant: string): Source => ({
  service: services.mimir,
  user: gatewayUser(tenant, "read"),
  path: (run, since, now) =>
    path("/prometheus/api/v1/query", {
      // A failed scrape, for example on a busy machine, results in an `up` of 0: its sample was not lost in transit.
      query: `{__name__=~"chaos_number_total|up", namespace="${load.namespace}", run=~"${run}|"}[${Math.ceil((now - since) / 1000)}s]`,
      time: now / 1000,
    }),
  read: (body) => {
    const result: { values: [number, string][] }[] = JSON.parse(body).data.result;
    const times = new Set(result.flatMap(({ values }) => values.map(([time]) => Math.round(time * 1000))));
    return [...times].map((time) => [time, time]);
  },
});

/** The query for each signal. */
export const sources: Record<Signal, Source> = {
  lines: {
    service: services.loki,
    user: gatewayUser(tenants.logs, "read"),
    path: (run, since, now) =>
      path("/loki/api/v1/query_range", {
        query: `{namespace="${load.namespace}", container_name="writer"} |= "run=${run} "`,
        ...{ start: `${since}000000`, end: `${now}000000`, limit: 5000, direction: "forward" },
      }),
    read: (body) => {
      const result: { values: [string, string][] }[] = JSON.parse(body).data.result;
      return result.flatMap(({ values }) =>
        values.map(([time, line]): [number, number] => [
          Number(/number=(\d+)/.exec(line)?.[1]),
          Number(time.slice(0, -6)),
        ]),
      );
    },
  },
  samples: samplesOf(tenants.pods),
  written: samplesOf(tenants.prometheus),
  traces: {
    service: services.tempo,
    user: gatewayUser(tenants.traces, "read"),
    path: (run, since, now) =>
      path("/api/search", {
        q: `{ resource.service.name = "chaos-${run}" }`,
        ...{ start: Math.floor(since / 1000), end: Math.ceil(now / 1000) + 1, limit: 2000 },
      }),
    read: (body) => {
      const traces: { traceID: string; startTimeUnixNano: string }[] = JSON.parse(body).traces ?? [];
      return traces.map(({ traceID, startTimeUnixNano }) => [
        Number.parseInt(traceID.padStart(32, "0").slice(8), 16),
        Number(startTimeUnixNano.slice(0, -6)),
      ]);
    },
  },
};

/** The write time from which items may be missing. */
function complete(items: Map<number, Item>): number | undefined {
  const sorted = [...items.values()].sort((a, b) => a.number - b.number);
  const hole = sorted.findIndex(({ number }, index) => number - (sorted[index - 1]?.number ?? number) > 1);
  return (hole > 0 ? sorted[hole - 1] : sorted.at(-1))?.written;
}

const within = <T>(answer: Promise<T>): Promise<T> =>
  Promise.race([
    answer,
    wait(answerWithin, undefined, { ref: false }).then(() => {
      throw new Error(`no answer within ${answerWithin / 1000} s`);
    }),
  ]);

/** The arrivals of a run's items. */
export class Watch {
  readonly items = signalMap(() => new Map<number, Item>());
  readonly looks = signalMap((): Look[] => []);
  /** Why a store last did not respond. */
  readonly reasons: Partial<Record<Signal, string>> = {};
  private readonly stop = new AbortController();
  private loops: Promise<void>[] = [];

  constructor(
    private readonly config: KubeConfig,
    private readonly run: string,
    private readonly begun = Date.now(),
  ) {}

  start(): void {
    this.loops = signals.map((signal) => this.loop(signal));
  }

  async end(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.loops);
  }

  private async loop(signal: Signal): Promise<void> {
    while (!this.stop.signal.aborted) {
      const next = Date.now() + period;
      await this.look(signal, this.from(signal));
      await wait(Math.max(0, next - Date.now()), undefined, { signal: this.stop.signal }).catch(
        () => undefined,
      );
    }
  }

  private from(signal: Signal): number {
    const sampled = signal === "samples" || signal === "written";
    const known = sampled ? Date.now() - 4 * 60_000 : (complete(this.items[signal]) ?? this.begun);
    return Math.max(this.begun, Date.now() - furthest, known - overlap);
  }

  /** Queries once for items written since a time in milliseconds. @returns whether the store responded */
  async look(signal: Signal, since: number): Promise<boolean> {
    const { service, user, path: pathOf, read } = sources[signal];
    const asked = Date.now();
    const items = this.items[signal];
    let answered = true;
    try {
      const request = { path: pathOf(this.run, since, asked), as: user };
      const answer = read(await within(bodyOf(this.config, service, request)));
      const copies = new Map<number, number>();
      for (const [number] of answer) copies.set(number, (copies.get(number) ?? 0) + 1);
      for (const [number, written] of answer) {
        const { found, copies: before } = items.get(number) ?? { found: Date.now(), copies: 1 };
        items.set(number, { number, written, found, copies: Math.max(before, copies.get(number) ?? 1) });
      }
    } catch (error) {
      answered = false;
      this.reasons[signal] = (error as Error).message;
    }
    const newest = Math.max(0, ...[...items.values()].map(({ written }) => written));
    this.looks[signal].push({ at: answered ? Date.now() : asked, answered, newest });
    return answered;
  }

  /** The queries since a time. */
  looksSince(time: number): Record<Signal, Look[]> {
    return signalMap((signal) => this.looks[signal].filter(({ at }) => at >= time));
  }

  /** Items written since a time. */
  itemsSince(signal: Signal, time: number): Item[] {
    return [...this.items[signal].values()].filter(({ written }) => written >= time);
  }
}

/** A value for each signal. */
export const signalMap = <T>(make: (signal: Signal) => T): Record<Signal, T> =>
  Object.fromEntries(signals.map((signal) => [signal, make(signal)])) as Record<Signal, T>;
