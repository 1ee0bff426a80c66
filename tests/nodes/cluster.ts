/** Actions of a drill on a cluster through the Kubernetes API, and their reversal. */
import { setTimeout as wait } from "node:timers/promises";
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
} from "@kubernetes/client-node";
import { ifExists } from "../../cli/lib/objects";
import { until } from "../../cli/lib/poll";
import { grouped } from "../../cli/lib/text";
import { minio } from "../../names";
import { type Component, findComponents, Harms } from "../chaos/components";
import { namespaces } from "../support/names";
import { isNodeReady, workloadPods, workloadTrouble } from "./health";

/** A node that the drills may disturb. */
export interface DrillNode {
  name: string;
  zone?: string;
}

const zoneLabel = "topology.kubernetes.io/zone";
/** Seconds in which the API server must accept a request. */
const patient = 120;
/** Interval of retries of an eviction that a disruption budget denies, as in kubectl; milliseconds. */
const evictionPause = 5000;

/**
 * Whether a drain evicts a pod: DaemonSets ignore a cordon, a static pod belongs to the kubelet, and a finished one
 * does not count.
 */
export const isEvicted = ({ metadata, status }: V1Pod): boolean =>
  !metadata?.ownerReferences?.some(({ kind }) => kind === "DaemonSet") &&
  !metadata?.annotations?.["kubernetes.io/config.mirror"] &&
  status?.phase !== "Succeeded" &&
  status?.phase !== "Failed";

export class Cluster {
  private readonly core: CoreV1Api;
  private readonly apps: AppsV1Api;
  private readonly cordoned = new Set<string>();
  private readonly harms: Harms;

  constructor(private readonly config: KubeConfig) {
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.harms = new Harms(config);
  }

  /** The nodes that ordinary pods run on. */
  async nodes(): Promise<DrillNode[]> {
    const { items } = await this.core.listNode();
    return items
      .filter(({ spec }) => !spec?.taints?.some(({ effect }) => effect !== "PreferNoSchedule"))
      .map(({ metadata }): DrillNode => {
        const zone = metadata?.labels?.[zoneLabel];
        return { name: metadata?.name ?? "", ...(zone && { zone }) };
      })
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Waits until nodes are ready. @throws on a timeout */
  async nodesReady(names: string[], seconds: number): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const { items } = await this.core.listNode();
      const away = items.filter((node) => names.includes(node.metadata?.name ?? "") && !isNodeReady(node));
      if (!away.length) return;
      if (Date.now() > deadline)
        throw new Error(
          `not ready after ${seconds} s: ${away.map(({ metadata }) => metadata?.name).join(", ")}`,
        );
      await wait(1000);
    }
  }

  private async cordon(name: string, unschedulable: boolean): Promise<void> {
    await this.core.patchNode({
      name,
      body: [{ op: "add", path: "/spec/unschedulable", value: unschedulable }],
    });
    if (unschedulable) this.cordoned.add(name);
    else this.cordoned.delete(name);
  }

  /** Makes every node that a drill cordoned schedulable again, and starts what it stopped. */
  async putBack(): Promise<void> {
    await this.harms.putBack();
    for (const name of [...this.cordoned]) await this.cordon(name, false);
  }

  /**
   * Drains a node as an upgrade does: cordon, evict, wait until the pods are deleted, wait for the upgrade, uncordon.
   *
   * @param seconds timeout of the drain
   * @param upgrade seconds between the end of the drain and the uncordon
   * @returns duration of the drain in seconds, and evictions that a disruption budget denied at first
   */
  async drain(name: string, seconds: number, upgrade: number): Promise<{ seconds: number; refused: number }> {
    const begun = Date.now();
    let refused = 0;
    const fieldSelector = `spec.nodeName=${name}`;
    try {
      await this.cordon(name, true);
      for (;;) {
        const { items } = await this.core.listPodForAllNamespaces({ fieldSelector });
        const left = items.filter(isEvicted);
        if (!left.length) break;
        if (Date.now() - begun > seconds * 1000)
          throw new Error(
            `drain of ${name}: after ${seconds} s still there: ${left.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).join(", ")}`,
          );
        for (const pod of left.filter(({ metadata }) => !metadata?.deletionTimestamp))
          if (!(await this.evict(pod))) refused += 1;
        await wait(evictionPause);
      }
      const took = (Date.now() - begun) / 1000;
      await wait(upgrade * 1000);
      return { seconds: took, refused };
    } finally {
      await this.putBack();
    }
  }

  /** @returns whether the eviction was accepted */
  private async evict({ metadata }: V1Pod): Promise<boolean> {
    const { name = "", namespace = "" } = metadata ?? {};
    try {
      await ifExists(
        this.core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } }),
      );
      return true;
    } catch (error) {
      if (error instanceof ApiException && error.code === 429) return false;
      throw error;
    }
  }

  /**
   * Stops all of Loki for a time.
   *
   * @param seconds from the end of its last pod
   */
  async stopLoki(seconds: number): Promise<void> {
    const own = (await findComponents(this.config)).filter(({ namespace }) => namespace === namespaces.loki);
    await Promise.all(own.map((one) => this.harms.pause(one, seconds)));
  }

  /**
   * Restarts workloads of the stack as `kubectl rollout restart` does, one namespace after the other.
   *
   * @param seconds timeout of a namespace
   * @param wanted which workloads (default: all)
   * @returns namespaces with the seconds of their rollouts
   */
  async restart(seconds: number, wanted: (one: Component) => boolean = () => true): Promise<string[]> {
    const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
    const body = { spec: { template: { metadata: { annotations } } } };
    const took: string[] = [];
    const chosen = (await findComponents(this.config)).filter(wanted);
    for (const [namespace, own] of grouped(chosen, (one) => one.namespace)) {
      const begun = Date.now();
      for (const { kind, name } of own) {
        const request = { namespace, name, body };
        // A busy API server closes connections.
        await until<object>(patient, `response to the restart of ${namespace}/${name}`, () =>
          kind === "Deployment"
            ? this.apps.patchNamespacedDeployment(request, merge)
            : kind === "StatefulSet"
              ? this.apps.patchNamespacedStatefulSet(request, merge)
              : this.apps.patchNamespacedDaemonSet(request, merge),
        );
      }
      await until(seconds, `end of the rollouts in ${namespace}`, async () =>
        (await workloadPods(this.config)).every(
          (one) => one.namespace !== namespace || !workloadTrouble(one),
        ),
      );
      took.push(`${namespace} ${((Date.now() - begun) / 1000).toFixed(0)} s`);
    }
    return took;
  }

  /** Deletes a MinIO server's volume with all its data. Kubernetes creates the pod and an empty volume again. */
  async loseMinioVolume(server: number): Promise<void> {
    const namespace = namespaces.minio;
    const name = minio.claim("distributed", server);
    const pod = `minio-${server}`;
    await this.core.deleteNamespacedPersistentVolumeClaim({ name, namespace });
    await this.core.deleteNamespacedPod({ name: pod, namespace, gracePeriodSeconds: 0 });
    // A pod that was created before the PVC was deleted waits for it indefinitely.
    for (let tries = 1; tries <= 60; tries += 1) {
      await wait(2000);
      const claim = await ifExists(this.core.readNamespacedPersistentVolumeClaim({ name, namespace }));
      if (claim && !claim.metadata?.deletionTimestamp) return;
      if (tries % 15 === 0)
        await ifExists(this.core.deleteNamespacedPod({ name: pod, namespace, gracePeriodSeconds: 0 }));
    }
    throw new Error(`no new claim ${namespace}/${name} appears`);
  }
}
