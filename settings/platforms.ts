/**
 * What each Kubernetes platform is known to need. A preset stands between the defaults of the environment and the stack's
 * own settings, which win over it. docs/reference/support.md says what was run.
 *
 * Needs that every platform shares are no preset: node agents stay off Windows, Fargate and virtual-kubelet nodes everywhere
 * (values/node-agents.ts), and the ports 443 and 6443 of API servers are in the defaults of `network.apiServerPorts`.
 */
import type { Tree } from "./tree";

/** Names of the platforms. */
export const platformNames = ["kind", "k3s", "kubeadm", "eks", "gke", "aks", "openshift"] as const;
export type PlatformName = (typeof platformNames)[number];

/** https://docs.rke2.io/reference/cli_tools */
export const k3sSocket = "/run/k3s/containerd/containerd.sock";

export interface Platform {
  /** The platform's own name. */
  title: string;
  /** Settings that replace the environment's defaults. */
  settings: Tree;
  /** What to do if there is no default StorageClass. */
  storageClass?: string;
}

export const platforms: Record<PlatformName, Platform> = {
  kind: {
    title: "kind",
    // Nodes are made by kubeadm: https://kind.sigs.k8s.io/docs/design/node-image/
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
      "EKS 1.30 and later mark none as the default: install the EBS CSI driver, and create one of ebs.csi.aws.com with type gp3",
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
      // DNS runs in openshift-dns, with labels of its own, and its metrics need a token:
      // https://github.com/openshift/cluster-dns-operator/tree/master/manifests
      kubePrometheusStack: {
        controlPlane: ["apiServer"],
        // Host ports 9100 and up are taken by the platform's own services, node-exporter among them:
        // https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/installation_configuration/network-flow-matrix_configuring-firewall
        nodeExporter: { port: 9790 },
      },
      // Nodes run CRI-O, which cAdvisor does not reach through containerd's socket; the kubelet measures containers:
      // https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/architecture/architecture
      cadvisor: { enabled: false },
      // Where the routers run: https://github.com/openshift/cluster-ingress-operator
      network: { ingressNamespaces: ["openshift-ingress"] },
    },
    storageClass: "the cluster's storage operator creates one on most clouds",
  },
};

/** Settings of a platform by its name, as a stack's configuration has it; none for a name that does not exist. */
export const presetOf = (cluster: unknown): Tree => {
  const { platform } = (cluster ?? {}) as { platform?: PlatformName };
  return (platform && platforms[platform]?.settings) ?? {};
};
