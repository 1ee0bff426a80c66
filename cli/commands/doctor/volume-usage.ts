/** Disk usage of nodes and volumes, from the kubelets. Volumes that are a folder of the node are covered by its disk. */
import type { KubeConfig } from "@kubernetes/client-node";
import { apiGet } from "../../lib/api";

/** Timeout of a kubelet, in seconds. */
const measuredWithin = 5;

/** How full a volume is. */
export interface Usage {
  namespace: string;
  claim: string;
  used: number;
  capacity: number;
}

/** A file system as the kubelet measures it, in bytes. */
export interface FileSystem {
  usedBytes?: number;
  availableBytes?: number;
  capacityBytes?: number;
}

/** What a kubelet reports about its node and the volumes there. */
export interface Summary {
  node?: { fs?: FileSystem };
  pods?: { volume?: (FileSystem & { pvcRef?: { namespace: string; name: string } })[] }[];
}

/** What the kubelets of these nodes report. A node without numbers is reported by the check of nodes, unless RBAC denies access to its kubelet. */
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
            },
          ]
        : [],
    );
