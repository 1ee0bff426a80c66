import type { V1Node, V1PersistentVolume } from "@kubernetes/client-node";
import { type NamespaceKey, namespaceKey } from "../../../names";
import type { Settings } from "../../../settings";
import type { PlacedComponent } from "../../../settings/scheduling";
import { scheduling } from "../../../values/scheduling";
import { type Check, error, type Finding, warning } from "../check";
import { nodesOfVolume, usableNodes } from "../nodes";

const path = "cluster.scheduling";

/** The component that has volumes in a namespace. */
const componentOf: Partial<Record<NamespaceKey, PlacedComponent>> = {
  minio: "minio",
  loki: "loki",
  mimir: "mimir",
  tempo: "tempo",
  monitoring: "kps",
  grafana: "grafana",
};

/** Volumes on existing nodes that cannot run the pods of these volumes. */
function stranded(settings: Settings, nodes: V1Node[], volumes: V1PersistentVolume[]): Finding[] {
  const claims = volumes.flatMap((volume) => {
    const { namespace = "", name = "" } = volume.spec?.claimRef ?? {};
    const key = namespaceKey(settings, namespace);
    const component = key && componentOf[key];
    if (!component || usableNodes(settings, nodes, component).length === 0) return [];
    const own = nodesOfVolume(volume, nodes);
    return own.length > 0 && usableNodes(settings, own, component).length === 0
      ? [`${namespace}/${name} (${own.map(({ metadata }) => metadata?.name).join(", ")})`]
      : [];
  });
  if (claims.length === 0) return [];
  return [
    error({
      path,
      was: settings.cluster.scheduling,
      allowed: `a selection with the nodes of existing volumes; their pods cannot move: ${claims.join(", ")}`,
      change: "Add the nodes to the selection, or move the volumes first: docs/guides/scaling.md",
    }),
  ];
}

/** Components of the stack without a matching node. */
function without(settings: Settings, nodes: V1Node[]): Finding[] {
  const components = Object.values(componentOf).filter(
    (component) =>
      (component !== "minio" || settings.objectStorage.kind === "minio") &&
      usableNodes(settings, nodes, component).length === 0,
  );
  const [first] = components;
  if (!first) return [];
  const { nodeSelector, tolerations } = scheduling(settings, first);
  return [
    warning({
      path,
      was: { nodeSelector, tolerations },
      allowed: `a selection of nodes that exist, unless an autoscaler adds them: no node can run pods of ${components.join(", ")}`,
      change:
        "Compare it with: kubectl get nodes --show-labels -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
    }),
  ];
}

/** `cluster.scheduling` selects nodes that exist, including the nodes of existing volumes. */
export const check: Check<"nodes" | "volumes"> = {
  name: "selection of nodes",
  needs: ["nodes", "volumes"],
  find: ({ settings, facts: { nodes, volumes } }) => [
    ...without(settings, nodes),
    ...stranded(settings, nodes, volumes),
  ],
};
