/** The workloads of a stack in the cluster: finds, kills, pauses and restores them. */
import { setTimeout as wait } from "node:timers/promises";
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type KubeConfig,
  type V1LabelSelector,
  type V1ObjectMeta,
  type V1Pod,
} from "@kubernetes/client-node";
import { namespaces } from "../support/names";
import { load } from "./load";

/** Custom resources with which operators set the replicas of workloads. */
const operated: Record<string, { group: string; version: string; plural: string }> = {
  Prometheus: { group: "monitoring.coreos.com", version: "v1", plural: "prometheuses" },
  Alertmanager: { group: "monitoring.coreos.com", version: "v1", plural: "alertmanagers" },
  OpenTelemetryCollector: {
    group: "opentelemetry.io",
    version: "v1beta1",
    plural: "opentelemetrycollectors",
  },
};
/** A label that no node has. */
const nowhere = "observability/chaos-held-away";

/** One workload of the stack. */
export interface Component {
  kind: "Deployment" | "StatefulSet" | "DaemonSet";
  namespace: string;
  name: string;
  selector: string;
  /** Number of pods in a healthy stack. */
  replicas: number;
  /** The custom resource that it is created from. */
  owner?: { kind: string; name: string };
}

export const nameOf = ({ namespace, name }: Pick<Component, "namespace" | "name">): string =>
  `${namespace}/${name}`;

