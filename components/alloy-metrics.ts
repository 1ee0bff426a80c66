import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import type { Settings } from "../settings";
import { alloyMetricsValues } from "../values/alloy-metrics";
import { HelmRelease } from "./helm-release";
import type { Namespaces } from "./namespaces";

export interface AlloyMetricsArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** The stack's namespaces. */
  namespaces: Namespaces;
  /** Definitions of the monitors and rules that it reads. */
  crds: pulumi.Resource[];
}

/**
 * Alloy as a cluster of replicas that share the targets, sending metrics to Mimir (R6). It does not wait for Mimir:
 * until that answers, samples wait in its write-ahead log.
 */
export class AlloyMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: AlloyMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:AlloyMetrics", name, {}, opts);
    new HelmRelease(
      releases.alloyMetrics,
      {
        settings: args.settings,
        chart: "alloy",
        namespace: args.namespaces.name("alloyMetrics"),
        values: alloyMetricsValues(args.settings),
      },
      { parent: this, dependsOn: args.crds },
    );
    this.registerOutputs({});
  }
}
