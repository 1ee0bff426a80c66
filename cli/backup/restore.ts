/** `obs restore`: puts a backup back, as far as it can at the time, and says what comes next. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Client } from "minio";
import { kubeConfig } from "../../components/kube-config";
import { type Settings, UserError } from "../../settings";
import { locate } from "../cluster";
import { backendEnvironment } from "../pulumi";
import { root } from "../stack-config";
import { restoreDatabase } from "./database";
import { bucketsOf, foreignDatabase, places } from "./index";
import { differences, type Keys, keysOf, putPassphrase } from "./keys";
import { type Manifest, readManifest, writeWhole } from "./manifest";
import { refuseExternal, withMinio } from "./minio";
import { chosen, confirmed, isWiped, type RestoreOptions, verify } from "./plan";
import { look, refill } from "./refill";
import { passphrase, unseal } from "./seal";
import { exported, importState, putConfig, resourcesOf } from "./state";
import { start, stop } from "./stores";
import { readable } from "./work";

/** What a run has done, what it left as it was, and what comes next. */
interface Told {
  done: string[];
  next: string[];
}

/** Where it is noted what was written to a bucket: with the backup's own time, so that another backup starts anew. */
const journalOf = (stack: string, manifest: Manifest, key: string): string =>
  join(
    root,
    ".obs",
    stack,
    `restore-${(manifest.parts.buckets?.at ?? "").replaceAll(":", "")}`,
    `${key}.jsonl`,
  );

/** What stands in the way of filling the buckets: a line for each bucket that has data of its own. */
async function inTheWay(
  client: Client,
  folder: string,
  buckets: [string, string, string][],
): Promise<string[]> {
  const found: string[] = [];
  for (const [key, name, journal] of buckets) {
    const { replaced, others } = await look(client, name, join(folder, places.bucket(key)), journal);
    if (replaced.length || others.length)
      found.push(
        `${name}: ${replaced.length} objects would be replaced, ${others.length} are not in the backup and would stay`,
      );
  }
  return found;
}

/** A failure after which the stores are still stopped says so. */
const stillStopped = (error: Error): never => {
  throw new UserError(
    `${error.message}\n    Loki, Mimir and Tempo are stopped until the buckets are whole: run the same command again with --overwrite; it goes on where it is and starts them`,
  );
};

async function restoreBuckets(
  stack: string,
  settings: Settings,
  folder: string,
  manifest: Manifest,
  options: RestoreOptions,
): Promise<string> {
  const config = kubeConfig(settings);
  const buckets = bucketsOf(settings)
    .filter(([key]) => existsSync(join(folder, places.bucket(key))))
    .map(([key, name]): [string, string, string] => [key, name, journalOf(stack, manifest, key)]);
  return withMinio(config, async (client) => {
    const found = await inTheWay(client, folder, buckets);
    if (found.length && !options.overwrite)
      throw new UserError(
        `the buckets have data already; nothing was touched:\n  ${found.join("\n  ")}\n` +
          "    A stack that was just installed has written its first blocks: --overwrite puts the backup beside them",
      );
    console.error(
      "obs: stopping Loki, Mimir and Tempo; what is sent to them meanwhile waits in the Alloys and in Prometheus",
    );
    await stop(config).catch(stillStopped);
    let [objects, bytes, written] = [0, 0, 0];
    for (const [key, name, journal] of buckets) {
      const filled = await refill(client, name, join(folder, places.bucket(key)), journal).catch(
        stillStopped,
      );
      console.error(
        `  ${name}: ${filled.objects} objects, ${readable(filled.bytes)}; ${filled.written} of them written now`,
      );
      objects += filled.objects;
      bytes += filled.bytes;
      written += filled.written;
    }
    console.error(
      "obs: starting Mimir's and Tempo's compactors, which list the blocks anew, then the others",
    );
    await start(config, client, settings);
    return `buckets: ${objects} objects, ${readable(bytes)}; ${written} of them written by this run`;
  });
}

