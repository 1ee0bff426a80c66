import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { namespaces as namespaceNames } from "../names";
import { networkPolicies } from "../values/network-policies";
import type { ComponentArgs } from "./args";
import type { NamespaceKey } from "./namespaces";

/** NetworkPolicies of the stack's namespaces, where `network.policies` is on: what the stack does not need is refused. */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(
    name: string,
    { settings, namespaces }: Pick<ComponentArgs, "settings" | "namespaces">,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:NetworkPolicies", name, {}, opts);
    const keys = Object.keys(namespaceNames) as NamespaceKey[];
    for (const { metadata, spec } of networkPolicies(settings)) {
      const key = keys.find((one) => namespaceNames[one] === metadata.namespace);
      if (!key) throw new Error(`there is no namespace ${metadata.namespace} in this stack`);
      new k8s.networking.v1.NetworkPolicy(
        `${metadata.namespace}-${metadata.name}`,
        { metadata: { ...metadata, namespace: namespaces.name(key) }, spec },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
