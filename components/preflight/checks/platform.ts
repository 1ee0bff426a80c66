import type { V1Node } from "@kubernetes/client-node";
import { type PlatformName, platforms } from "../../../settings/platforms";
import { type Check, warning } from "../check";

/** What nodes of a platform have, and no others; kind's are made by kubeadm, so that kind comes first. */
const marks: [name: PlatformName, marked: (node: V1Node) => boolean][] = [
  ["openshift", ({ metadata }) => "node.openshift.io/os_id" in (metadata?.labels ?? {})],
  ["eks", ({ status }) => /-eks-/.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["gke", ({ status }) => /-gke\./.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["aks", ({ metadata }) => "kubernetes.azure.com/cluster" in (metadata?.labels ?? {})],
  ["k3s", ({ status }) => /\+(k3s|rke2)/.test(status?.nodeInfo?.kubeletVersion ?? "")],
  ["kind", ({ spec }) => /^kind:/.test(spec?.providerID ?? "")],
  ["kubeadm", ({ metadata }) => "kubeadm.alpha.kubernetes.io/cri-socket" in (metadata?.annotations ?? {})],
];

/** The platform that the nodes tell; none if they tell nothing. */
export const platformOf = (nodes: V1Node[]): PlatformName | undefined =>
  marks.find(([, marked]) => nodes.some(marked))?.[0];

/** The preset of `cluster.platform` is that of the cluster. */
export const check: Check<"nodes"> = {
  name: "platform",
  needs: ["nodes"],
  find({ settings, facts: { nodes } }) {
    const was = settings.cluster.platform;
    const found = platformOf(nodes);
    if (was === undefined || found === undefined || was === found) return [];
    return [
      warning({
        path: "cluster.platform",
        was,
        allowed: `${found}: the nodes are of ${platforms[found].title}`,
      }),
    ];
  },
  notes({ settings, facts: { nodes } }) {
    const found = platformOf(nodes);
    if (settings.cluster.platform !== undefined || found === undefined) return [];
    return [`the nodes are of ${platforms[found].title}: cluster.platform: ${found} has the defaults for it`];
  },
};
