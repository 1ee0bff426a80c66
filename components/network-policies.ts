import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings";
import { ciliumPolicies } from "../values/network-cilium";
import { networkPolicies } from "../values/network-policies";
import { type NamespaceNames, placed } from "./args";

/**
 * NetworkPolicies of the stack's namespaces, if `network.policies` is on: they deny connections that the stack does not
 * need.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: { settings: Settings; namespaces: NamespaceNames },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("observability:index:NetworkPolicies", name, {}, opts);
    for (const { metadata, spec } of networkPolicies(args.settings))
      new k8s.networking.v1.NetworkPolicy(
        `${metadata.namespace}-${metadata.name}`,
        { metadata: { ...metadata, namespace: placed(args, metadata.namespace) }, spec },
        { parent: this },
      );
    for (const { metadata, ...policy } of ciliumPolicies(args.settings))
      new k8s.apiextensions.CustomResource(
        `${metadata.namespace}-${metadata.name}-cilium`,
        { ...policy, metadata: { ...metadata, namespace: placed(args, metadata.namespace) } },
        { parent: this },
      );
    this.registerOutputs({});
  }
}
