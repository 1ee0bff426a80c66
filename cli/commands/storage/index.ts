/** `obs storage`: what the buckets hold, how they grow, what retention freed, and when they are full. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Client } from "minio";
import { kubeConfig } from "../../../components/kube-config";
import { minioApi } from "../../../components/object-storage/pods";
import { services } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { locate } from "../../lib/cluster";
import { minioClient, rootOf } from "../../lib/minio";
import { bodyOf } from "../../lib/service";
import { root } from "../../lib/stack-config";
import { throughTunnel } from "../../lib/tunnel";
import { type Amount, countBucket, type Held } from "./measure";
import { growthPerDay } from "./metrics";
import { type Look, reportOf, withLook } from "./report";
import { tableOf } from "./table";

/** Where a stack's looks are remembered. */
const looksFile = (stack: string): string => join(root, ".obs", stack, "storage.json");

/** Earlier looks, oldest first; none where the file cannot be read, which is then written anew. */
export function readLooks(file: string): Look[] {
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, "utf8")).looks ?? [];
  } catch {
    console.error(`obs: ${file} cannot be read, so this counts as the first look`);
    return [];
  }
}

/** Numbers that Prometheus has, by bucket; none where it does not answer, because the listing says most. */
async function asked(config: KubeConfig, settings: Settings, query: string): Promise<Map<string, number>> {
  const path = `/api/v1/query?${new URLSearchParams({ query })}`;
  try {
    const { data } = JSON.parse(await bodyOf(config, services(settings).prometheus, { path }));
    return new Map(
      data.result.map(({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => [
        metric["bucket"] ?? "",
        Number(value[1]),
      ]),
    );
  } catch (error) {
    console.error(`obs: Prometheus does not say how much is free: ${(error as Error).message}`);
    return new Map();
  }
}

/** Counts every bucket of the settings, with progress on stderr. @throws UserError for a bucket that there is not */
async function lookAt(client: Client, settings: Settings, last: Look | undefined) {
  const names = Object.values(settings.objectStorage.buckets).map(({ name }) => name);
  const at = Date.now();
  const buckets: Record<string, Held> = {};
  const before: Record<string, Amount> = {};
  for (const [index, name] of names.entries()) {
    console.error(`obs: counting ${name} (${index + 1} of ${names.length})`);
    const counted = await countBucket(client, name, last?.buckets[name]?.newest).catch((error: Error) => {
      throw new UserError(`bucket ${name} cannot be listed: ${error.message}`);
    });
    buckets[name] = counted.held;
    before[name] = counted.before;
  }
  return { look: { at, buckets }, before };
}

/**
 * Prints a table, or JSON, and remembers the look.
 *
 * @returns the exit code: 0, also with warnings
 * @throws UserError where the object storage is not the stack's own, or cannot be reached
 */
export async function storage(stack: string, json: boolean): Promise<number> {
  const { settings, environment } = await locate(stack);
  if (settings.objectStorage.kind !== "minio")
    throw new UserError(
      "objectStorage.kind is not minio: the buckets are not this stack's, and whoever provides them has the numbers",
    );
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  const file = looksFile(stack);
  const earlier = readLooks(file);
  const credentials = await rootOf(config, settings);
  const { look, before } = await throughTunnel(config, minioApi(settings), (port) =>
    lookAt(minioClient(port, credentials), settings, earlier.at(-1)),
  );
  const report = reportOf({
    look,
    before,
    earlier,
    quotas: Object.fromEntries(
      Object.values(settings.objectStorage.buckets).map(({ name, quota }) => [name, quota]),
    ),
    trend: Object.fromEntries(await asked(config, settings, growthPerDay)),
    ...freeOf(await asked(config, settings, "max(minio_cluster_capacity_usable_free_bytes)")),
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ looks: withLook(earlier, look) })}\n`);
  console.log(json ? JSON.stringify({ stack, ...report }, null, 2) : tableOf(report));
  return 0;
}

const freeOf = (answer: Map<string, number>) => {
  const [free] = answer.values();
  return free === undefined ? {} : { free };
};
