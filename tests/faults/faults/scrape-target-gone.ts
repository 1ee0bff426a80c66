import type { KubernetesObject } from "@kubernetes/client-node";
import type { Fault, Header } from "../fault";

const monitor: Header = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name: "tempo-distributor", namespace: "tempo" },
};

let before: KubernetesObject | undefined;

/** The ServiceMonitor of Tempo's distributors is deleted. */
export const fault: Fault = {
  name: "scrape-target-gone",
  async make({ objects }) {
    before = await objects.read(monitor);
    await objects.delete(monitor);
  },
  async fix({ objects }) {
    if (!before) return;
    const { name, namespace, labels = {}, annotations = {} } = before.metadata ?? {};
    await objects.create({
      ...before,
      metadata: { name, namespace, labels, annotations },
    } as KubernetesObject);
    before = undefined;
  },
  expected: /ServiceMonitor tempo\/tempo-distributor/,
  // The deletion of an object that Helm installed is the cause; the missing scrapes are its effect.
  page: "docs/operations/runbook.md#components",
};
