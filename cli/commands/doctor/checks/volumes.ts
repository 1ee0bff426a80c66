import { CoreV1Api, StorageV1Api, type V1PersistentVolumeClaim, type V1Pod } from "@kubernetes/client-node";
import { warnings } from "../../../../components/pod-diagnosis";
import type { Settings } from "../../../../settings";
import { sizeText } from "../../../../settings/units";
import { within } from "../../../lib/poll";
import { type Check, type Finding, findingIn } from "../check";
import { raise } from "../setting-path";

/** Used shares of a volume from which on it is nearly full, and full. */
const nearlyFull = 0.85;
const full = 0.95;

const finding = findingIn("cluster", "docs/operations/runbook.md#storage");

/** A file system as the kubelet measures it, in bytes: of a node, or of a claim. */
export interface FileSystem {
  availableBytes?: number;
  capacityBytes?: number;
  pvcRef?: { namespace: string; name: string };
}

/** What a kubelet reports about its node and the volumes there. Volumes that are a folder of the node are part of its disk. */
interface Summary {
  node?: { fs?: FileSystem };
  pods?: { volume?: FileSystem[] }[];
}

/** Volumes that are full or nearly so. A file system reserves a part of its capacity: what is available counts. */
export function usageFindings(volumes: FileSystem[], settings: Settings): Finding[] {
  return volumes.flatMap(({ pvcRef, availableBytes = 0, capacityBytes = 0 }) => {
    const used = 1 - availableBytes / capacityBytes;
    if (!pvcRef || !capacityBytes || used < nearlyFull) return [];
    return [
      finding[used >= full ? "critical" : "warning"](
        `volume ${pvcRef.namespace}/${pvcRef.name} is ${used >= full ? "full" : "nearly full"}: ${Math.floor(used * 100)} % of ${sizeText(capacityBytes)}`,
        `the kubelet's statistics: ${sizeText(availableBytes)} are available`,
        raise(settings, pvcRef.namespace, pvcRef.name, "disk"),
      ),
    ];
  });
}

/** Whether a pod mounts a claim. */
const mounts = ({ metadata, spec }: V1Pod, namespace: string, claim: string): boolean =>
  metadata?.namespace === namespace &&
  (spec?.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === claim);

/** A claim without a volume, with the message of its events. */
export function claimFinding(
  { metadata, spec, status }: V1PersistentVolumeClaim,
  messages: string[],
  classes: { name: string; waits: boolean }[],
  used: boolean,
): Finding | undefined {
  const who = `claim ${metadata?.namespace}/${metadata?.name}`;
  const describe = `kubectl -n ${metadata?.namespace} describe pvc ${metadata?.name}`;
  if (status?.phase === "Bound") {
    const resize = status.conditions?.find(({ type }) =>
      /Resiz.*(Error|Infeasible)|FileSystemResizePending/.test(type),
    );
    return resize
      ? finding.warning(
          `${who} is not resized yet: ${resize.type}`,
          resize.message ?? resize.type,
          `${describe}; for FileSystemResizePending, restart its pod`,
        )
      : undefined;
  }
  const kind = spec?.storageClassName;
  const known = classes.find((one) => one.name === kind);
  // A class with WaitForFirstConsumer creates no volume before a pod mounts it.
  if (known?.waits && !used) return undefined;
  const missing = known ? "" : `: there is no StorageClass ${kind ?? "by default"}`;
  const names = classes.map(({ name }) => name).join(", ") || "none";
  return finding.critical(
    status?.phase === "Lost"
      ? `${who} has lost its volume ${spec?.volumeName}`
      : `${who} gets no volume${missing}`,
    messages[0] ?? `phase ${status?.phase}, StorageClass ${kind}; existing ones: ${names}`,
    known
      ? `${describe}; fix the provisioner of StorageClass ${kind}`
      : "use an existing one: pulumi config set --path cluster.storageClass <name>; delete this claim first, because it keeps its class",
  );
}

/** Disks of nodes that fill up: the kubelet evicts pods at 85 to 90 % (https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/). */
export function nodeFinding(
  node: string,
  { availableBytes = 0, capacityBytes = 0 }: FileSystem = {},
): Finding | undefined {
  const free = availableBytes / capacityBytes;
  // A large disk has room even if the share is small.
  if (!capacityBytes || free > 0.1 || availableBytes > 10 * 2 ** 30) return undefined;
  return finding[free < 0.05 ? "critical" : "warning"](
    `the disk of node ${node} is ${free < 0.05 ? "full" : "nearly full"}: ${sizeText(availableBytes)} of ${sizeText(capacityBytes)} are available`,
    "the kubelet's statistics, node.fs",
    "free disk space on the node: unused images, logs, other pods; below its threshold the kubelet evicts pods",
  );
}

/** Claims without a volume, volumes and nodes' disks that fill up. */
export const check: Check = {
  name: "volumes",
  async look({ config, cluster, settings }) {
    const core = config.makeApiClient(CoreV1Api);
    const [claims, events, pods, nodes, classes] = await Promise.all([
      cluster.claims(),
      cluster.events(),
      cluster.pods(),
      cluster.nodes(),
      config.makeApiClient(StorageV1Api).listStorageClass(),
    ]);
    // The check of nodes reports a node whose kubelet does not answer.
    const summaries = nodes.map(async ({ metadata }): Promise<Summary & { name: string }> => {
      const name = metadata?.name ?? "";
      const answer = within(5, core.connectGetNodeProxyWithPath({ name, path: "stats/summary" }));
      // The client parses JSON, whatever its type says.
      return { name, ...((await answer.catch(() => ({}))) as Summary) };
    });
    const read = await Promise.all(summaries);
    const volumes = read.flatMap((one) => (one.pods ?? []).flatMap(({ volume = [] }) => volume));
    const known = classes.items.map(({ metadata, volumeBindingMode }) => ({
      name: metadata?.name ?? "",
      waits: volumeBindingMode === "WaitForFirstConsumer",
    }));
    const unbound = claims.flatMap((claim) => {
      const { namespace = "", name = "" } = claim.metadata ?? {};
      const own = events.filter(({ involvedObject }) => involvedObject.namespace === namespace);
      const messages = warnings(own, "PersistentVolumeClaim", name);
      const used = pods.some((pod) => mounts(pod, namespace, name));
      return claimFinding(claim, messages, known, used) ?? [];
    });
    const own = volumes.filter(({ pvcRef }) =>
      claims.some(
        ({ metadata }) => metadata?.namespace === pvcRef?.namespace && metadata?.name === pvcRef?.name,
      ),
    );
    return [
      ...read.flatMap(({ name, node }) => nodeFinding(name, node?.fs) ?? []),
      ...unbound,
      ...usageFindings(own, settings),
    ];
  },
};
