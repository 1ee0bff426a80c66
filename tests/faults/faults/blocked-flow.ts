import { NetworkingV1Api, type V1NetworkPolicy } from "@kubernetes/client-node";
import { namespaces } from "../../support/names";
import type { Fault } from "../fault";

const namespace = namespaces.loki;
const name = "somebodys-default-deny";
/** The stack's own policy, which allows connections between Loki's components, if there are policies. */
const own = "loki";

let before: V1NetworkPolicy | undefined;

const unlessMissing = (error: { code?: number }) => {
  if (error.code !== 404) throw error;
};

/**
 * Loki's gateway cannot connect to the distributors: a user deleted the policy that allows it or, without policies,
 * created one that denies it. If one policy allows a connection, no other can deny it.
 */
export const fault: Fault = {
  name: "blocked-flow",
  async make({ config }) {
    const api = config.makeApiClient(NetworkingV1Api);
    before =
      (await api.readNamespacedNetworkPolicy({ namespace, name: own }).catch(unlessMissing)) ?? undefined;
    if (before) await api.deleteNamespacedNetworkPolicy({ namespace, name: own });
    else
      await api.createNamespacedNetworkPolicy({
        namespace,
        body: {
          metadata: { name },
          spec: {
            podSelector: { matchLabels: { "app.kubernetes.io/component": "distributor" } },
            policyTypes: ["Ingress"],
          },
        },
      });
  },
  async fix({ config }) {
    const api = config.makeApiClient(NetworkingV1Api);
    await api.deleteNamespacedNetworkPolicy({ namespace, name }).catch(unlessMissing);
    if (!before) return;
    const { labels = {}, annotations = {} } = before.metadata ?? {};
    const { spec } = before;
    await api.createNamespacedNetworkPolicy({
      namespace,
      body: { metadata: { name: own, labels, annotations }, ...(spec && { spec }) },
    });
    before = undefined;
  },
  expected: /NetworkPolicy loki\/(somebodys-default-deny blocks|loki is gone)/,
  page: "docs/operations/runbook.md#network",
};
