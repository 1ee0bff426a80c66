import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import { alloyLogsValues } from "../values/alloy-logs";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy on every node, sending the logs of all pods to Loki (R5). It does not wait for Loki: until that answers,
 * lines wait in its write-ahead log.
 */
export class AlloyLogs extends pulumi.ComponentResource {
  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyLogs", name, {}, opts);
    new HelmRelease(
      releases.alloyLogs,
      {
        settings: args.settings,
        chart: "alloy",
        namespace: args.namespaces.name("alloyLogs"),
        values: alloyLogsValues(args.settings),
      },
      { parent: this, dependsOn: [...args.crds, ...args.access.readyFor("alloyLogs")] },
    );
    this.registerOutputs({});
  }
}
