import { type Fault, fieldFault } from "../fault";

const header = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "podmonitors.monitoring.coreos.com" },
};

/** A definition of an older operator, as an installation of another chart leaves it behind. */
export const fault: Fault = {
  name: "definition-too-old",
  ...fieldFault(header, ["metadata", "annotations"], (annotations: Record<string, string>) => ({
    ...annotations,
    "operator.prometheus.io/version": "0.60.0",
  })),
  expected: /podmonitors\.monitoring\.coreos\.com is too old: 0\.60\.0/,
  page: "docs/operations/troubleshooting.md",
};
