import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { wholeStack } from "../../../settings/fit";
import { bytesOf, coresText, sizeText } from "../../../settings/units";
import { type Check, warning } from "../check";
import { usableNodes } from "../nodes";

/** Millicores of a quantity of CPU: `250m`, `2`, `1.5`. */
const millicores = (quantity = "0"): number =>
  quantity.endsWith("m") ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;

/**
 * Requests of a pod: those of its containers and sidecars together, or of its largest init container. Sidecars are init
 * containers that keep running, as service meshes inject them.
 */
function requested({ spec }: V1Pod, key: "cpu" | "memory"): number {
  const of = (resources?: { requests?: Record<string, string> }): number =>
    key === "cpu"
      ? millicores(resources?.requests?.["cpu"])
      : bytesOf(resources?.requests?.["memory"] ?? "0");
  const init = spec?.initContainers ?? [];
  const sidecars = init.filter(({ restartPolicy }) => restartPolicy === "Always");
  const all = [...(spec?.containers ?? []), ...sidecars].reduce(
    (sum, { resources }) => sum + of(resources),
    0,
  );
  return Math.max(all, ...init.map(({ resources }) => of(resources)));
}

interface Room {
  cpu: number;
  memory: number;
}

/** Capacity of the nodes minus the requests of other pods. */
function room(settings: Settings, nodes: V1Node[], pods: V1Pod[]): Room {
  const ours: ReadonlySet<string> = new Set(Object.values(namespaces(settings)));
  const usable = usableNodes(settings, nodes);
  const names = new Set(usable.map(({ metadata }) => metadata?.name));
  const others = pods.filter(
    ({ metadata, spec }) => !ours.has(metadata?.namespace ?? "") && names.has(spec?.nodeName),
  );
  const left = (key: "cpu" | "memory", of: (quantity?: string) => number) =>
    usable.reduce((sum, { status }) => sum + of(status?.allocatable?.[key]), 0) -
    others.reduce((sum, pod) => sum + requested(pod, key), 0);
  return {
    cpu: left("cpu", millicores),
    memory: left("memory", (quantity = "0") => bytesOf(quantity)),
  };
}

/** Requests of the stack on this number of nodes. */
const needed = (settings: Settings, nodes: number): Room =>
  wholeStack({ ...settings, load: { ...settings.load, nodes: Math.max(1, nodes) } });

/** The requests of all pods fit the nodes. Only a warning, because an autoscaler may add nodes. */
export const check: Check<"nodes" | "pods"> = {
  name: "capacity",
  needs: ["nodes", "pods"],
  find({ settings, facts: { nodes, pods } }) {
    const has = room(settings, nodes, pods);
    const needs = needed(settings, usableNodes(settings, nodes).length);
    const lacks = [
      ...(needs.cpu > has.cpu ? [`${coresText(needs.cpu)} cores`] : []),
      ...(needs.memory > has.memory ? [`${sizeText(needs.memory)} of memory`] : []),
    ];
    if (lacks.length === 0) return [];
    return [
      warning({
        path: "cluster",
        was: `${coresText(has.cpu)} cores and ${sizeText(has.memory)} that are free for requests`,
        allowed: `larger, unless an autoscaler adds nodes: the stack requests ${lacks.join(" and ")}`,
        change: "Add nodes, or lower requests: ./obs size shows them, docs/guides/sizing.md explains them",
      }),
    ];
  },
};
