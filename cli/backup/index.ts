/** `obs backup`: what cannot be made anew, in a folder. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ChartName, pins, versionOf } from "../../charts";
import { kubeConfig } from "../../components/kube-config";
import { version } from "../../package.json";
import { type Settings, UserError } from "../../settings";
import { locate } from "../cluster";
import { backendEnvironment } from "../pulumi";
import { saveDatabase } from "./database";
import { flushAll } from "./flush";
import { keysOf, pulumiPassphrase } from "./keys";
import {
  format,
  type Manifest,
  type Part,
  partsOf,
  readManifest,
  type SavedPart,
  sumOf,
  writeManifest,
  writeWhole,
} from "./manifest";
import { refuseExternal, withMinio } from "./minio";
import { mirror } from "./mirror";
import { passphrase, passphraseVariable, seal } from "./seal";
import { indexFile } from "./shelf";
import { configCopy, deploymentFile, saveState } from "./state";
import { readable } from "./work";

export interface BackupOptions {
  out: string;
  only?: string;
  json?: boolean;
  /** Whether the ingesters are flushed before buckets are copied. */
  flush: boolean;
  restartIngesters?: boolean;
}

/** Files of the parts, below the backup's folder. */
export const places = {
  state: "state",
  keys: "keys.json",
  grafana: join("grafana", "grafana.db"),
  bucket: (key: string): string => join("buckets", key),
} as const;

/** The settings' buckets: the key of each, which stays the same when it is renamed, and its name. */
export const bucketsOf = ({ objectStorage }: Settings): [string, string][] =>
  Object.entries(objectStorage.buckets).map(([key, { name }]) => [key, name]);

/** Why Grafana's database is not ours to save; undefined where it is. */
export const foreignDatabase = ({ grafana }: Settings): string | undefined =>
  grafana.database &&
  `Grafana's database is the PostgreSQL at ${grafana.database.host}: save it with pg_dump or by its operator's means`;

