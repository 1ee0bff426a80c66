import * as pulumi from "@pulumi/pulumi";
import { releases, urls } from "../names";
import type { Settings } from "../settings";
import { kubePrometheusStackValues, prometheusCrdsValues } from "../values/kube-prometheus-stack";
import { layAlertmanagerConfig } from "./alertmanager-secret";
import { HelmRelease } from "./helm-release";
import type { Namespaces } from "./namespaces";

export interface KubePrometheusStackArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** The stack's namespaces. */
  namespaces: Namespaces;
}

/**
 * Prometheus Operator with Prometheus, Alertmanager, kube-state-metrics, node-exporter, and the rules and dashboards
 * that belong to them (R11). It does not wait for Mimir: until that answers, samples wait in Prometheus' own log.
 */
export class KubePrometheusStack extends pulumi.ComponentResource {
  /** What must be there before a monitor or a rule can be made. */
  readonly crds: pulumi.Resource[];
  /** Address of Prometheus inside the cluster. */
  readonly prometheusUrl: pulumi.Output<string>;
  /** Address of Prometheus' Alertmanager inside the cluster. */
  readonly alertmanagerUrl: pulumi.Output<string>;

  constructor(name: string, args: KubePrometheusStackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:KubePrometheusStack", name, {}, opts);
    const { settings, namespaces } = args;
    const { release, crds } = new HelmRelease(
      releases.kubePrometheusStack,
      {
        settings,
        chart: "kube-prometheus-stack",
        namespace: namespaces.name("monitoring"),
        values: kubePrometheusStackValues(settings),
        ...(settings.kubePrometheusStack.crds && {
          crds: { chart: "prometheus-operator-crds", values: prometheusCrdsValues(settings) },
        }),
      },
      { parent: this, dependsOn: layAlertmanagerConfig(settings, namespaces, "monitoring", this) },
    );
    this.crds = crds;
    this.prometheusUrl = release.urn.apply(() => urls.prometheus);
    this.alertmanagerUrl = release.urn.apply(() => urls.alertmanager);
    this.registerOutputs({ prometheusUrl: this.prometheusUrl, alertmanagerUrl: this.alertmanagerUrl });
  }
}
