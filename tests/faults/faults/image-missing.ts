import { namespaces } from "../../support/names";
import { type Fault, fieldFault } from "../fault";

/** An image that no registry has. */
export const fault: Fault = {
  name: "image-missing",
  ...fieldFault(
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: namespaces.loki, name: "loki-query-frontend" },
    },
    ["spec", "template", "spec", "containers"],
    ([container, ...rest]) => [{ ...container, image: "docker.io/grafana/loki:0.0.0-none" }, ...rest],
  ),
  expected: /loki-query-frontend-\S+ cannot pull the image docker\.io\/grafana\/loki:0\.0\.0-none/,
  page: "docs/operations/runbook.md#components",
};
