/** Accessors for rendered objects. */
import { parse } from "yaml";
import {
  type Container,
  find,
  type KubernetesObject,
  type Placed,
  type RenderedStack,
  workloads,
} from "./rendered";

/** The only item of a list. */
export const only = <T>(items: T[]): T => {
  const [item, ...more] = items;
  if (item === undefined || more.length) throw new Error(`expected one item instead of ${items.length}`);
  return item;
};

/** All objects of a kind. */
export const ofKind = ({ objects }: RenderedStack, kind: string): KubernetesObject[] =>
  objects.map(({ object }) => object).filter((object) => object.kind === kind);

/** The names of all objects of a kind. */
export const namesOf = (stack: RenderedStack, kind: string): string[] =>
  ofKind(stack, kind).map(({ metadata }) => metadata.name);

/** The workload of that name. */
export const workload = (stack: RenderedStack, name: string): Placed =>
  only(workloads(stack).filter(({ object }) => object.metadata.name === name));

/** A workload's container of that name. */
export const container = (object: KubernetesObject, name: string): Container =>
  only(object["spec"].template.spec.containers.filter((one: Container) => one.name === name));

/** The container's variables that have a literal value. */
export const variablesOf = ({ env }: Container): Record<string, string> =>
  Object.fromEntries((env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));

/** The autoscaler of a workload: a HorizontalPodAutoscaler or KEDA's ScaledObject. */
export const scalerOf = ({ objects }: RenderedStack, { object, namespace }: Placed) =>
  objects
    .map((placed) => placed.object)
    .find(
      ({ kind, metadata, spec }) =>
        ["HorizontalPodAutoscaler", "ScaledObject"].includes(kind) &&
        metadata.namespace === (object.metadata.namespace ?? namespace) &&
        spec.scaleTargetRef.kind === object.kind &&
        spec.scaleTargetRef.name === object.metadata.name,
    );

/** Number of pods of a workload, or the minimum of its autoscaler; 1 for a DaemonSet, which has one per node. */
export function replicasOf(placed: Placed, stack?: RenderedStack): number {
  const { kind, spec } = placed.object as KubernetesObject;
  if (kind === "DaemonSet") return 1;
  const scaler = stack && scalerOf(stack, placed)?.["spec"];
  return spec.replicas ?? scaler?.minReplicas ?? scaler?.minReplicaCount ?? 1;
}

/** A YAML file in a ConfigMap. */
export const fileIn = (stack: RenderedStack, configMap: string, file: string) =>
  parse(find(stack, "ConfigMap", configMap)["data"][file], { version: "1.1" });
