import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type AgentCredentials, alertRules } from "../values/alerts";
import { rollupRules } from "../values/rollups";
import type { ComponentArgs } from "./args";

export interface AlertsArgs extends Omit<ComponentArgs<"monitoring">, "access"> {
  /** The credentials of an agent, of which the hub's ruler records the expiry and the generation; nothing in other stacks. */
  credentials?: AgentCredentials;
}

/** The stack's own rules: alerts, from the files of `alerts`, evaluated by Prometheus, and rollups, evaluated by Mimir. */
export class Alerts extends pulumi.ComponentResource {
  constructor(
    name: string,
    { settings, namespaces, crds = [], credentials }: AlertsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Alerts", name, {}, opts);
    for (const { metadata, ...rule } of [
      ...alertRules(settings, credentials),
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
