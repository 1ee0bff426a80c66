/** The stack's own alerts, as Prometheus Operator reads them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { namespaces } from "../names";

/** A PrometheusRule for each file of `alerts`, from the project's folder; the tests beside them are left out. */
export const alertRules = () =>
  readdirSync("alerts")
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"))
    .sort()
    .map((file) => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: `observability-${file.replace(".yaml", "")}`, namespace: namespaces.monitoring },
      spec: parse(readFileSync(join("alerts", file), "utf8")) as { groups: { name: string }[] },
    }));
