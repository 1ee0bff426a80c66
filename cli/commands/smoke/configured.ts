/** Retention as the stores and buckets run with it. */
import { parse } from "yaml";
import { minioApi } from "../../../components/object-storage/pods";
import { namespaces, type Store, smokeTest, stores } from "../../../names";
import type { Settings } from "../../../settings";
import { secondsOf } from "../../../settings/units";
import { bucketLifecycles } from "../../../values/minio-access";
import { minioClient, rootOf } from "../../lib/minio";
import { podText, throughTunnel } from "../../lib/tunnel";
import { type Context, type Evidence, evidence } from "./check";

/** Where each store's compactor, which deletes, reports its configuration. */
const compactors = {
  loki: { port: 3100, path: "/config" },
  mimir: { port: 8080, path: "/config" },
  tempo: { port: 3200, path: "/status/config" },
} as const;

// biome-ignore lint/suspicious/noExplicitAny: each store has its own form, read in one place
type Running = any;

/** Each retention: its path, its value, and the setting in seconds. */
const retentions: Record<Store, (running: Running, settings: Settings) => [string, string, number][]> = {
  loki({ limits_config: limits }, { loki }) {
    const streams = (limits.retention_stream ?? []) as { selector: string; period: string }[];
    const own = streams.find(({ selector }) => selector.includes(`"${smokeTest.namespace}"`));
    return [
      ["limits_config.retention_period", limits.retention_period, loki.retention.application],
      [
        `limits_config.retention_stream of ${smokeTest.namespace}`,
        own?.period ?? "missing; run ./obs up once",
        smokeTest.retention,
      ],
    ];
  },
  mimir: ({ limits }, { mimir }) => [
    ["limits.compactor_blocks_retention_period", limits.compactor_blocks_retention_period, mimir.retention],
  ],
  tempo: ({ compactor }, { tempo }) => [
    ["compactor.compaction.block_retention", compactor.compaction.block_retention, tempo.retention],
  ],
};

/** The compactors' retentions. @throws if one is not that of the settings */
export function storeRetentions({ config, settings }: Context): Promise<Evidence[]> {
  const all = stores.map(async (store) => {
    const { port, path } = compactors[store];
    const selector = "app.kubernetes.io/component=compactor";
    const text = await podText(config, { namespace: namespaces(settings)[store], selector, port }, path);
    // Tempo's answer begins with the request.
    const running = parse(text.replace(/^GET .*\n---\n/, ""), { logLevel: "silent" });
    const found = retentions[store](running, settings);
    for (const [where, is, wanted] of found)
      if (secondsOf(is) !== wanted)
        throw new Error(`${store} runs with ${where}: ${is}; the settings say ${wanted / 3600} h`);
    const values = found.map(([where, is]) => `${where}: ${is}`).join("; ");
    return evidence(`${path} of ${store}'s compactor`, values);
  });
  return Promise.all(all);
}

/** The buckets' lifecycle rules, as MinIO has them. @throws if one is not that of the settings */
export async function lifecycles(context: Context): Promise<Evidence> {
  const { config, settings } = context;
  const { kind, buckets } = settings.objectStorage;
  if (kind !== "minio")
    return evidence(
      "lifecycle rules of the buckets",
      "not checked: the object storage is not the stack's own",
    );
  const credentials = await rootOf(context);
  const wanted = Object.entries(bucketLifecycles(settings)) as [
    keyof typeof buckets,
    { expireAfterDays?: number },
  ][];
  const days = await throughTunnel(config, minioApi(settings), (port) => {
    const client = minioClient(port, credentials);
    const expiring = wanted.filter(([, { expireAfterDays }]) => expireAfterDays);
    return Promise.all(
      expiring.map(async ([key, { expireAfterDays }]) => {
        const { name } = buckets[key];
        const { Rule } = (await client.getBucketLifecycle(name)) as unknown as { Rule: Running };
        const is = [Rule].flat().map((rule) => Number(rule.Expiration?.Days));
        if (!is.includes(expireAfterDays ?? 0))
          throw new Error(`${name} expires after ${is.join(", ")} d; the settings say ${expireAfterDays} d`);
        return `${name} ${expireAfterDays} d`;
      }),
    );
  });
  return evidence("lifecycle rules of MinIO: objects expire after", days.join(", "));
}
