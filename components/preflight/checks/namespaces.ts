import type { V1Namespace } from "@kubernetes/client-node";
import type { NamespaceKey } from "../../../names";
import { namespaceOwner, namespaces, ownerName, podSecurity } from "../../../names";
import { wantedNamespaces } from "../../../values/namespaces";
import { type Check, error, type Finding } from "../check";

const path = "cluster.existingNamespaces";
const enforce = "pod-security.kubernetes.io/enforce";

/** A finding about an existing namespace that the stack would create. @param list the command that adds it to the list */
function ownedFinding(
  self: string,
  { metadata, status }: V1Namespace,
  list: (name: string) => string,
): Finding[] {
  const name = metadata?.name ?? "";
  if (status?.phase === "Terminating")
    return [
      error({
        path: "cluster",
        was: `namespace ${name}, which is being deleted`,
        allowed: "deleted completely before up can create it again",
        change: `Wait until it is deleted. If it stays, kubectl get namespace ${name} -o yaml shows the reason`,
      }),
    ];
  const owner = metadata?.annotations?.[namespaceOwner.stack];
  // Stacks of earlier versions set only the label.
  const ours = metadata?.labels?.[namespaceOwner.label] === namespaceOwner.project;
  const existed = metadata?.annotations?.[namespaceOwner.created] === "false";
  if (ours && !existed && (owner === undefined || owner === self)) return [];
  if (owner && owner !== self)
    return [
      error({
        path: "cluster",
        was: `namespace ${name} of stack ${owner}`,
        allowed: `without the namespaces of other stacks; this is ${self}`,
        change:
          `Select another cluster with cluster.context. If the stack was renamed: ` +
          `kubectl annotate --overwrite namespace ${name} ${namespaceOwner.stack}=${self}`,
      }),
    ];
  return [
    error({
      path,
      was: undefined,
      allowed: `a list with ${name}, if this stack may use that namespace: it exists, and this stack did not create it`,
      change: `If it may: ${list(name)}`,
    }),
  ];
}

/**
 * Service meshes that inject sidecars into a namespace:
 * https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/, https://linkerd.io/2/features/proxy-injection/
 */
function injectionFindings(name: string, { metadata }: V1Namespace): Finding[] {
  const { "istio-injection": istio, "istio.io/rev": revision } = metadata?.labels ?? {};
  const linkerd = metadata?.annotations?.["linkerd.io/inject"];
  const meshes = [
    {
      mesh: "Istio",
      injects: istio === "enabled" || (istio === undefined && revision !== undefined),
      command: `label --overwrite namespace ${name} istio-injection=disabled`,
    },
    {
      mesh: "Linkerd",
      injects: linkerd === "enabled" || linkerd === "ingress",
      command: `annotate --overwrite namespace ${name} linkerd.io/inject=disabled`,
    },
  ];
  return meshes
    .filter(({ injects }) => injects)
    .map(({ mesh, command }) =>
      error({
        path,
        was: name,
        allowed: `namespaces without sidecars of ${mesh}: Pod Security rejects them, and NetworkPolicies block their control plane`,
        change: `Disable the injection: kubectl ${command}`,
      }),
    );
}

/** Findings about a namespace in `cluster.existingNamespaces`. */
function existingFindings(
  self: string,
  key: NamespaceKey,
  name: string,
  found: V1Namespace | undefined,
): Finding[] {
  if (!found)
    return [
      error({
        path,
        was: name,
        allowed: "names of existing namespaces; the stack creates the others itself",
        change: `Create it: kubectl create namespace ${name}; or remove it from the list`,
      }),
    ];
  const { stack, created } = namespaceOwner;
  const annotations = found.metadata?.annotations ?? {};
  if (annotations[stack] === self && annotations[created] === "true")
    return [
      error({
        path,
        was: name,
        allowed: `namespaces that this stack did not create: Pulumi would delete ${name} with its volumes`,
        change: `Remove it from the list; the stack keeps its namespace. If the state of the stack is lost: kubectl annotate namespace ${name} ${created}-`,
      }),
    ];
  const level = found.metadata?.labels?.[enforce];
  return [
    ...injectionFindings(name, found),
    ...(level === undefined || level === podSecurity[key]
      ? []
      : [
          error({
            path,
            was: name,
            allowed: `namespaces without another Pod Security level: the stack sets ${podSecurity[key]}, ${name} has ${level}`,
            change: `Remove the label if nothing else relies on it: kubectl label namespace ${name} ${enforce}-`,
          }),
        ]),
  ];
}

/** Namespaces with the stack's names belong to this stack, or are listed in `cluster.existingNamespaces`. */
export const check: Check<"namespaces"> = {
  name: "namespaces",
  needs: ["namespaces"],
  find({ stack, settings, facts }) {
    const { existingNamespaces } = settings.cluster;
    const names = namespaces(settings);
    const wanted = wantedNamespaces(settings);
    let next = existingNamespaces.length;
    const list = (name: string) => `pulumi config set --stack ${stack} --path '${path}[${next++}]' ${name}`;
    const unknown = existingNamespaces.filter((name) => !wanted.some((key) => names[key] === name));
    return [
      ...unknown.map((was) =>
        error({
          path,
          was,
          allowed: `namespaces of this stack: ${wanted.map((key) => names[key]).join(", ")}`,
        }),
      ),
      ...wanted.flatMap((key) => {
        const name = names[key];
        const found = facts.namespaces.find(({ metadata }) => metadata?.name === name);
        if (existingNamespaces.includes(name)) return existingFindings(ownerName(stack), key, name, found);
        return found ? ownedFinding(ownerName(stack), found, list) : [];
      }),
    ];
  },
};
