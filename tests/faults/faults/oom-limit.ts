import { namespaces } from "../../support/names";
import { type Fault, fieldFault } from "../fault";

/** A memory limit far below the needs of the process. */
export const fault: Fault = {
  name: "oom-limit",
  ...fieldFault(
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: namespaces.loki, name: "loki-querier" },
    },
    ["spec", "template", "spec", "containers"],
    ([container, ...rest]) => [
      { ...container, resources: { requests: { memory: "10Mi" }, limits: { memory: "20Mi" } } },
      ...rest,
    ],
  ),
  expected: /loki-querier-\S+ is killed for memory: its limit is 20Mi \(loki\.querier\.memoryLimit\)/,
  page: "docs/operations/runbook.md#components",
};
