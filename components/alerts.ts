import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "../values/alerts";
import { rollupRules } from "../values/rollups";
import type { ComponentArgs } from "./args";

/** The stack's own rules: alerts, from the files of `alerts`, evaluated by Prometheus, and rollups, evaluated by Mimir. */
export class Alerts extends pulumi.ComponentResource {
  constructor(
    name: string,
    { settings, namespaces, crds = [] }: Omit<ComponentArgs<"monitoring">, "access">,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Alerts", name, {}, opts);
    for (const { metadata, ...rule } of [
      ...alertRules(settings),
      ...(settings.hub ? [] : rollupRules(settings)),
    ])
      new k8s.apiextensions.CustomResource(
        metadata.name,
        { ...rule, metadata: { ...metadata, namespace: namespaces.monitoring } },
        { parent: this, dependsOn: crds },
      );
    this.registerOutputs({});
  }
}
