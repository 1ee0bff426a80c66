/** How long the object storage lasts: daily growth of each signal, its retention, and the capacity of the drives. */
import { type Load, spanBytes } from "./load";
import { loadRetention } from "./retention";
import type { Settings } from "./schema";
import { day, sizeText } from "./units";

/** "1MB compressed size, which is about 5MB-ish of uncompressed logs": https://grafana.com/docs/loki/latest/get-started/labels/bp-labels/ */
const lokiCompression = 5;
/** "2 bytes per sample for compacted blocks (both index and chunks)": https://grafana.com/docs/mimir/latest/manage/run-production-environment/planning-capacity/#store-gateway */
const sampleBytes = 2;

/** Growth of one kind of data in object storage. */
export interface Growth {
  /** Bytes added per day. */
  daily: number;
  /** Days of retention, after which as much is deleted as is added. */
  kept: number;
  /** Bytes that exist already. @default 0 */
  held?: number;
}

/** Growth of the buckets at a load. */
export function growths({ samples, logs, spans }: Load, settings: Settings): Growth[] {
  const { mimir, loki, tempo } = loadRetention(settings);
  return [
    { daily: samples * sampleBytes * day, kept: mimir / day },
    { daily: logs / lokiCompression, kept: loki / day },
    // Tempo publishes no compression ratio: spans count with the size in which they arrive.
    { daily: spans * spanBytes * day, kept: tempo / day },
  ];
}

/** Bytes once each kind of data has reached its retention. */
export const bytesAtRetention = (growing: Growth[]): number =>
  growing.reduce((total, { daily, kept }) => total + daily * kept, 0);

/** Days until the free capacity is used; undefined if retention limits the growth before. */
export function daysUntilFull(growing: Growth[], room: number): number | undefined {
  const rising = growing
    .filter(({ daily }) => daily > 0)
    .map(({ daily, kept, held = 0 }) => ({ daily, until: Math.max(0, kept - held / daily) }))
    .sort((a, b) => a.until - b.until);
  let [at, left, rate] = [0, room, rising.reduce((total, { daily }) => total + daily, 0)];
  for (const { daily, until } of rising) {
    const added = rate * (until - at);
    if (added > left) return at + left / rate;
    [at, left, rate] = [until, left - added, rate - daily];
  }
  return undefined;
}

/**
 * The drives of an erasure set, and how many of them hold parity, as MinIO chooses them for servers with one drive each:
 * https://docs.min.io/community/minio-object-store/operations/concepts/erasure-coding.html
 */
export function erasureSet(servers: number): { drives: number; parity: number } {
  const drives = [...Array(17).keys()].findLast((drives) => drives > 1 && servers % drives === 0) ?? servers;
  const parity = drives === 1 ? 0 : drives < 6 ? Math.min(2, Math.floor(drives / 2)) : drives < 8 ? 3 : 4;
  return { drives, parity };
}

/** Bytes on drives for each byte of an object. */
export function erasureCoding(servers: number): number {
  const { drives, parity } = erasureSet(servers);
  return drives / (drives - parity);
}

/** Bytes of objects that the configured drives hold. */
export const usableStorage = ({ objectStorage: { minio } }: Settings): number =>
  (minio.disk * minio.servers) / erasureCoding(minio.servers);

/** Days in a readable unit. */
export const daysText = (days: number): string =>
  days < 1 ? "less than a day" : days < 2 ? "1 day" : `${Math.floor(days)} days`;

/** How long the configured object storage lasts at a load, in one sentence. */
export function forecastText(load: Load, settings: Settings): string {
  const growing = growths(load, settings);
  const room = usableStorage(settings);
  const full = daysUntilFull(growing, room);
  const all = `${sizeText(bytesAtRetention(growing))} of ${sizeText(room)}`;
  return full === undefined
    ? `The object storage lasts at the declared load: the configured retentions keep ${all}.`
    : `The object storage is full after ${daysText(full)} at the declared load: the configured retentions keep ${all}.`;
}
