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
  /** Chart to install; its version and repository stand in `charts.json`. */
  chart: ChartName;
  /** Namespace to install into; it exists already. */
  namespace: pulumi.Input<string>;
  /** The chart's values: plain data, so that a preview is complete and `obs render` shows the same. */
  values: Values;
  /**
   * Chart that holds the custom resource definitions which `chart` needs. It is installed first and upgraded with
   * every pin; Helm itself never upgrades what a chart keeps in `crds/`.
   */
  crds?: { chart: ChartName; values: Values };
}

/** The one way to install a chart: pinned, under a fixed name, and with a time limit. */
export class HelmRelease extends pulumi.ComponentResource {
  /** The release itself. */
  readonly release: k8s.helm.v3.Release;
  /** The release of the custom resource definitions, where they come as a chart of their own. */
  readonly crds: k8s.helm.v3.Release[];

  constructor(name: string, args: HelmReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:HelmRelease", name, {}, opts);
    const { charts } = args.settings;
    const sources = chartSources(pulumi.getStack(), args.settings);
    const install = (release: string, chart: ChartName, values: Values, dependsOn: pulumi.Resource[]) => {
      const { repository, ...source } = sources[chart];
      const extended = extendedValues(args.settings, release, platformValues(args.settings, release, values));
      for (const key of extended.replaced)
        pulumi.log.warn(`helm.${release}.values.${key} replaces a value that the product sets`, this);
      return new k8s.helm.v3.Release(
        release,
        {
          ...source,
          ...(repository && { repositoryOpts: { repo: repository } }),
          name: release,
          namespace: args.namespace,
          values: extended.values,
          timeout: releaseTimeout(args.settings, release),
          maxHistory: charts.history,
          // A release that fails stays as it is, with its pods and events. `atomic` would uninstall a first installation, and
          // roll an upgrade back under the same time limit, which OrderedReady StatefulSets do not follow anyway.
          atomic: false,
          cleanupOnFail: false,
          createNamespace: false,
          // Where they come as a chart of their own, the copy inside the chart must not get in its way.
          skipCrds: chart === args.chart && args.crds !== undefined,
        },
        { parent: this, dependsOn },
      );
    };
    this.crds = args.crds ? [install(`${name}-crds`, args.crds.chart, args.crds.values, [])] : [];
    this.release = install(name, args.chart, args.values, this.crds);
    this.registerOutputs({});
  }
}
