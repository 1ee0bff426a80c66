import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { releases } from "../names";
import {
  horizontalAutoscalers,
  installsKeda,
  installsMetricsServer,
  installsVerticalPodAutoscaler,
  type KubernetesObject,
  querierBudgets,
  targetAutoscaler,
  verticalAutoscalers,
} from "../values/scaling";
import { kedaValues, metricsServerValues, verticalPodAutoscalerValues } from "../values/scaling-charts";
import { type ComponentArgs, placed } from "./args";
import { HelmRelease } from "./helm-release";

/**
 * Autoscaling: autoscalers of the queriers, of Alloy metrics and of the ingesters, and the components of
 * metrics-server, KEDA and the Vertical Pod Autoscaler that the cluster lacks.
 */
export class Scaling extends pulumi.ComponentResource {
  constructor(name: string, args: ComponentArgs<"autoscaling">, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Scaling", name, {}, opts);
    const { settings, namespaces } = args;
    const install = (
      wanted: boolean,
      release: string,
      chart: "metrics-server" | "keda" | "vertical-pod-autoscaler",
      values: Record<string, unknown>,
    ) =>
      wanted
        ? [
            new HelmRelease(
              release,
              { settings, release, chart, namespace: namespaces.autoscaling, values },
              { parent: this },
            ),
          ]
        : [];
    install(
      installsMetricsServer(settings),
      releases.metricsServer,
      "metrics-server",
      metricsServerValues(settings),
    );
    const keda = install(installsKeda(settings), releases.keda, "keda", kedaValues(settings));
    const vertical = install(
      installsVerticalPodAutoscaler(settings),
      releases.verticalPodAutoscaler,
      "vertical-pod-autoscaler",
      verticalPodAutoscalerValues(settings),
    );
    const make = (objects: KubernetesObject[], dependsOn: pulumi.Resource[]) => {
      for (const { apiVersion, kind, metadata, spec } of objects)
        new k8s.apiextensions.CustomResource(
          `${metadata.name}-${kind}`,
          {
            apiVersion,
            kind,
            metadata: { ...metadata, namespace: placed(args, metadata.namespace) },
            spec,
          },
          { parent: this, dependsOn },
        );
    };
    make(horizontalAutoscalers(settings), []);
    make(querierBudgets(settings), []);
    make(targetAutoscaler(settings), [...keda, ...args.access.readyFor("alloyMetrics")]);
    make(verticalAutoscalers(settings), vertical);
    this.registerOutputs({});
  }
}
