import type { V1Node, V1PersistentVolume } from "@kubernetes/client-node";
import { minio, namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { minioClaims } from "../../../values/minio";
import { type Pin, pinProblems } from "../../../values/topology";
import { ownsClaim, workloadVolumes } from "../../../values/volumes";
import { type Check, error } from "../check";
import { nodesOfVolume, placementNodes, usableNodes } from "../nodes";

/** The workload that a claim belongs to. */
function workloadOf(settings: Settings, namespace: string, claim: string): string | undefined {
  const isMinio =
    namespace === namespaces(settings).minio && minioClaims(settings).some(({ name }) => name === claim);
  if (isMinio) return minio.release;
  return workloadVolumes(settings).find(
    (volumes) => volumes.namespace === namespace && ownsClaim(volumes, claim),
  )?.name;
}

/** The node or zone that the volumes of a workload are tied to, if it is a single one. */
function pinsOf(settings: Settings, nodes: V1Node[], volumes: V1PersistentVolume[]): Pin[] {
  return volumes.flatMap((volume): Pin[] => {
    const { namespace = "", name = "" } = volume.spec?.claimRef ?? {};
    const workload = workloadOf(settings, namespace, name);
    if (!workload || !volume.spec?.nodeAffinity) return [];
    const usable = placementNodes(settings, nodesOfVolume(volume, nodes));
    const [first, ...others] = usable;
    if (!first) return [];
    const oneZone = others.every(({ zone }) => zone === first.zone);
    return [
      {
        namespace,
        workload,
        ...(others.length === 0 && { node: first.name }),
        ...(oneZone && { zone: first.zone }),
      },
    ];
  });
}

/** Members of a quorum can be restarted on the nodes of their volumes. */
export const check: Check<"nodes" | "volumes"> = {
  name: "placement of volumes",
  needs: ["nodes", "volumes"],
  applies: ({ cluster }) => cluster.antiAffinity === "quorum" || cluster.antiAffinity === "required",
  find: ({ settings, facts: { nodes, volumes } }) =>
    pinProblems(
      settings,
      placementNodes(settings, nodes),
      pinsOf(settings, usableNodes(settings, nodes), volumes),
    ).map(error),
};
