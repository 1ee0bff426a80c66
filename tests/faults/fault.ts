/** What a fault of the drill is, and how it reaches the cluster. */
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import type { Settings } from "../../settings";

/** The cluster that a fault is made in. */
export interface Cluster {
  stack: string;
  settings: Settings;
  config: KubeConfig;
  core: CoreV1Api;
  apps: AppsV1Api;
  objects: KubernetesObjectApi;
}

/**
 * One fault. A file in `faults/` exports one as `fault`, and is run because it is there. What it needs to remember between
 * `make` and `fix` it keeps in variables of its module.
 */
export interface Fault {
  /** By which it is asked for: `npm run test:faults -- <name>`. */
  name: string;
  /** @throws an error that begins with "skipped:" where this cluster cannot have the fault; nothing is changed then */
  make(cluster: Cluster): Promise<void>;
  /** Puts everything back; also where `make` got only half way, and where there is nothing to put back. */
  fix(cluster: Cluster): Promise<void>;
  /** What the doctor's first finding has to say. */
  expected: RegExp;
  /** The page that it has to name. */
  page: string;
  /** Seconds until it is named. @default 180 */
  within?: number;
  /** Seconds until the doctor says healthy after it was fixed. @default 300 */
  healthyWithin?: number;
}

export const clusterOf = (stack: string, settings: Settings, config: KubeConfig): Cluster => ({
  stack,
  settings,
  config,
  core: config.makeApiClient(CoreV1Api),
  apps: config.makeApiClient(AppsV1Api),
  objects: KubernetesObjectApi.makeApiClient(config),
});

/** An object to change: `{ apiVersion, kind, metadata: { name, namespace } }`. */
export interface Header {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** Changes an object by a JSON merge patch (RFC 7386): `null` takes a field away, a list is replaced as a whole. */
export async function change(
  { objects }: Cluster,
  header: Header,
  fields: Record<string, unknown>,
): Promise<void> {
  await objects.patch(
    { ...header, ...fields, metadata: { ...header.metadata, ...(fields["metadata"] as object) } } as never,
    undefined,
    undefined,
    undefined,
    undefined,
    PatchStrategy.MergePatch,
  );
}

/**
 * A fault that lies in one field of an object, and its fixing: the field as it was.
 *
 * @param spoil the wrong value, made of the right one
 */
export function fieldFault(
  header: Header,
  path: string[],
  // biome-ignore lint/suspicious/noExplicitAny: fields of objects of every kind
  spoil: (value: any, cluster: Cluster) => unknown,
): Pick<Fault, "make" | "fix"> {
  let before: { value: unknown } | undefined;
  const nested = (value: unknown) =>
    path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
  return {
    async make(cluster) {
      const live = await cluster.objects.read(header);
      // biome-ignore lint/suspicious/noExplicitAny: see above
      const value = path.reduce<any>((object, key) => object?.[key], live);
      before = { value: structuredClone(value ?? null) };
      await change(cluster, header, nested(spoil(structuredClone(value), cluster)));
    },
    async fix(cluster) {
      if (!before) return;
      await change(cluster, header, nested(before.value));
      before = undefined;
    },
  };
}
