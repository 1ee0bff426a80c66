import { type Fault, fieldFault } from "../fault";

/**
 * The DNS Service has an endpoint that does not respond, although everything looks ready. Clusters with a controller
 * for endpoints would repair it within seconds; in the test cluster it was created manually.
 */
const field = fieldFault(
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "kube-system", name: "kube-dns-host" },
  },
  ["endpoints"],
  ([endpoint]) => [{ ...endpoint, addresses: ["10.244.0.253"] }],
);

export const fault: Fault = {
  name: "dns-broken",
  async make(cluster) {
    await field.make(cluster).catch((error: { code?: number }) => {
      throw error.code === 404
        ? new Error("skipped: this cluster's DNS has no EndpointSlice kube-dns-host")
        : error;
    });
  },
  fix: field.fix,
  expected: /DNS (inside|of) the cluster/,
  page: "docs/operations/runbook.md#network",
};
