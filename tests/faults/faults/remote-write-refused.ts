import type { Fault } from "../fault";
import { fieldFault } from "../fault";

/** Prometheus has a password that Mimir's gateway does not accept. */
export const fault: Fault = {
  name: "remote-write-refused",
  ...fieldFault(
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "gateway-credentials", namespace: "monitoring" },
    },
    ["data", "mimir-prometheus-write.password"],
    () => Buffer.from("wrong").toString("base64"),
  ),
  expected: /the gateway of mimir rejects prometheus-write with the password that monitoring has/,
  page: "docs/operations/runbooks/AlloyRemoteWriteErrors.md",
};
