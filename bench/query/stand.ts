/** The data of the query benchmark, and the stores with each configuration for it. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import type { Settings } from "../../settings";
import { sizeText } from "../../settings/units";
import type { Minio } from "../../tests/support/minio";
import { settingsOf } from "../../tests/support/stacks";
import type { Bench } from "../benchmark";
import { shortOf } from "../statistics";
import type { Stores } from "./ask";
import { type Configuration, configurationOf } from "./configurations";
import { amounts, bytesIn, fillLoki, fillMimir, fillTempo, sampleStep } from "./fill";
import { emptied, type Store, startMemcached, startMinio, startStore } from "./stores";

export const indexes = ["boltdb-shipper", "tsdb"] as const;
export type Index = (typeof indexes)[number];

/** A configuration to measure. */
export interface Variant {
  name: string;
  settings: Settings;
  byIndex: Record<Index, Configuration>;
}

/** The bucket of the logs with an index. */
const bucketOf = (index: Index): string => `loki-${index}`;

/**
 * The configuration of a stack with each index. The samples of the benchmark are a minute apart, so the scrape interval
 * is a minute, too.
 */
async function variant(
  name: string,
  environment: "dev" | "prod",
  more: Record<string, unknown>,
): Promise<Variant> {
  const config = (index: Index) => {
    const loki = { ...(more["loki"] as object), schema: [{ from: "2024-01-01", store: index }] };
    const objectStorage = { buckets: { loki: { name: bucketOf(index) } } };
    return {
      environment,
      ...more,
      loki,
      objectStorage,
      alloyMetrics: { scrapeInterval: `${sampleStep / 1000}s` },
    };
  };
  const [first, second] = indexes;
  return {
    name,
    settings: settingsOf(environment, config(first)),
    byIndex: {
      [first]: await configurationOf(config(first)),
      [second]: await configurationOf(config(second)),
    },
  };
}

/** Those of dev and prod, and both again with the settings of a file. */
export async function variants(more: string | undefined): Promise<Variant[]> {
  const all = [await variant("dev", "dev", {}), await variant("prod", "prod", {})];
  if (!more) return all;
  const config = parse(readFileSync(more, "utf8")) as Record<string, unknown>;
  const name = basename(more, ".yaml");
  return [
    ...all,
    await variant(`dev, ${name}`, "dev", config),
    await variant(`prod, ${name}`, "prod", config),
  ];
}

/** The data, and the parts of the stores that outlive their processes. */
export class Stand {
  private constructor(
    readonly folder: string,
    readonly minio: Minio,
    readonly now: number,
    readonly stored: string,
  ) {}

  /** Fills a MinIO in a folder. @param variant one without memcached */
  static async filled(
    folder: string,
    { byIndex }: Variant,
    bench: Pick<Bench, "scale" | "stop" | "tell">,
  ): Promise<Stand> {
    const { scale, stop, tell } = bench;
    const now = Date.now();
    const buckets = [...indexes.map(bucketOf), "mimir-blocks", "mimir-ruler", "tempo-data"];
    const minio = await startMinio(join(folder, "minio"), buckets);
    const start = (name: "loki" | "mimir" | "tempo", own: string, index: Index) =>
      startStore(name, join(folder, own), byIndex[index], { minio, fast: true });
    const phase = async (what: string, stores: Store[], action: () => Promise<unknown>) => {
      const began = Date.now();
      await action();
      await Promise.all(stores.map((store) => store.stop()));
      tell(`  ${what} written in ${Math.round((Date.now() - began) / 1000)} s`);
    };
    const lokis = [
      await start("loki", "boltdb-shipper", "boltdb-shipper"),
      await start("loki", "tsdb", "tsdb"),
    ];
    await phase("logs", lokis, () => fillLoki(lokis, scale, now, stop));
    const mimir = await start("mimir", "mimir", "tsdb");
    let series = 0;
    await phase("metrics", [mimir], async () => {
      series = await fillMimir(mimir, minio, scale, now, stop);
    });
    const tempo = await start("tempo", "tempo", "tsdb");
    await phase("traces", [tempo], () => fillTempo(tempo, scale, now, stop));
    const [logs, blocks, traces] = await Promise.all(
      [bucketOf("tsdb"), "mimir-blocks", "tempo-data"].map(async (bucket) =>
        sizeText(await bytesIn(minio, bucket)),
      ),
    );
    const stored = `24 h of data: ${shortOf((amounts.bytes * scale) / 1e9)} GB of logs (${logs} stored), ${series} series every ${sampleStep / 1000} s (${blocks}), ${amounts.spans * scale} spans (${traces}). The range of 7 d has the same 24 h of data.`;
    return new Stand(folder, minio, now, stored);
  }

  /** Starts the stores with a configuration and empty caches, and runs an action with them. */
  async with<T>({ byIndex }: Variant, index: Index, action: (stores: Stores) => Promise<T>): Promise<T> {
    const configuration = byIndex[index];
    const cached = JSON.stringify(configuration).includes("memcached");
    const memcached = cached ? await startMemcached() : undefined;
    emptied(join(this.folder, index));
    const options = { minio: this.minio, memcached: memcached?.port };
    const start = (name: "loki" | "mimir" | "tempo", own: string) =>
      startStore(name, join(this.folder, own), configuration, options);
    const [loki, mimir, tempo] = await Promise.all([
      start("loki", index),
      start("mimir", "mimir"),
      start("tempo", "tempo"),
    ]);
    try {
      return await action({ loki, mimir, tempo });
    } finally {
      await Promise.all([loki, mimir, tempo, memcached].map((one) => one?.stop()));
    }
  }
}
