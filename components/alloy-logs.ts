import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import { alloyLogsValues } from "../values/alloy-logs";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy on every node, sending the logs of all pods to Loki (R5). It does not wait for Loki: until that answers,
 * lines wait in its write-ahead log.
 */
export class AlloyLogs extends pulumi.ComponentResource {
  constructor(name: string, args: ComponentArgs<"alloyLogs">, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyLogs", name, {}, opts);
    new HelmRelease(
      childNames(name, "alloy-logs")(releases.alloyLogs),
      {
        settings: args.settings,
        release: releases.alloyLogs,
        chart: "alloy",
        namespace: args.namespaces.alloyLogs,
        values: knownSettings(args).apply(alloyLogsValues),
      },
      { parent: this, dependsOn: [...(args.crds ?? []), ...args.access.readyFor("alloyLogs")] },
    );
    this.registerOutputs({});
  }
}
