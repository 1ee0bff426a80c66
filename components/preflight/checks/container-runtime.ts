import { k3sSocket } from "../../../settings/platforms";
import { type Check, warning } from "../check";

/** Sockets of containerd, by distribution as it appears in kubelet versions. */
const sockets: [version: RegExp, socket: string][] = [
  [/[+](k3s|rke2)/, k3sSocket],
  [/[+]k0s/, "/run/k0s/containerd.sock"],
];

/** cAdvisor uses the socket of the nodes' containerd; with another one, it reports no containers. */
export const check: Check<"nodes"> = {
  name: "container runtime",
  needs: ["nodes"],
  applies: ({ cadvisor }) => cadvisor.enabled,
  find({ settings, facts: { nodes } }) {
    const was = settings.cadvisor.containerdSocket;
    const versions = nodes.map(({ status }) => status?.nodeInfo?.kubeletVersion ?? "");
    const other = sockets.find(
      ([version, socket]) => socket !== was && versions.some((v) => version.test(v)),
    );
    if (!other) return [];
    return [
      warning({
        path: "cadvisor.containerdSocket",
        was,
        allowed: `${other[1]}, the socket on nodes with kubelet ${versions.find((version) => other[0].test(version))}; otherwise containers have no metrics in Mimir`,
      }),
    ];
  },
};
