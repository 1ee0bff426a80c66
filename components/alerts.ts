import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "../values/alerts";
import type { Namespaces } from "./namespaces";

export interface AlertsArgs {
  /** The stack's namespaces. */
  namespaces: Namespaces;
  /** What must be there before a rule can be made. */
  crds: pulumi.Resource[];
}

/** The stack's own alerts, from the files of `alerts`, evaluated by Prometheus. */
export class Alerts extends pulumi.ComponentResource {
  constructor(name: string, { namespaces, crds }: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Alerts", name, {}, opts);
    for (const { metadata, ...rule } of alertRules())
      new k8s.apiextensions.CustomResource(
        metadata.name,
        { ...rule, metadata: { ...metadata, namespace: namespaces.name("monitoring") } },
        { parent: this, dependsOn: crds },
      );
    this.registerOutputs({});
  }
}
