import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import { alloyMetricsValues } from "../values/alloy-metrics";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Alloy as a cluster of replicas that share the targets and send metrics to Mimir. It does not wait for Mimir: its
 * write-ahead log buffers samples until Mimir is available.
 */
export class AlloyMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: ComponentArgs<"alloyMetrics">, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyMetrics", name, {}, opts);
    new HelmRelease(
      childNames(name, "alloy-metrics")(releases.alloyMetrics),
      {
        settings: args.settings,
        release: releases.alloyMetrics,
        chart: "alloy",
        namespace: args.namespaces.alloyMetrics,
        values: knownSettings(args).apply(alloyMetricsValues),
      },
      { parent: this, dependsOn: [...(args.crds ?? []), ...args.access.readyFor("alloyMetrics")] },
    );
    this.registerOutputs({});
  }
}