const selectorText = ({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector): string => {
  if (matchExpressions.length) throw new Error("this test does not support selectors with expressions");
  return Object.entries(matchLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
};

const ownerOf = ({ ownerReferences = [] }: V1ObjectMeta = {}): Pick<Component, "owner"> => {
  const owner = ownerReferences.find(({ kind }) => kind in operated);
  return owner ? { owner: { kind: owner.kind, name: owner.name } } : {};
};

/** All workloads of the stack's namespaces, except those without pods. */
export async function findComponents(config: KubeConfig): Promise<Component[]> {
  const apps = config.makeApiClient(AppsV1Api);
  const found = await Promise.all(
    Object.values(namespaces).map(async (namespace): Promise<Component[]> => {
      const [deployments, statefulSets, daemonSets] = await Promise.all([
        apps.listNamespacedDeployment({ namespace }),
        apps.listNamespacedStatefulSet({ namespace }),
        apps.listNamespacedDaemonSet({ namespace }),
      ]);
      const scaled = (kind: "Deployment" | "StatefulSet") =>
        kind === "Deployment" ? deployments : statefulSets;
      return [
        ...(["Deployment", "StatefulSet"] as const).flatMap((kind) =>
          scaled(kind).items.map(({ metadata, spec }) => ({
            ...{ kind, namespace, name: metadata?.name ?? "", replicas: spec?.replicas ?? 1 },
            ...{ selector: selectorText(spec?.selector ?? {}), ...ownerOf(metadata) },
          })),
        ),
        ...daemonSets.items.map(({ metadata, spec, status }) => ({
          ...{ kind: "DaemonSet" as const, namespace, name: metadata?.name ?? "" },
          ...{ replicas: status?.desiredNumberScheduled ?? 0, selector: selectorText(spec?.selector ?? {}) },
        })),
      ];
    }),
  );
  return found.flat().filter(({ replicas }) => replicas > 0);
}

/** Functions that remove a workload's pods, and restore them. */
interface Levers {
  away: () => Promise<unknown>;
  back: () => Promise<unknown>;
}

const isReady = ({ status, metadata }: V1Pod) =>
  !metadata?.deletionTimestamp &&
  (status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false);

/** Injects and reverts faults in one cluster. */
export class Harms {
  private readonly core: CoreV1Api;
  private readonly apps: AppsV1Api;
  private readonly custom: CustomObjectsApi;
  /** Functions that revert the current faults, also after an interruption. */
  private readonly undo = new Map<string, () => Promise<unknown>>();

  constructor(config: KubeConfig) {
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.custom = config.makeApiClient(CustomObjectsApi);
  }

  async pods({ namespace, selector }: Component): Promise<V1Pod[]> {
    return (await this.core.listNamespacedPod({ namespace, labelSelector: selector })).items;
  }

  /** Whether all pods exist and are ready. @param gone UID of a pod that must be deleted */
  async isWhole(component: Component, gone?: string): Promise<boolean> {
    const pods = await this.pods(component);
    return (
      pods.length >= component.replicas && pods.every((pod) => isReady(pod) && pod.metadata?.uid !== gone)
    );
  }

  /**
   * Kills one pod without a grace period: of a DaemonSet, the one on the load's node, otherwise the first.
   *
   * @returns the pod's UID
   */
  async kill(component: Component): Promise<string> {
    const pods = await this.pods(component);
    const { spec } = await this.core.readNamespacedPod({ namespace: load.namespace, name: load.name });
    const pod = pods.find((one) => one.spec?.nodeName === spec?.nodeName) ?? pods[0];
    const { name = "", namespace = "", uid = "" } = pod?.metadata ?? {};
    await this.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
    return uid;
  }

  /**
   * Removes all pods of a workload for a time, and restores the workload. @param seconds from the deletion of the last
   * pod
   */
  async pause(component: Component, seconds: number): Promise<void> {
    const { away, back } = await this.levers(component);
    // Registered before the fault, so that an interruption reverts it, too.
    this.undo.set(nameOf(component), back);
    try {
      await away();
      for (let tries = 0; tries < 90 && (await this.pods(component)).length; tries += 1) await wait(1000);
      await wait(seconds * 1000);
    } finally {
      await this.putBack();
    }
  }

  /** Reverts all current faults. */
  async putBack(): Promise<void> {
    for (const [name, back] of [...this.undo]) {
      await back();
      this.undo.delete(name);
    }
  }

  /** Functions that remove all pods of a workload, and restore its current state. */
  private levers(component: Component): Promise<Levers> | Levers {
    if (component.owner) return this.operatedLevers(component, component.owner);
    if (component.kind === "DaemonSet") return this.nodeLevers(component);
    return this.replicaLevers(component);
  }

  /** An autoscaler ignores a workload with 0 replicas, and continues when it has some again. */
  private replicaLevers({ kind, namespace, name, replicas }: Component): Levers {
    const scale = (value: number) => {
      const request = { namespace, name, body: [{ op: "replace", path: "/spec/replicas", value }] };
      return kind === "Deployment"
        ? this.apps.patchNamespacedDeploymentScale(request)
        : this.apps.patchNamespacedStatefulSetScale(request);
    };
    return { away: () => scale(0), back: () => scale(replicas) };
  }

  private async operatedLevers(
    { namespace }: Component,
    { kind, name }: { kind: string; name: string },
  ): Promise<Levers> {
    const resource = { ...(operated[kind] ?? { group: "", version: "", plural: "" }), namespace, name };
    const { spec } = (await this.custom.getNamespacedCustomObject(resource)) as {
      spec: { replicas?: number };
    };
    const patch = (op: string, value?: number) =>
      this.custom.patchNamespacedCustomObject({ ...resource, body: [{ op, path: "/spec/replicas", value }] });
    return {
      away: () => patch("add", 0),
      back: () => (spec.replicas === undefined ? patch("remove") : patch("add", spec.replicas)),
    };
  }

  private async nodeLevers({ namespace, name }: Component): Promise<Levers> {
    const path = "/spec/template/spec/nodeSelector";
    const { spec } = await this.apps.readNamespacedDaemonSet({ namespace, name });
    const before = spec?.template.spec?.nodeSelector;
    const patch = (op: string, value?: Record<string, string>) =>
      this.apps.patchNamespacedDaemonSet({ namespace, name, body: [{ op, path, value }] });
    return {
      away: () => patch("add", { ...before, [nowhere]: "true" }),
      back: () => (before ? patch("add", before) : patch("remove")),
    };
  }
}
