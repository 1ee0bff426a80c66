/** Subjects from resources that Pulumi registers and from objects that Helm renders. */
import type { Subject, Tree } from "./rule";

/** A resource that Pulumi registers. */
export interface Registered {
  /** Type token, such as `kubernetes:core/v1:Namespace`. */
  type: string;
  name: string;
  inputs: Tree;
  protect: boolean;
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** The subject of a resource; undefined for resources without rules: components, providers, passwords. */
export function subjectOf({ type, name, inputs, protect }: Registered): Subject | undefined {
  const [provider = "", module = "", token = ""] = type.split(":");
  // The deletion of a NamespacePatch keeps the namespace, so that rules about deletion do not apply.
  const kind = token === "NamespacePatch" ? token : token.replace(/Patch$/, "");
  const { metadata } = inputs;
  if (type === "kubernetes:helm.sh/v3:Release")
    return {
      kind: "Release",
      name: textOf(inputs["name"]) ?? name,
      namespace: textOf(inputs["namespace"]),
      object: inputs,
      protect,
    };
  if (provider === "kubernetes")
    return {
      kind,
      name: textOf(metadata?.name) ?? name,
      namespace: textOf(metadata?.namespace),
      object: { apiVersion: module.replace(/^core\//, ""), kind, ...inputs },
      protect,
    };
  if (provider === "minio") return { kind, name: textOf(inputs["bucket"]) ?? name, object: inputs, protect };
  if (type === "pulumi:pulumi:Stack") return { kind: "Stack", name, object: inputs };
  return undefined;
}

/**
 * The subject of an object in a release.
 *
 * @param namespace the release's namespace, if the object has none
 */
export const renderedSubject = (object: Tree, release: string, namespace: string): Subject => ({
  kind: object["kind"],
  name: object["metadata"]?.name,
  namespace: object["metadata"]?.namespace ?? namespace,
  release,
  object,
});

/** The objects in a list. Helm returns hooks as a list, and charts also render lists. */
export const flattened = (object: Tree): Tree[] =>
  /List$/.test(String(object["kind"])) && Array.isArray(object["items"]) ? object["items"] : [object];
