import { NetworkingV1Api } from "@kubernetes/client-node";
import type { Fault } from "../fault";

const namespace = "loki";
const name = "somebodys-default-deny";

/** Somebody refuses everything that comes to Loki's distributors: the gateway does not reach them. */
export const fault: Fault = {
  name: "blocked-flow",
  async make({ config }) {
    await config.makeApiClient(NetworkingV1Api).createNamespacedNetworkPolicy({
      namespace,
      body: {
        metadata: { name },
        spec: {
          // Where the stack has policies of its own, what they allow stays allowed: nobody can take that back, so they lose one.
          podSelector: { matchLabels: { "app.kubernetes.io/component": "distributor" } },
          policyTypes: ["Ingress"],
        },
      },
    });
  },
  async mend({ config }) {
    await config
      .makeApiClient(NetworkingV1Api)
      .deleteNamespacedNetworkPolicy({ namespace, name })
      .catch((error: { code?: number }) => {
        if (error.code !== 404) throw error;
      });
  },
  expected: /NetworkPolicy loki\/(somebodys-default-deny|loki)\b/,
  page: "docs/runbook.md#network",
};
