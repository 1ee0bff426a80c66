import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  type NamespaceKey,
  namespaceKeys,
  namespaceOwner,
  namespaces,
  podSecurity,
  prefixLabels,
} from "../names";
import { project, type Settings } from "../settings";
import { wantedNamespaces } from "../values/namespaces";
import { nodeAgentConstraints, nodeAgentNamespaces, nodeAgentQuota } from "../values/node-agents";

export interface NamespacesArgs {
  /** Settings of the stack. */
  settings: Settings;
}

/** What a namespace carries so that no other stack takes it for its own. */
export const ownerName = (stack: string): string => `${project}/${stack}`;

/** The stack's namespaces, each with the Pod Security level that its pods keep to. */
export class Namespaces extends pulumi.ComponentResource {
  private readonly made = new Map<NamespaceKey, k8s.core.v1.Namespace | k8s.core.v1.NamespacePatch>();

  private readonly names: Record<NamespaceKey, string>;

  constructor(name: string, { settings }: NamespacesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Namespaces", name, {}, opts);
    this.names = namespaces(settings);
    for (const key of wantedNamespaces(settings)) {
      const level = podSecurity[key];
      const labels = Object.fromEntries(
        ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
      );
      const metadata = {
        name: this.names[key],
        labels: {
          ...labels,
          [namespaceOwner.label]: namespaceOwner.project,
          ...prefixLabels(settings),
        },
        annotations: { [namespaceOwner.stack]: ownerName(pulumi.getStack()) },
      };
      // A patch takes its labels off again when the stack is deleted, and leaves the namespace.
      const namespace = settings.cluster.existingNamespaces.includes(this.names[key])
        ? new k8s.core.v1.NamespacePatch(this.names[key], { metadata }, { parent: this })
        : new k8s.core.v1.Namespace(
            this.names[key],
            { metadata },
            // With a namespace go the volumes in it.
            { parent: this, protect: settings.cluster.protect },
          );
      this.made.set(key, namespace);
      if (nodeAgentNamespaces.includes(key))
        new k8s.core.v1.ResourceQuota(
          `${this.names[key]}-node-agents`,
          { metadata: { name: "node-agents", namespace: this.name(key) }, spec: nodeAgentQuota },
          { parent: this },
        );
    }
    for (const { apiVersion, kind, metadata, ...spec } of nodeAgentConstraints(settings))
      new k8s.apiextensions.CustomResource(
        "node-agents",
        { apiVersion: String(apiVersion), kind: String(kind), metadata: metadata as object, ...spec },
        { parent: this },
      );
    this.registerOutputs({});
  }

  /** Whether this stack has the namespace. */
  has(key: string): key is NamespaceKey {
    return this.made.has(key as NamespaceKey);
  }

  /** Name of a namespace; what uses it comes after the namespace. */
  name(key: NamespaceKey): pulumi.Output<string> {
    const namespace = this.made.get(key);
    if (!namespace) throw new Error(`there is no namespace ${key} in this stack`);
    return namespace.urn.apply(() => this.names[key]);
  }

  /** The same for a namespace that is known by its name in the cluster. */
  named(namespace: string): pulumi.Output<string> {
    const key = namespaceKeys.find((one) => this.names[one] === namespace);
    if (!key) throw new Error(`${namespace} is no namespace of this stack`);
    return this.name(key);
  }
}
