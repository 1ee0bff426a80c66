import { namespaces } from "../../support/names";
import { type Fault, fieldFault } from "../fault";

/** No ingester accepts logs: a user scaled them to 0. */
export const fault: Fault = {
  name: "dead-ingester",
  ...fieldFault(
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { namespace: namespaces.loki, name: "loki-ingester" },
    },
    ["spec", "replicas"],
    () => 0,
  ),
  expected: /loki-ingester is scaled to 0|ring ingester of loki has 0 members/,
  page: "docs/operations/runbook.md#components",
};
