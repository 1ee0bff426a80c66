import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "../values/alerts";
import type { ComponentArgs } from "./args";

/** The stack's own alerts, from the files of `alerts`, evaluated by Prometheus. */
export class Alerts extends pulumi.ComponentResource {
  constructor(
    name: string,
    { settings, namespaces, crds }: ComponentArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Alerts", name, {}, opts);
    for (const { metadata, ...rule } of alertRules(settings))
      new k8s.apiextensions.CustomResource(
        metadata.name,
        { ...rule, metadata: { ...metadata, namespace: namespaces.name("monitoring") } },
        { parent: this, dependsOn: crds },
      );
    this.registerOutputs({});
  }
}
