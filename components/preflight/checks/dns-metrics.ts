import { type Check, warning } from "../check";

/** The DNS server has CoreDNS' metrics, which GKE's kube-dns does not have. */
export const check: Check<"pods"> = {
  name: "metrics of DNS",
  needs: ["pods"],
  applies: ({ kubePrometheusStack }) => kubePrometheusStack.controlPlane.includes("dns"),
  find({ settings, facts: { pods } }) {
    const was = settings.kubePrometheusStack.controlPlane;
    const servers = pods.filter(
      ({ metadata }) => metadata?.namespace === "kube-system" && metadata.labels?.["k8s-app"] === "kube-dns",
    );
    const ports = servers.flatMap(({ spec }) =>
      (spec?.containers ?? []).flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort)),
    );
    return servers.length === 0 || ports.includes(9153)
      ? []
      : [
          warning({
            path: "kubePrometheusStack.controlPlane",
            was,
            allowed:
              "a list without dns: the pods of kube-dns have no metrics on port 9153, so TargetDown would fire",
          }),
        ];
  },
};
