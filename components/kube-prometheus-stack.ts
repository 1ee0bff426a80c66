import * as pulumi from "@pulumi/pulumi";
import { alertmanagerSecret, releases, urls } from "../names";
import { kubePrometheusStackValues, prometheusCrdsValues } from "../values/kube-prometheus-stack";
import { createAlertmanagerSecret } from "./alertmanager-secret";
import { type ComponentArgs, childNames, knownSettings } from "./args";
import { HelmRelease } from "./helm-release";

/** Arguments of the component; it installs the CRDs itself. */
export type KubePrometheusStackArgs = Omit<ComponentArgs<"monitoring">, "crds">;

/**
 * Prometheus Operator with Prometheus, Alertmanager, kube-state-metrics, node-exporter, and their rules and dashboards.
 * It does not wait for Mimir: Prometheus' own write-ahead log buffers samples until Mimir is available.
 */
export class KubePrometheusStack extends pulumi.ComponentResource {
  /** Resources that must exist before a monitor or a rule can be created. */
  readonly crds: pulumi.Resource[];
  /** Address of Prometheus inside the cluster. */
  readonly prometheusUrl: pulumi.Output<string>;
  /** Address of Prometheus' Alertmanager inside the cluster. */
  readonly alertmanagerUrl: pulumi.Output<string>;

  constructor(name: string, args: KubePrometheusStackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:KubePrometheusStack", name, {}, opts);
    const { settings, namespaces, access } = args;
    const namespace = namespaces.monitoring;
    const named = childNames(name, "kube-prometheus-stack");
    const known = knownSettings(args);
    const { release, crds } = new HelmRelease(
      named(releases.kubePrometheusStack),
      {
        settings,
        release: releases.kubePrometheusStack,
        chart: "kube-prometheus-stack",
        namespace,
        values: known.apply(kubePrometheusStackValues),
        ...(settings.kubePrometheusStack.crds !== "existing" && {
          crds: { chart: "prometheus-operator-crds", values: prometheusCrdsValues(settings) },
        }),
      },
      {
        parent: this,
        dependsOn: [
          ...(settings.hub
            ? []
            : [
                createAlertmanagerSecret(
                  named(`monitoring-${alertmanagerSecret}`),
                  settings,
                  namespace,
                  this,
                ),
              ]),
          ...access.readyFor("monitoring"),
        ],
      },
    );
    this.crds = crds;
    const served = release.urn.apply(() => known).apply(urls);
    this.prometheusUrl = served.prometheus;
    this.alertmanagerUrl = served.alertmanager;
    this.registerOutputs({ prometheusUrl: this.prometheusUrl, alertmanagerUrl: this.alertmanagerUrl });
  }
}
