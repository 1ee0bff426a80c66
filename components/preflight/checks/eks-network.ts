import type { V1Node } from "@kubernetes/client-node";
import { type Check, warning } from "../check";
import { platformOf } from "./platform";

/** Nodes of EKS Auto Mode run the Amazon VPC CNI without a DaemonSet. */
const isAuto = ({ metadata }: V1Node): boolean =>
  metadata?.labels?.["eks.amazonaws.com/compute-type"] === "auto";

/**
 * The control plane of EKS reaches pods, which need addresses of the VPC:
 * https://docs.aws.amazon.com/eks/latest/userguide/alternate-cni-plugins.html
 */
export const check: Check<"nodes" | "daemonSets" | "ciliumConfig"> = {
  name: "network of EKS",
  needs: ["nodes", "daemonSets", "ciliumConfig"],
  find({ facts: { nodes, daemonSets, ciliumConfig } }) {
    const inVpc =
      ciliumConfig?.["ipam"] === "eni" ||
      nodes.some(isAuto) ||
      daemonSets.some(
        ({ metadata }) => metadata?.namespace === "kube-system" && metadata.name === "aws-node",
      );
    if (platformOf(nodes) !== "eks" || inVpc) return [];
    return [
      warning({
        path: "cluster",
        was: "Amazon EKS without DaemonSet kube-system/aws-node",
        allowed:
          "a cluster whose control plane reaches pods: with an overlay network, webhooks of operators, metrics-server and KEDA time out",
        change: "Use the Amazon VPC CNI, or Cilium with ipam: eni",
      }),
    ];
  },
};