async function restoreKeys(
  stack: string,
  settings: Settings | undefined,
  keys: Keys,
  options: RestoreOptions,
  told: Told,
) {
  if (options.keysOut) {
    writeWhole(resolve(options.keysOut), `${JSON.stringify(keys, null, 2)}\n`);
    told.done.push(`keys: written to ${options.keysOut}, readable; delete it when it has served`);
  }
  if (!settings) return;
  const lines = differences(keys, await keysOf(kubeConfig(settings), settings));
  told.done.push(
    ...(lines.length
      ? lines.map((line) => `keys: ${line}`)
      : [`keys: nothing in stack ${stack} differs from them`]),
  );
}

/** @returns the exit code */
export async function restore(stack: string, options: RestoreOptions): Promise<number> {
  const folder = resolve(options.from);
  const manifest = readManifest(folder);
  const wanted = chosen(manifest, stack, options);
  if (!manifest) return 1;
  console.error(`obs: reading the backup of stack ${manifest.stack} and comparing it with its sums`);
  await verify(folder, manifest, wanted);
  const keys: Keys | undefined = wanted.includes("keys")
    ? JSON.parse(unseal(readFileSync(join(folder, places.keys), "utf8"), await passphrase(false)))
    : undefined;

  const told: Told = { done: [], next: [] };
  if (wanted.includes("state") && putConfig(stack, join(folder, places.state)))
    told.done.push(`state: Pulumi.${stack}.yaml put back`);
  const located = await locate(stack);
  const { settings } = located;
  Object.assign(process.env, located.environment);
  if (manifest.environment !== settings.environment)
    throw new UserError(
      `the backup is of a ${manifest.environment} stack, and ${stack} is a ${settings.environment} one`,
    );
  if (wanted.includes("buckets")) refuseExternal(settings);
  const foreign = foreignDatabase(settings);
  if (wanted.includes("grafana") && foreign) throw new UserError(`${foreign}; leave grafana out with --only`);

  const wiped = await isWiped(settings);
  const what = `Restore ${wanted.join(", ")} of the backup of ${manifest.stack} (${Object.values(manifest.parts)[0]?.at}) into stack ${stack}?`;
  if (!(await confirmed(what, options))) return 1;
  if (keys && putPassphrase(keys)) told.done.push("keys: passphrase of the stack's own backend put back");
  if (wanted.includes("state")) {
    const environment = backendEnvironment(stack, settings.environment);
    const now = exported(stack, environment);
    if (now && resourcesOf(now).length && !options.overwrite)
      told.done.push("state: is there already and was left as it is");
    else {
      const count = await importState(stack, environment, join(folder, places.state), wiped);
      told.done.push(
        `state: ${count} resources put back${wiped ? ": passwords and keys; what was in the cluster is made anew by up" : ""}`,
      );
    }
  }
  if (keys) await restoreKeys(stack, wiped ? undefined : settings, keys, options, told);
  const inCluster = wanted.filter((part) => part === "buckets" || part === "grafana");
  if (wiped && inCluster.length)
    told.next.push(
      `./obs up ${stack}`,
      `./obs restore ${stack} --from ${options.from} --only ${inCluster.join(",")} --overwrite`,
    );
  else {
    if (inCluster.includes("buckets"))
      told.done.push(await restoreBuckets(stack, settings, folder, manifest, options));
    if (inCluster.includes("grafana")) {
      console.error("obs: stopping Grafana, putting its database back, starting it again");
      await restoreDatabase(kubeConfig(settings), join(folder, places.grafana));
      told.done.push("grafana: database put back");
    }
    if (inCluster.length) told.next.push(`./obs smoke ${stack}`);
  }
  report(told, Boolean(options.json));
  return 0;
}

function report({ done, next }: Told, json: boolean): void {
  if (json) console.log(JSON.stringify({ done, next }, null, 2));
  else
    console.log([...done, ...(next.length ? ["Next:", ...next.map((line) => `  ${line}`)] : [])].join("\n"));
}
