/** What tests read from rendered objects. */
import { parse } from "yaml";
import { type Container, find, type KubernetesObject, type Placed, type RenderedStack } from "./rendered";

/** The one item of a list. */
export const only = <T>(items: T[]): T => {
  const [item, ...more] = items;
  if (item === undefined || more.length) throw new Error(`${items.length} where one is expected`);
  return item;
};

/** All objects of a kind. */
export const ofKind = ({ objects }: RenderedStack, kind: string): KubernetesObject[] =>
  objects.map(({ object }) => object).filter((object) => object.kind === kind);

/** The names of all objects of a kind. */
export const namesOf = (stack: RenderedStack, kind: string): string[] =>
  ofKind(stack, kind).map(({ metadata }) => metadata.name);

/** A workload's container of that name. */
export const container = (object: KubernetesObject, name: string): Container =>
  only(object["spec"].template.spec.containers.filter((one: Container) => one.name === name));

/** The variables that are given to a container by value. */
export const variablesOf = ({ env }: Container): Record<string, string> =>
  Object.fromEntries((env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));

/** How many pods a workload has; of a DaemonSet one for each node, so one. */
export const replicasOf = ({ object }: Placed): number =>
  object.kind === "DaemonSet" ? 1 : (object["spec"].replicas ?? 1);

/** A file in YAML that a ConfigMap holds. */
export const fileIn = (stack: RenderedStack, configMap: string, file: string) =>
  parse(find(stack, "ConfigMap", configMap)["data"][file], { version: "1.1" });
