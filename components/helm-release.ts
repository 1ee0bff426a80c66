import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type ChartName, chartSources } from "../charts";
import type { Settings } from "../settings";
import { extendedValues } from "../values/extended";
import { releaseTimeout } from "../values/rollout";
import type { Values } from "../values/shared";
import { platformValues } from "../values/user-ids";

export interface HelmReleaseArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Name of the release in Helm. */
  release: string;
  /** Chart to install; its version and repository are in `charts.json`. */
  chart: ChartName;
  /** Namespace to install into; it must exist. */
  namespace: pulumi.Input<string>;
  /** The chart's values. */
  values: pulumi.Input<Values>;
  /**
   * Chart with the CRDs that `chart` needs. It is installed first and upgraded with every pin; Helm itself never
   * upgrades CRDs in a chart's `crds/`.
   */
  crds?: { chart: ChartName; values: Values };
}

/** The single way to install a chart: pinned, under a fixed name, and with a timeout. */
export class HelmRelease extends pulumi.ComponentResource {
  /** The release itself. */
  readonly release: k8s.helm.v3.Release;
  /** The release of the CRDs, if they are in a chart of their own. */
  readonly crds: k8s.helm.v3.Release[];

  constructor(name: string, args: HelmReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:HelmRelease", name, {}, opts);
    const { settings } = args;
    const install = (
      suffix: string,
      chart: ChartName,
      values: pulumi.Input<Values>,
      dependsOn: pulumi.Resource[],
    ) => {
      const release = args.release + suffix;
      const { repository, ...source } = chartSources(undefined, settings, [chart])[chart];
      const extended = pulumi.output(values).apply((own) => {
        const { values, replaced } = extendedValues(
          settings,
          release,
          platformValues(settings, release, own),
        );
        for (const key of replaced)
          pulumi.log.warn(`helm.${release}.values.${key} replaces a value that the product sets`, this);
        return values;
      });
      return new k8s.helm.v3.Release(
        name + suffix,
        {
          ...source,
          ...(repository && { repositoryOpts: { repo: repository } }),
          name: release,
          namespace: args.namespace,
          values: extended,
          timeout: releaseTimeout(settings, release),
          maxHistory: settings.charts.history,
          // A failed release stays as it is, with its pods and events. `atomic` would uninstall a first installation.
          // It would also roll an upgrade back with the same timeout, which is pointless for StatefulSets with
          // OrderedReady.
          atomic: false,
          cleanupOnFail: false,
          createNamespace: false,
          // If the CRDs have their own chart, the copy inside the chart must not conflict with it.
          skipCrds: chart === args.chart && args.crds !== undefined,
        },
        { parent: this, dependsOn },
      );
    };
    this.crds = args.crds ? [install("-crds", args.crds.chart, args.crds.values, [])] : [];
    this.release = install("", args.chart, args.values, this.crds);
    this.registerOutputs({});
  }
}
