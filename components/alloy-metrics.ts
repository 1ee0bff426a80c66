import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import { alloyMetricsValues } from "../values/alloy-metrics";
import type { ComponentArgs } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy as a cluster of replicas that share the targets, sending metrics to Mimir (R6). It does not wait for Mimir:
 * until that answers, samples wait in its write-ahead log.
 */
export class AlloyMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: ComponentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyMetrics", name, {}, opts);
    new HelmRelease(
      releases.alloyMetrics,
      {
        settings: args.settings,
        chart: "alloy",
        namespace: args.namespaces.name("alloyMetrics"),
        values: alloyMetricsValues(args.settings),
      },
      { parent: this, dependsOn: [...args.crds, ...args.access.readyFor("alloyMetrics")] },
    );
    this.registerOutputs({});
  }
}
