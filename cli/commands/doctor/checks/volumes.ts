import { StorageV1Api, type V1PersistentVolumeClaim, type V1Pod } from "@kubernetes/client-node";
import type { Settings } from "../../../../settings";
import type { Check, Finding } from "../check";
import type { ContainerLog } from "../logs";
import { eventsOf } from "../pod-trouble";
import { raise } from "../setting-path";
import { type FileSystem, summariesOf, type Usage, usagesOf } from "../volume-usage";

const page = "docs/operations/runbook.md#storage";
/** Shares of a volume, or of a node's disk, from which it is told. The alert on MinIO's drives begins at the same. */
export const nearlyFull = 0.85;
export const full = 0.95;

const percent = (share: number) => `${Math.floor(share * 100)} %`;
const size = (bytes: number) =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} Gi` : `${(bytes / 2 ** 20).toFixed(0)} Mi`;

/** Volumes that are full or nearly so. */
export function usageFindings(usages: Usage[], settings: Settings): Finding[] {
  return usages
    .filter(({ used, capacity }) => capacity > 0 && used / capacity >= nearlyFull)
    .map(({ namespace, claim, used, capacity }) => ({
      severity: used / capacity >= full ? "critical" : "warning",
      layer: "cluster",
      what: `volume ${namespace}/${claim} is ${used / capacity >= full ? "full" : "nearly full"}: ${percent(used / capacity)} of ${size(capacity)}`,
      evidence: `the kubelet's statistics: ${size(capacity - used)} are left`,
      fix: raise(settings, namespace, claim, "disk"),
      page,
    }));
}

/** Volumes of which a container wrote in the last minute that there is no room. */
export function noSpaceFindings(logs: ContainerLog[], pods: V1Pod[], told: Finding[]): Finding[] {
  const line =
    /[^\n]*(?:no space left on device|XMinioStorageFull|minimum free drive threshold|disk quota exceeded)[^\n]*/i;
  return logs.flatMap(({ namespace, pod, text }): Finding[] => {
    const claims = claimsOf(
      pods.find((p) => p.metadata?.name === pod && p.metadata?.namespace === namespace),
    );
    const said = line.exec(text)?.[0];
    if (
      !said ||
      !claims.length ||
      told.some(({ what }) => claims.some((c) => what.includes(`${namespace}/${c} `)))
    )
      return [];
    return [
      {
        severity: "critical",
        layer: "cluster",
        what: `a volume of pod ${namespace}/${pod} is full (${claims.join(", ")})`,
        evidence: said.trim().slice(0, 300),
        fix: `kubectl -n ${namespace} describe pvc ${claims.join(" ")}; give it a larger volume (docs/guides/sizing.md), or see why what is on it stays`,
        page,
      },
    ];
  });
}

const claimsOf = (pod?: V1Pod): string[] =>
  (pod?.spec?.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);

/** A claim that has no volume, with what Kubernetes says of it. */
export function claimFinding(
  { metadata, spec, status }: V1PersistentVolumeClaim,
  messages: string[],
  classes: { name: string; waits: boolean }[],
  used: boolean,
): Finding | undefined {
  const { namespace, name } = metadata ?? {};
  if (status?.phase === "Bound") {
    const resize = status.conditions?.find(({ type }) =>
      /Resiz.*(Error|Infeasible)|FileSystemResizePending/.test(type),
    );
    return resize
      ? {
          severity: "warning",
          layer: "cluster",
          what: `claim ${namespace}/${name} is not grown yet: ${resize.type}`,
          evidence: resize.message ?? resize.type,
          fix: `kubectl -n ${namespace} describe pvc ${name}; restart its pod where it says FileSystemResizePending`,
          page,
        }
      : undefined;
  }
  const kind = spec?.storageClassName;
  const known = classes.find((one) => one.name === kind);
  // Such a class makes no volume before a pod wants it.
  if (known?.waits && !used) return undefined;
  const lost = status?.phase === "Lost";
  return {
    severity: "critical",
    layer: "cluster",
    what: lost
      ? `claim ${namespace}/${name} has lost its volume ${spec?.volumeName}`
      : `claim ${namespace}/${name} gets no volume${known ? "" : `: there is no StorageClass ${kind ?? "by default"}`}`,
    evidence:
      messages[0] ??
      `phase ${status?.phase}, StorageClass ${kind}; there are ${classes.map((c) => c.name).join(", ") || "none"}`,
    fix: known
      ? `kubectl -n ${namespace} describe pvc ${name}; mend the provisioner of StorageClass ${kind}`
      : "name a class that is there: pulumi config set --path cluster.storageClass <name>; a claim keeps its class, so delete this one first",
    page,
  };
}

/** Disks of nodes that fill up: the kubelet evicts pods at 85 to 90 % (https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/). */
export function nodeFinding(node: string, fs?: FileSystem): Finding | undefined {
  const { availableBytes = 0, capacityBytes = 0 } = fs ?? {};
  if (!capacityBytes || availableBytes / capacityBytes > 0.1) return undefined;
  // A disk that is large has room even where its share is small.
  if (availableBytes > 10 * 2 ** 30) return undefined;
  const free = availableBytes / capacityBytes;
  return {
    severity: free < 0.05 ? "critical" : "warning",
    layer: "cluster",
    what: `the disk of node ${node} is ${free < 0.05 ? "full" : "nearly full"}: ${size(availableBytes)} of ${size(capacityBytes)} are left`,
    evidence: "the kubelet's statistics, node.fs",
    fix: "make room on the node: images that nothing uses, logs, other people's pods; below its threshold the kubelet evicts pods",
    page,
  };
}

/** Claims without a volume, volumes and nodes' disks that fill up. */
export const check: Check = {
  name: "volumes",
  async look({ config, cluster, settings }) {
    const [claims, events, pods, nodes, classes] = await Promise.all([
      cluster.claims(),
      cluster.events(),
      cluster.pods(),
      cluster.nodes(),
      config.makeApiClient(StorageV1Api).listStorageClass(),
    ]);
    const names = nodes.map(({ metadata }) => metadata?.name ?? "");
    const summaries = await summariesOf(config, names);
    const usages = summaries
      .flatMap(usagesOf)
      .filter(({ namespace, claim }) =>
        claims.some(({ metadata }) => metadata?.namespace === namespace && metadata.name === claim),
      );
    const filled = usageFindings(usages, settings);
    const known = classes.items.map(({ metadata, volumeBindingMode }) => ({
      name: metadata?.name ?? "",
      waits: volumeBindingMode === "WaitForFirstConsumer",
    }));
    const unbound = claims.map((claim) => {
      const { namespace = "", name = "" } = claim.metadata ?? {};
      const messages = eventsOf(events, "PersistentVolumeClaim", namespace, name).map((e) => e.message ?? "");
      const used = pods.some((pod) => pod.metadata?.namespace === namespace && claimsOf(pod).includes(name));
      return claimFinding(claim, messages, known, used);
    });
    const disks = summaries.map(({ node }, index) => nodeFinding(names[index] ?? "", node?.fs));
    return [
      ...disks.filter((finding) => finding !== undefined),
      ...unbound.filter((finding) => finding !== undefined),
      ...filled,
      ...noSpaceFindings(await cluster.logs(), pods, filled),
    ];
  },
};
