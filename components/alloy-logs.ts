import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import { alloyLogsValues } from "../values/alloy-logs";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy on every node, which sends the logs of all pods to Loki. It does not wait for Loki: its write-ahead log buffers
 * lines until Loki is available.
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
