import type { V1Node } from "@kubernetes/client-node";
import { k3sSocket } from "../../../settings/platforms";
import { type Check, warning } from "../check";

const version = ({ status }: V1Node): string => status?.nodeInfo?.kubeletVersion ?? "";

/** Sockets of containerd, by distribution as it appears in kubelet versions, or in a label of nodes. */
const sockets: [of: (node: V1Node) => boolean, socket: string][] = [
  [(node) => /[+](k3s|rke2)/.test(version(node)), k3sSocket],
  [(node) => /[+]k0s/.test(version(node)), "/run/k0s/containerd.sock"],
  // https://github.com/canonical/microk8s/blob/master/microk8s-resources/default-args/kubelet
  [
    ({ metadata }) => metadata?.labels?.["microk8s.io/cluster"] === "true",
    "/var/snap/microk8s/common/run/containerd.sock",
  ],
];

/** cAdvisor uses the socket of the nodes' containerd; with another one, it reports no containers. */
export const check: Check<"nodes"> = {
  name: "container runtime",
  needs: ["nodes"],
  applies: ({ cadvisor }) => cadvisor.enabled,
  find({ settings, facts: { nodes } }) {
    const was = settings.cadvisor.containerdSocket;
    const other = sockets.find(([of, socket]) => socket !== was && nodes.some(of));
    if (!other) return [];
    return [
      warning({
        path: "cadvisor.containerdSocket",
        was,
        allowed: `${other[1]}, the socket on nodes with kubelet ${version(nodes.find(other[0]) as V1Node)}; otherwise containers have no metrics in Mimir`,
      }),
    ];
  },
};
