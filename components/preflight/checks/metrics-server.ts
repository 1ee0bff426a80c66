import type { V1Node } from "@kubernetes/client-node";
import { platforms } from "../../../settings/platforms";
import { installsMetricsServer } from "../../../values/scaling";
import { type Check, warning } from "../check";
import { platformOf } from "./platform";

/** Nodes whose kubelets have self-signed certificates by default, and have no platform of their own. */
const selfSigned = ({ metadata, status }: V1Node): boolean =>
  "minikube.k8s.io/name" in (metadata?.labels ?? {}) || /^Talos/.test(status?.nodeInfo?.osImage ?? "");

/** metrics-server can verify the certificates of kubelets; otherwise it never becomes ready. */
export const check: Check<"nodes" | "apiServices"> = {
  name: "certificates of kubelets",
  needs: ["nodes", "apiServices"],
  applies: (settings) => installsMetricsServer(settings) && settings.scaling.kubeletCertificates,
  find({ facts: { nodes, apiServices } }) {
    // It runs already.
    const works = apiServices.some(
      ({ metadata, status }) =>
        metadata?.name === "v1beta1.metrics.k8s.io" &&
        status?.conditions?.some(({ type, status }) => type === "Available" && status === "True"),
    );
    if (works) return [];
    const platform = platformOf(nodes);
    const off = platform && "scaling" in platforms[platform].settings;
    const title = nodes.some(selfSigned) ? "this distribution" : off ? platforms[platform].title : undefined;
    return title
      ? [
          warning({
            path: "scaling.kubeletCertificates",
            was: true,
            allowed: `false, unless you configured kubelets with certificates of the cluster's CA: those of ${title} are self-signed, so metrics-server would not become ready`,
          }),
        ]
      : [];
  },
};
