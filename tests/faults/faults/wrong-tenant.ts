import type { Fault } from "../fault";
import { change, type Header } from "../fault";

const collector: Header = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "alloy-logs", namespace: "alloy-logs" },
};

let before: { name?: string; env?: { name: string; value?: string }[] }[] | undefined;

const patch = (containers: unknown) => ({ spec: { template: { spec: { containers } } } });

/** Alloy for logs authenticates at Loki's gateway as a user of a tenant that does not exist. */
export const fault: Fault = {
  name: "wrong-tenant",
  async make(cluster) {
    const { spec } = await cluster.apps.readNamespacedDaemonSet({
      name: "alloy-logs",
      namespace: "alloy-logs",
    });
    before = structuredClone(spec?.template.spec?.containers);
    const wrong = structuredClone(before)?.map((container) => ({
      ...container,
      ...(container.env && {
        env: container.env.map((one) => (one.name === "LOKI_USER" ? { ...one, value: "nobody-write" } : one)),
      }),
    }));
    await change(cluster, collector, patch(wrong));
  },
  async fix(cluster) {
    if (before) await change(cluster, collector, patch(before));
    before = undefined;
  },
  expected: /the gateway of loki does not know as whom alloy-logs\/\S+ comes/,
  page: "docs/operations/runbooks/LogsDropped.md",
};
