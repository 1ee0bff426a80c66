/** What a restore may do, before it does anything. */
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { CoreV1Api } from "@kubernetes/client-node";
import { kubeConfig } from "../../components/kube-config";
import { namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import { notSqlite } from "./database";
import { places } from "./index";
import { damage, type Manifest, type Part, partsOf } from "./manifest";
import { shelfDamage } from "./shelf";

export interface RestoreOptions {
  from: string;
  only?: string;
  yes?: boolean;
  json?: boolean;
  /** Whether buckets may have data, and a state resources. */
  overwrite?: boolean;
  /** Name of the stack that the backup was made of, where it is another one. */
  fromStack?: string;
  /** File to which the decrypted keys are written. */
  keysOut?: string;
}

/**
 * The parts to restore.
 *
 * @throws UserError when the folder has no backup, not of this stack, or not of a part that was asked for
 */
export function chosen(manifest: Manifest | undefined, stack: string, options: RestoreOptions): Part[] {
  if (!manifest) throw new UserError(`${options.from} has no manifest.json, so no backup is in it`);
  if (manifest.stack !== (options.fromStack ?? stack))
    throw new UserError(
      `the backup is of stack ${manifest.stack}, not of ${options.fromStack ?? stack}. To put it into stack ${stack} all the same: --from-stack ${manifest.stack}`,
    );
  const wanted = partsOf(options.only);
  const missing = wanted.filter((part) => !manifest.parts[part]);
  if (options.only !== undefined && missing.length)
    throw new UserError(
      `the backup has no ${missing.join(", ")}: it was made with --only, or was not finished`,
    );
  if (options.fromStack && options.fromStack !== stack && wanted.includes("state")) {
    if (options.only !== undefined)
      throw new UserError("a state can only be put back into the stack that it is of");
    return wanted.filter((part) => part !== "state" && manifest.parts[part]);
  }
  return wanted.filter((part) => manifest.parts[part]);
}

/** Reads all that is to be restored and compares it with its sums. @throws UserError with everything that is damaged */
export async function verify(folder: string, manifest: Manifest, wanted: Part[]): Promise<void> {
  const found = await damage(folder, manifest, wanted);
  if (wanted.includes("buckets"))
    for (const path of Object.keys(manifest.parts.buckets?.files ?? {}))
      found.push(...(await shelfDamage(join(folder, path, ".."))));
  if (wanted.includes("grafana") && !found.length) {
    const reason = notSqlite(join(folder, places.grafana));
    if (reason) found.push(`${places.grafana}: ${reason}`);
  }
  if (!found.length) return;
  const more = found.length > 20 ? [`and ${found.length - 20} more`] : [];
  throw new UserError(
    `the backup is damaged; nothing was touched:\n  ${[...found.slice(0, 20), ...more].join("\n  ")}`,
  );
}

/** Asks whoever sits there. @throws UserError where nobody does */
export async function confirmed(question: string, { yes }: RestoreOptions): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new UserError(`${question}\n    Nobody is there to say yes: add --yes`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** Whether the cluster has none of the stack's namespaces. */
export async function isWiped(settings: Settings): Promise<boolean> {
  const { items } = await kubeConfig(settings).makeApiClient(CoreV1Api).listNamespace();
  const there = new Set(items.map(({ metadata }) => metadata?.name));
  return !Object.values(namespaces).some((name) => there.has(name));
}
