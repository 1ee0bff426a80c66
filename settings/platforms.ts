/**
 * Known requirements of each Kubernetes platform. A preset overrides the defaults of the environment, and the stack's
 * own settings override the preset. docs/reference/support.md lists the tested platforms.
 *
 * Requirements that all platforms share are not in presets: node agents stay off Windows, Fargate and virtual-kubelet
 * nodes everywhere (values/node-agents.ts), and the ports 443 and 6443 of API servers are in the defaults of
 * `network.apiServerPorts`.
 */
import type { Tree } from "./tree";

/** Names of the platforms. */
export const platformNames = ["kind", "k3s", "kubeadm", "eks", "gke", "aks", "openshift"] as const;
export type PlatformName = (typeof platformNames)[number];

/** https://docs.rke2.io/reference/cli_tools */
export const k3sSocket = "/run/k3s/containerd/containerd.sock";

export interface Platform {
  /** The platform's official name. */
  title: string;
  /** Settings that replace the environment's defaults. */
  settings: Tree;
  /** The fix if there is no default StorageClass. */
  storageClass?: string;
}

export const platforms: Record<PlatformName, Platform> = {
  kind: {
    title: "kind",
    // kubeadm creates the nodes: https://kind.sigs.k8s.io/docs/design/node-image/
    settings: { scaling: { kubeletCertificates: false } },
  },
  k3s: {
    title: "k3s or RKE2",
    settings: { cadvisor: { containerdSocket: k3sSocket } },
    // https://docs.rke2.io/storage: RKE2 has none; https://docs.k3s.io/add-ons/storage: k3s has `local-path`
    storageClass: "k3s has local-path unless it is disabled, and RKE2 has none: install a CSI driver",
  },
  kubeadm: {
    title: "kubeadm",
    // Serving certificates of kubelets are self-signed by default:
    // https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#kubelet-serving-certs
    settings: { scaling: { kubeletCertificates: false } },
    storageClass: "kubeadm creates none: install a CSI driver",
  },
  eks: {
    title: "Amazon EKS",
    settings: { kubePrometheusStack: { controlPlane: ["apiServer", "dns"] } },
    // https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html (1.30)
    storageClass:
      "EKS 1.30 and later mark none as the default: create one with type gp3, of ebs.csi.eks.amazonaws.com in Auto Mode, otherwise of ebs.csi.aws.com, whose add-on you install",
  },
  gke: {
    title: "Google Kubernetes Engine",
    // Clusters have kube-dns or Cloud DNS by default, which do not have CoreDNS' metrics:
    // https://docs.cloud.google.com/kubernetes-engine/docs/concepts/service-discovery
    settings: { kubePrometheusStack: { controlPlane: ["apiServer"] } },
    storageClass: "GKE's own default is standard-rwo",
  },
  aks: {
    title: "Azure Kubernetes Service",
    settings: { kubePrometheusStack: { controlPlane: ["apiServer", "dns"] } },
    // https://learn.microsoft.com/en-us/azure/aks/concepts-storage#storage-classes
    storageClass: "AKS has managed-csi",
  },
  openshift: {
    title: "OpenShift",
    settings: {
      // DNS runs in openshift-dns, with its own labels, and its metrics require a token:
      // https://github.com/openshift/cluster-dns-operator/tree/master/manifests
      cluster: { selinux: true },
      kubePrometheusStack: {
        controlPlane: ["apiServer"],
        // The platform's own services, including node-exporter, use the host ports from 9100:
        // https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/installation_configuration/network-flow-matrix_configuring-firewall
        nodeExporter: { port: 9790 },
      },
      // Nodes run CRI-O, which cAdvisor cannot reach through containerd's socket; the kubelet measures containers:
      // https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/architecture/architecture
      cadvisor: { enabled: false },
      // The routers, and the namespace that stands for pods with the host's network, as routers are on some platforms:
      // https://github.com/openshift/cluster-network-operator/blob/master/bindata/network/ovn-kubernetes/common/openshift-host-network-ns.yaml
      network: { ingressNamespaces: ["openshift-ingress", "openshift-host-network"] },
    },
    storageClass: "the cluster's storage operator creates one on most clouds",
  },
};

/** Settings of a platform by its name in a stack's configuration; none for an unknown name. */
export const presetOf = (cluster: unknown): Tree => {
  const { platform } = (cluster ?? {}) as { platform?: PlatformName };
  return (platform && platforms[platform]?.settings) ?? {};
};
