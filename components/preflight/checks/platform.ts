import type { V1Node } from "@kubernetes/client-node";
import { type PlatformName, platforms } from "../../../settings/platforms";
import { type Check, error, warning } from "../check";

/** Marks of nodes that are unique to a platform. kubeadm creates kind's nodes, so that kind comes first. */
const marks: [name: PlatformName, marked: (node: V1Node) => boolean][] = [
  ["openshift", ({ metadata }) => "node.openshift.io/os_id" in (metadata?.labels ?? {})],
  ["eks", ({ status }) => /-eks-/.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["gke", ({ status }) => /-gke\./.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["aks", ({ metadata }) => "kubernetes.azure.com/cluster" in (metadata?.labels ?? {})],
  ["k3s", ({ status }) => /\+(k3s|rke2)/.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["kind", ({ spec }) => /^kind:/.test(spec?.providerID ?? "")],
  ["kubeadm", ({ metadata }) => "kubeadm.alpha.kubernetes.io/cri-socket" in (metadata?.annotations ?? {})],
];

/** The platform of the nodes; undefined if they have no mark. */
export const platformOf = (nodes: V1Node[]): PlatformName | undefined =>
  marks.find(([, marked]) => nodes.some(marked))?.[0];

/** The preset of `cluster.platform` matches the cluster. */
export const check: Check<"nodes"> = {
  name: "platform",
  needs: ["nodes"],
  find({ settings, facts: { nodes } }) {
    const was = settings.cluster.platform;
    const found = platformOf(nodes);
    if (found === undefined || was === found) return [];
    const allowed = `${found}: the cluster has nodes of ${platforms[found].title}`;
    if (found === "openshift")
      return [
        error({ path: "cluster.platform", was, allowed: `${allowed}, which rejects pods with fixed users` }),
      ];
    if (was === undefined) return [];
    return [
      warning({
        path: "cluster.platform",
        was,
        allowed,
      }),
    ];
  },
  notes({ settings, facts: { nodes } }) {
    const found = platformOf(nodes);
    if (settings.cluster.platform !== undefined || found === undefined || found === "openshift") return [];
    return [
      `the cluster has nodes of ${platforms[found].title}: cluster.platform: ${found} sets the defaults for it`,
    ];
  },
};
