import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "../values/alerts";
import { rollupRules } from "../values/rollups";
import type { ComponentArgs } from "./args";

export interface AlertsArgs extends Omit<ComponentArgs<"monitoring">, "access"> {
  /** When the client certificate of an agent expires, in the format of RFC 3339; nothing in other stacks. */
  clientCertificateExpires?: string;
}

/** The stack's own rules: alerts, from the files of `alerts`, evaluated by Prometheus, and rollups, evaluated by Mimir. */
export class Alerts extends pulumi.ComponentResource {
  constructor(
    name: string,
    { settings, namespaces, crds = [], clientCertificateExpires }: AlertsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:Alerts", name, {}, opts);
    for (const { metadata, ...rule } of [
      ...alertRules(settings, clientCertificateExpires),
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
