/** Interface of a fault of the drill, and functions to inject it into the cluster. */
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
} from "@kubernetes/client-node";
import type { Settings } from "../../settings";

/** The cluster in which a fault is injected. */
export interface Cluster {
  stack: string;
  settings: Settings;
  config: KubeConfig;
  core: CoreV1Api;
  apps: AppsV1Api;
  objects: KubernetesObjectApi;
}

/**
 * A fault. Each file in `faults/` exports one as `fault`, and is found automatically. State between `make` and `fix` is
 * in variables of its module.
 */
export interface Fault {
  /** Its name on the command line: `npm run test:faults -- <name>`. */
  name: string;
  /** @throws an error that begins with "skipped:", before any change, if this cluster cannot have the fault */
  make(cluster: Cluster): Promise<void>;
  /** Reverts the fault, even if `make` was interrupted or did not change anything. */
  fix(cluster: Cluster): Promise<void>;
  /** Text that the doctor's first finding must match. */
  expected: RegExp;
  /** The page that it must name. */
  page: string;
  /** Seconds until the doctor reports it. @default 180 */
  within?: number;
  /** Seconds after the repair until the doctor reports a healthy stack. @default 300 */
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

/** Changes an object with a JSON merge patch (RFC 7386): `null` removes a field, a list is replaced as a whole. */
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
 * A fault in one field of an object, and its repair: the original value.
 *
 * @param spoil returns the wrong value for the right one
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
