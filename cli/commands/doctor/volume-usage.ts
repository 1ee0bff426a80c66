/** How full volumes are: from the kubelets, and from a `df` in a pod where a kubelet does not measure. */
import type { KubeConfig, V1Pod } from "@kubernetes/client-node";
import { apiGet } from "../../lib/api";
import { inContainer } from "../../lib/exec";

/** How long a node or pod may take to give its numbers, in seconds. */
const measuredWithin = 5;

/** How full a volume is. */
export interface Usage {
  namespace: string;
  claim: string;
  used: number;
  capacity: number;
  /** What was read: `kubelet`, or `df in <pod>`. */
  by: string;
}

/** A file system as the kubelet measures it, in bytes. */
export interface FileSystem {
  usedBytes?: number;
  availableBytes?: number;
  capacityBytes?: number;
}

/** What a kubelet tells of its node and of the volumes there. */
export interface Summary {
  node?: { fs?: FileSystem };
  pods?: { volume?: (FileSystem & { pvcRef?: { namespace: string; name: string } })[] }[];
}

/** What the kubelets of these nodes tell; a node that gives no numbers is told by the check of nodes, or its kubelet may not be asked. */
export const summariesOf = (config: KubeConfig, nodes: string[]): Promise<Summary[]> =>
  Promise.all(
    nodes.map((name) =>
      apiGet(config, `/api/v1/nodes/${name}/proxy/stats/summary`, { within: measuredWithin })
        .then(({ body }) => body)
        .catch(() => ({})),
    ),
  );

/** Volumes as the kubelet sees them. What is left counts, not what is used: a file system keeps a part to itself. */
export const usagesOf = ({ pods = [] }: Summary): Usage[] =>
  pods
    .flatMap(({ volume = [] }) => volume)
    .flatMap(({ pvcRef, availableBytes = 0, capacityBytes = 0 }) =>
      pvcRef
        ? [
            {
              namespace: pvcRef.namespace,
              claim: pvcRef.name,
              used: capacityBytes - availableBytes,
              capacity: capacityBytes,
              by: "kubelet",
            },
          ]
        : [],
    );

/** The first line of numbers in what `df -Pk` writes: used and available, in KiB. */
export function usageOfDf(text: string): { used: number; capacity: number } | undefined {
  const [, capacity, , available] = /\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%\s/.exec(text) ?? [];
  return capacity
    ? { used: (Number(capacity) - Number(available)) * 1024, capacity: Number(capacity) * 1024 }
    : undefined;
}

/** Volumes that the kubelet does not measure (folders of the node), where the pod's image has a `df`. */
async function byDf(config: KubeConfig, pods: V1Pod[], known: Usage[]): Promise<Usage[]> {
  const wanted = pods.flatMap((pod) =>
    (pod.spec?.volumes ?? []).flatMap(({ name: volume, persistentVolumeClaim }) => {
      const claim = persistentVolumeClaim?.claimName;
      const { namespace = "", name = "" } = pod.metadata ?? {};
      const container = pod.spec?.containers.find((c) => c.volumeMounts?.some((m) => m.name === volume));
      const path = container?.volumeMounts?.find((m) => m.name === volume)?.mountPath;
      const running = pod.status?.containerStatuses?.some(
        (s) => s.name === container?.name && s.state?.running,
      );
      const isKnown = known.some((one) => one.namespace === namespace && one.claim === claim);
      return claim && container && path && running && !isKnown
        ? [{ namespace, pod: name, container: container.name, path, claim }]
        : [];
    }),
  );
  const found = wanted.map(async ({ claim, path, ...who }) => {
    // Who is slow or has no such program is measured by nobody; logs tell in the end.
    const text = await Promise.race([
      inContainer(config, who, `df -Pk '${path}'`).catch(() => ""),
      new Promise<string>((done) => setTimeout(() => done(""), measuredWithin * 1000).unref()),
    ]);
    const usage = usageOfDf(text);
    return usage ? [{ namespace: who.namespace, claim, ...usage, by: `df in ${who.pod}` }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** How full the pods' volumes are, by the kubelets' summaries and, where those say nothing, by `df`. */
export async function usagesIn(config: KubeConfig, pods: V1Pod[], summaries: Summary[]): Promise<Usage[]> {
  const measured = summaries.flatMap(usagesOf);
  // A volume that is a folder of the node has the node's disk, which is told as that.
  const shared = new Set(summaries.map(({ node }) => node?.fs?.capacityBytes));
  const own = (await byDf(config, pods, measured)).filter(({ capacity }) => !shared.has(capacity));
  return [...measured, ...own];
}
