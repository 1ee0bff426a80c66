import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  type NamespaceKey,
  namespaceOwner,
  namespaces,
  ownerName,
  podSecurity,
  prefixLabels,
} from "../names";
import type { Settings } from "../settings";
import { wantedNamespaces } from "../values/namespaces";
import {
  nodeAgentAnnotations,
  nodeAgentConstraints,
  nodeAgentNamespaces,
  nodeAgentQuota,
} from "../values/node-agents";
import type { NamespaceNames } from "./args";

export interface NamespacesArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** Namespaces to create. @default those that a stack with these settings uses */
  only?: NamespaceKey[];
}

/** The stack's namespaces, each with the Pod Security level of its pods. */
export class Namespaces extends pulumi.ComponentResource {
  /** Names of the created namespaces, by key; a resource that uses a name depends on the namespace. */
  readonly names: NamespaceNames<NamespaceKey>;

  constructor(name: string, args: NamespacesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Namespaces", name, {}, opts);
    const { settings, only } = args;
    const names = namespaces(settings);
    const made: Partial<Record<NamespaceKey, pulumi.Output<string>>> = {};
    for (const key of only ?? wantedNamespaces(settings)) {
      const level = podSecurity[key];
      const labels = Object.fromEntries(
        ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
      );
      const exists = settings.cluster.existingNamespaces.includes(names[key]);
      const metadata = {
        name: names[key],
        labels: {
          ...labels,
          [namespaceOwner.label]: namespaceOwner.project,
          ...prefixLabels(settings),
        },
        annotations: {
          [namespaceOwner.stack]: ownerName(pulumi.getStack()),
          [namespaceOwner.created]: String(!exists),
          ...nodeAgentAnnotations(settings, key),
        },
      };
      // A patch removes its labels when the stack is deleted, and keeps the namespace.
      const namespace = exists
        ? new k8s.core.v1.NamespacePatch(names[key], { metadata }, { parent: this })
        : new k8s.core.v1.Namespace(
            names[key],
            { metadata },
            // Deleting a namespace deletes its volumes.
            { parent: this, protect: settings.cluster.protect },
          );
      const ready = namespace.urn.apply(() => names[key]);
      made[key] = ready;
      if (nodeAgentNamespaces.includes(key))
        new k8s.core.v1.ResourceQuota(
          `${names[key]}-node-agents`,
          { metadata: { name: "node-agents", namespace: ready }, spec: nodeAgentQuota },
          { parent: this },
        );
    }
    for (const { apiVersion, kind, metadata, ...spec } of nodeAgentConstraints(settings))
      new k8s.apiextensions.CustomResource(
        "node-agents",
        { apiVersion: String(apiVersion), kind: String(kind), metadata: metadata as object, ...spec },
        { parent: this },
      );
    this.names = { ...(made as Record<NamespaceKey, pulumi.Output<string>>), decided: true };
    this.registerOutputs({});
  }
}
