/** A stack's objects in the cluster: the program's own, and those of every release, rendered with the real Helm. */
import { type Recorded, record } from "../../cli/lib/record";
import {
  type KubernetesObject,
  objectsOf,
  type ReleaseInputs,
  releaseObjects,
  releasesOf,
} from "../../cli/lib/render";
import { releases as releaseNames } from "../../names";
import { type Environment, shipped } from "./stacks";

export type { KubernetesObject } from "../../cli/lib/render";

/** An object and its source. */
export interface Placed {
  /** Its release; undefined for the program's own objects. */
  release: string | undefined;
  /** Its namespace if the object names none. */
  namespace: string;
  object: KubernetesObject;
}

export interface RenderedStack {
  recorded: Recorded[];
  objects: Placed[];
}

const rendered = new Map<string, Promise<RenderedStack>>();

/**
 * Renders a stack; each only once.
 *
 * @param config content of its `Pulumi.<stack>.yaml`, without the project's name in the keys
 */
export function renderStack(config: Record<string, unknown>): Promise<RenderedStack> {
  const key = JSON.stringify(config);
  const known = rendered.get(key) ?? renderNow(config);
  rendered.set(key, known);
  return known;
}

/** The program's own resources and objects of a stack, which need no charts. */
export async function ownOf(config: Record<string, unknown>): Promise<RenderedStack> {
  const whole = { ...shipped(config["environment"] as Environment), ...config };
  const texts = Object.entries(whole)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [
      `observability:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  const recorded = await record("test", Object.fromEntries(texts));
  const objects = objectsOf(recorded).map((object) => ({
    release: undefined,
    namespace: "default",
    object: object as KubernetesObject,
  }));
  return { recorded, objects };
}

async function renderNow(config: Record<string, unknown>): Promise<RenderedStack> {
  const { recorded, objects } = await ownOf(config);
  const charts = await Promise.all(releasesOf(recorded).map(objectsOfRelease));
  return { recorded, objects: [...objects, ...charts.flat()] };
}

const releases = new Map<string, Promise<Placed[]>>();

/** The objects of a release; many are the same in several stacks, and each is rendered only once. */
function objectsOfRelease(release: ReleaseInputs): Promise<Placed[]> {
  const key = JSON.stringify(release);
  const known = releases.get(key) ?? renderRelease(release);
  releases.set(key, known);
  return known;
}

async function renderRelease(release: ReleaseInputs): Promise<Placed[]> {
  // That chart has its CRDs in crds/, which Helm installs but does not template.
  const more = release.name === releaseNames.verticalPodAutoscaler ? ["--include-crds"] : [];
  const objects = await releaseObjects(release, ...more);
  return objects.map((object) => ({ release: release.name, namespace: release.namespace, object }));
}

/** Objects that run pods. */
export const workloads = ({ objects }: RenderedStack): Placed[] =>
  objects.filter(({ object }) => ["Deployment", "StatefulSet", "DaemonSet", "Job"].includes(object.kind));

/** A container, with the fields that tests read. */
export interface Container {
  name: string;
  image: string;
  args?: string[];
  command?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: { secretRef?: { name: string } }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  ports?: { name: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
}

/** All containers of a workload. */
export const containersOf = ({ object }: Placed): Container[] => [
  ...(object["spec"].template.spec.initContainers ?? []),
  ...object["spec"].template.spec.containers,
];

/** The arguments of each component of a release that runs one program with `-target`. */
export const targetsOf = (stack: RenderedStack, release: string): string[][] =>
  workloads(stack)
    .filter((placed) => placed.release === release)
    .flatMap(containersOf)
    .map(({ args = [] }) => args)
    .filter((args) => args.some((arg) => arg.startsWith("-target=")));

/** The one object of that kind and name. */
export function find({ objects }: RenderedStack, kind: string, name: string): KubernetesObject {
  const found = objects.filter(({ object }) => object.kind === kind && object.metadata.name === name);
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} objects are ${kind} ${name}`);
  return found[0].object;
}
