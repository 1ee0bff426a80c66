import { namespaces } from "../../support/names";
import { type Fault, fieldFault } from "../fault";

/** A user scaled a workload manually, and the next update reverts that. */
export const fault: Fault = {
  name: "drifted-replicas",
  ...fieldFault(
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: namespaces.loki, name: "loki-query-frontend" },
    },
    ["spec", "replicas"],
    (replicas: number) => replicas + 1,
  ),
  expected: /loki-query-frontend was changed by hand: 2 replicas where 1 were installed/,
  page: "docs/operations/runbook.md#components",
};
