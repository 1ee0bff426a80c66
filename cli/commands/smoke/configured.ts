/** Retention as it is configured where it runs: the stores' own configuration, the buckets' lifecycles, the compactors' rounds. */
import { parse } from "yaml";
import { minioApi } from "../../../components/object-storage/pods";
import { namespaces, type Store, smokeTest } from "../../../names";
import type { Settings } from "../../../settings";
import { bucketLifecycles } from "../../../values/minio-access";
import { minioClient, rootOf } from "../../lib/minio";
import { podText, throughTunnel } from "../../lib/tunnel";
import type { Context, Evidence } from "./check";
import { instantOfPrometheus } from "./promql";

// Prometheus' and Go's ways to write durations: https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
const seconds: Record<string, number> = {
  y: 31_536_000,
  w: 604_800,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
};

/** A duration as stores print it, such as `30d` or `720h0m0s`; in seconds. @throws where it is none */
export function secondsOf(text: string): number {
  const parts = [...String(text).matchAll(/(\d+(?:\.\d+)?)(ms|[ywdhms])/g)];
  if (parts.map(([part]) => part).join("") !== String(text) || !parts.length)
    throw new Error(`"${text}" is no duration`);
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (seconds[unit ?? ""] ?? 0), 0);
}

/** Tempo says first what it was asked. */
const afterHead = (text: string) => text.replace(/^GET .*\n---\n/, "");

/** Where each store's compactor, which deletes, says what it runs with. */
const compactors = {
  loki: { port: 3100, path: "/config" },
  mimir: { port: 8080, path: "/config" },
  tempo: { port: 3200, path: "/status/config" },
} as const;

// biome-ignore lint/suspicious/noExplicitAny: each store has its own form, read in one place
type Running = any;

/** Each number by its path: what runs, and what the settings say, in seconds. */
const numbers: Record<Store, (running: Running, settings: Settings) => [string, string, number][]> = {
  loki: ({ limits_config: limits }, { loki }) => [
    ["limits_config.retention_period", limits.retention_period, loki.retention.application],
    [
      `limits_config.retention_stream of ${smokeTest.namespace}`,
      // biome-ignore lint/suspicious/noExplicitAny: see above
      limits.retention_stream?.find(({ selector }: any) => selector.includes(`"${smokeTest.namespace}"`))
        ?.period ?? "not there; run ./obs up once",
      smokeTest.retention,
    ],
  ],
  mimir: ({ limits }, { mimir }) => [
    ["limits.compactor_blocks_retention_period", limits.compactor_blocks_retention_period, mimir.retention],
  ],
  tempo: ({ compactor }, { tempo }) => [
    ["compactor.compaction.block_retention", compactor.compaction.block_retention, tempo.retention],
  ],
};

/** What the compactors run with. @throws where it is not what the settings say */
export async function storesRunWith({ config, settings }: Context): Promise<Evidence[]> {
  const all = (Object.keys(compactors) as Store[]).map(async (store) => {
    const { port, path } = compactors[store];
    const pods = {
      namespace: namespaces(settings)[store],
      selector: "app.kubernetes.io/component=compactor",
      port,
    };
    const running = parse(afterHead(await podText(config, pods, path)), { logLevel: "silent" });
    const found = numbers[store](running, settings);
    for (const [where, is, wanted] of found)
      if (secondsOf(is) !== wanted)
        throw new Error(`${store} runs with ${where}: ${is}, where the settings say ${wanted / 3600} h`);
    return {
      asked: `${path} of ${store}'s compactor`,
      answer: found.map(([where, is]) => `${where}: ${is}`).join("; "),
    };
  });
  return Promise.all(all);
}

/** The buckets' lifecycles, read back. @throws where a bucket lacks its own */
export async function lifecycles({ config, settings }: Context): Promise<Evidence[]> {
  const { kind, buckets } = settings.objectStorage;
  if (kind !== "minio")
    return [
      { asked: "lifecycles of the buckets", answer: "not asked: the object storage is not the stack's own" },
    ];
  const credentials = await rootOf(config, settings);
  const wanted = bucketLifecycles(settings);
  const days = await throughTunnel(config, minioApi(settings), async (port) => {
    const client = minioClient(port, credentials);
    const expiring = (Object.keys(wanted) as (keyof typeof wanted)[]).filter(
      (key) => wanted[key].expireAfterDays,
    );
    return Promise.all(
      expiring.map(async (key) => {
        const { name } = buckets[key];
        const { Rule } = (await client.getBucketLifecycle(name)) as unknown as { Rule: Running };
        const is = [Rule].flat().map((rule) => Number(rule.Expiration?.Days));
        if (!is.includes(wanted[key].expireAfterDays ?? 0))
          throw new Error(
            `${name} expires after ${is.join(", ")} d, where the settings say ${wanted[key].expireAfterDays} d`,
          );
        return `${name} ${wanted[key].expireAfterDays} d`;
      }),
    );
  });
  return [{ asked: "lifecycles that MinIO has: objects expire after", answer: days.join(", ") }];
}

/** When the compactors last came through, and what they deleted, by Prometheus; said and not judged, for alerts do that. */
export async function rounds({ config, settings }: Context): Promise<Evidence[]> {
  const one = async (query: string) => (await instantOfPrometheus(config, settings, query))[0]?.value[1];
  const ago = async (query: string) => {
    const at = Number((await one(query)) ?? 0);
    return at ? `${Math.round((Date.now() / 1000 - at) / 60)} min ago` : "not yet since it started";
  };
  const [loki, mimir, cleaned, tempo] = await Promise.all([
    ago("max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds)"),
    ago("max(cortex_compactor_block_cleanup_last_successful_run_timestamp_seconds)"),
    one("sum(cortex_compactor_blocks_cleaned_total)"),
    one("sum(tempodb_retention_deleted_total)"),
  ]);
  return [
    {
      asked: "retention's last round, by Prometheus",
      answer: `Loki ${loki}; Mimir ${mimir}, ${cleaned ?? 0} blocks deleted since it started; Tempo ${tempo ?? 0} blocks deleted since it started`,
    },
  ];
}
