/** Fills the stores with a day of data in minutes. */
import { setTimeout as wait } from "node:timers/promises";
import { dashboardQueries } from "../../cli/commands/dashboards";
import type { PanelQuery } from "../../cli/commands/dashboards/gateways";
import type { Minio } from "../../tests/support/minio";
import { logHeaders, logPushes, streamsOf } from "./logs";
import { sampleHeaders, samplePushes, seriesOf } from "./metrics";
import type { Store } from "./stores";
import { spanHeaders, spanPushes } from "./traces";

/** Amounts of data at scale 1. */
export const amounts = { bytes: 2e9, pods: 60, series: 20_000, spans: 300_000 };
/** Milliseconds between the samples of a series. */
export const sampleStep = 60_000;

const hour = 3_600_000;
const day = 24 * hour;

/** The day that ends with the last whole hour. */
export function lastDay(now: number): { from: number; to: number } {
  const to = Math.floor(now / hour) * hour;
  return { from: to - day, to };
}

/** Sends a write, and retries after server errors, as collectors do. */
async function post(
  url: string,
  headers: Record<string, string>,
  body?: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, { method: "POST", headers, ...(body && { body }) });
    const text = await answer.text();
    if (answer.ok) return;
    if (answer.status < 500 || attempt === 10)
      throw new Error(`${url}: ${answer.status} ${text.slice(0, 500)}`);
    await wait(attempt * 500);
  }
}

/** The lines, the same in each Loki. Chunks end every second hour, like chunks that reach `max_chunk_age` in real time. */
export async function fillLoki(lokis: Store[], scale: number, now: number, stop: AbortSignal): Promise<void> {
  const { from, to } = lastDay(now);
  let hours = 0;
  for (const { body, hourEnds } of logPushes(streamsOf(amounts.pods), amounts.bytes * scale, from, to)) {
    stop.throwIfAborted();
    await Promise.all(lokis.map(({ url }) => post(`${url}/loki/api/v1/push`, logHeaders, body)));
    if (hourEnds && ++hours % 2 === 0) await Promise.all(lokis.map(({ url }) => post(`${url}/flush`, {})));
  }
}

/** The samples of the dashboards' metrics, and their blocks. @returns the number of series */
export async function fillMimir(
  mimir: Store,
  minio: Minio,
  scale: number,
  now: number,
  stop: AbortSignal,
): Promise<number> {
  const { from, to } = lastDay(now);
  const byTenant = seriesOf(dashboardQueries(), amounts.series * scale);
  for (const [tenant, series] of byTenant)
    for (const body of samplePushes(series, from, to, sampleStep)) {
      stop.throwIfAborted();
      await post(`${mimir.url}/api/v1/push`, sampleHeaders(tenant), body);
    }
  await post(`${mimir.url}/ingester/flush?wait=true`, {});
  for (const tenant of byTenant.keys()) await indexed(minio, tenant, stop);
  return [...byTenant.values()].reduce((sum, { length }) => sum + length, 0);
}

/** Waits until the compactor has written a tenant's bucket index. */
async function indexed(minio: Minio, tenant: string, stop: AbortSignal): Promise<void> {
  const name = `${tenant}/bucket-index.json.gz`;
  while (!(await minio.client.statObject("mimir-blocks", name).catch(() => undefined))) {
    stop.throwIfAborted();
    await wait(500);
  }
}

/** The spans; a block ends every hour, as after compaction. */
export async function fillTempo(tempo: Store, scale: number, now: number, stop: AbortSignal): Promise<void> {
  const { from, to } = lastDay(now);
  for (const { body, hourEnds } of spanPushes(amounts.spans * scale, from, to)) {
    stop.throwIfAborted();
    await post(`${tempo.otlp}/v1/traces`, spanHeaders, body);
    if (hourEnds) await post(`${tempo.url}/flush`, {});
  }
}

/** Bytes of all objects of a bucket. */
export async function bytesIn(minio: Minio, bucket: string): Promise<number> {
  let sum = 0;
  for await (const { size } of minio.client.listObjects(bucket, "", true)) sum += size ?? 0;
  return sum;
}

/** Queries of the dashboards, by dashboard. */
export function byDashboard(): Map<string, PanelQuery[]> {
  const found = new Map<string, PanelQuery[]>();
  for (const query of dashboardQueries())
    found.set(query.dashboard, [...(found.get(query.dashboard) ?? []), query]);
  return found;
}