/** The manifest that a run goes on with. @throws UserError when the folder is of another stack, or of no backup */
export function openFolder(folder: string, stack: string, settings: Settings): Manifest {
  const found = readManifest(folder);
  if (found && (found.stack !== stack || found.environment !== settings.environment))
    throw new UserError(
      `${folder} has a backup of stack ${found.stack} (${found.environment}); give stack ${stack} a folder of its own`,
    );
  if (
    !found &&
    existsSync(folder) &&
    readdirSync(folder).some((name) => !["state", "keys.json", "grafana", "buckets"].includes(name))
  )
    throw new UserError(
      `${folder} has files that are of no backup; give an empty folder, a new one, or one with a backup`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const charts = Object.fromEntries(
    (Object.keys(pins) as ChartName[]).map((name) => [name, versionOf(name, settings)]),
  );
  return {
    format,
    product: version,
    charts,
    stack,
    environment: settings.environment,
    cluster: settings.cluster.name,
    parts: found?.parts ?? {},
  };
}

/** What a part of a backup is made with. */
interface Work {
  stack: string;
  settings: Settings;
  environment: Record<string, string>;
  folder: string;
  secret: string;
  options: BackupOptions;
}

type Made = { holds: SavedPart["holds"]; paths: string[] };

const make: Record<Part, (work: Work) => Promise<Made>> = {
  async state({ stack, environment, folder }) {
    const holds = saveState(stack, environment, join(folder, places.state));
    return { holds, paths: [deploymentFile, configCopy(stack)].map((name) => join(places.state, name)) };
  },
  async keys({ settings, environment, folder, secret }) {
    const pulumi = pulumiPassphrase({ ...process.env, ...environment });
    const keys = {
      ...(await keysOf(kubeConfig(settings), settings)),
      ...(pulumi !== undefined && { pulumiPassphrase: pulumi }),
    };
    writeWhole(join(folder, places.keys), seal(JSON.stringify(keys), secret));
    return { holds: { keys: Object.keys(keys).join(", ") || "none" }, paths: [places.keys] };
  },
  async buckets({ settings, folder, options }) {
    const config = kubeConfig(settings);
    if (options.flush) await flushAll(config, Boolean(options.restartIngesters));
    const holds: SavedPart["holds"] = { objects: 0, size: "" };
    let [objects, bytes, copied] = [0, 0, 0];
    await withMinio(config, async (client) => {
      for (const [key, name] of bucketsOf(settings)) {
        const mirrored = await mirror(client, name, join(folder, places.bucket(key)));
        console.error(
          `  ${name}: ${mirrored.objects} objects, ${readable(mirrored.bytes)}; ${mirrored.copied} of them copied now`,
        );
        holds[name] = mirrored.objects;
        objects += mirrored.objects;
        bytes += mirrored.bytes;
        copied += mirrored.copied;
      }
    });
    const paths = bucketsOf(settings).map(([key]) => join(places.bucket(key), indexFile));
    return { holds: { ...holds, objects, size: readable(bytes), copied }, paths };
  },
  async grafana({ settings, folder }) {
    const file = join(folder, places.grafana);
    await saveDatabase(kubeConfig(settings), file);
    return { holds: { size: readable((await sumOf(file)).bytes) }, paths: [places.grafana] };
  },
};

/** The parts that can be made here. @throws UserError for one that was asked for by name and cannot */
function possible(wanted: Part[], named: boolean, settings: Settings): Part[] {
  const foreign = foreignDatabase(settings);
  if (wanted.includes("buckets")) refuseExternal(settings);
  if (!wanted.includes("grafana") || !foreign) return wanted;
  if (named) throw new UserError(foreign);
  console.error(`obs: ${foreign}`);
  return wanted.filter((part) => part !== "grafana");
}

const lines = (manifest: Manifest, wanted: Part[]): string[] =>
  wanted.map((part) => {
    const holds = Object.entries(manifest.parts[part]?.holds ?? {}).map(
      ([name, value]) => `${name} ${value}`,
    );
    return `${part.padEnd(8)} ${holds.join(", ")}`;
  });

/** @returns the exit code */
export async function backup(stack: string, options: BackupOptions): Promise<number> {
  const asked = partsOf(options.only);
  const folder = resolve(options.out);
  const located = await locate(stack);
  const { settings } = located;
  Object.assign(process.env, located.environment);
  const wanted = possible(asked, options.only !== undefined, settings);
  const manifest = openFolder(folder, stack, settings);
  const environment =
    wanted.includes("state") || wanted.includes("keys")
      ? backendEnvironment(stack, settings.environment)
      : {};
  const secret = wanted.includes("keys") ? await passphrase(true) : "";
  // What is being written is in no manifest: a run that is broken off leaves no backup that looks whole.
  for (const part of wanted) delete manifest.parts[part];
  writeManifest(folder, manifest);
  for (const part of wanted) {
    console.error(`obs: saving ${part}`);
    const { holds, paths } = await make[part]({ stack, settings, environment, folder, secret, options });
    const files: SavedPart["files"] = {};
    for (const path of paths) files[path] = await sumOf(join(folder, path));
    manifest.parts[part] = { at: new Date().toISOString(), holds, files };
    writeManifest(folder, manifest);
  }
  if (options.json) console.log(JSON.stringify({ folder, ...manifest }, null, 2));
  else {
    console.log([`Saved to ${folder}:`, ...lines(manifest, wanted).map((line) => `  ${line}`)].join("\n"));
    if (wanted.includes("keys"))
      console.log(
        `Keep ${passphraseVariable} in another place than the folder: without it the keys are lost.`,
      );
    else if (!manifest.parts.keys)
      console.log(
        "The keys are not in this backup: without them neither volumes nor secrets of the state can be read.",
      );
  }
  return 0;
}
