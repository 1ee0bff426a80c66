import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/cluster";
import { namespaces } from "../../support/names";
import { type Cluster, change, type Fault } from "../fault";

/**
 * The volume of Loki's ingester is full. If volumes are folders of this machine, a small file system is mounted over
 * the folder while the pod does not run, and filled; unmounting it restores the original state. Otherwise the fault is
 * skipped: a drill should not fill a paid volume.
 */
const namespace = namespaces.loki;
const workload = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { namespace, name: "loki-ingester" },
};
const pod = { namespace, name: "loki-ingester-0" };
let folder: string | undefined;

async function scale(cluster: Cluster, replicas: number): Promise<void> {
  await change(cluster, workload, { spec: { replicas } });
  const phase = () =>
    cluster.core.readNamespacedPod(pod).then(
      ({ status }) => status?.phase,
      (error: { code?: number }) => {
        if (error.code === 404) return "gone";
        throw error;
      },
    );
  const wanted = replicas ? "Running" : "gone";
  const found = await eventually(180, phase, (now) => now === wanted);
  if (found !== wanted) throw new Error(`${pod.name} is ${found}, not ${wanted}`);
}

/** The folder of the ingester's volume on this machine. @throws if there is none */
async function folderOf({ core }: Cluster): Promise<string> {
  const claim = await core.readNamespacedPersistentVolumeClaim({ namespace, name: "data-loki-ingester-0" });
  const volume = await core.readPersistentVolume({ name: claim.spec?.volumeName ?? "" });
  const path = volume.spec?.hostPath?.path ?? volume.spec?.local?.path ?? "";
  if (!path || !existsSync(path) || process.getuid?.() !== 0)
    throw new Error("skipped: the ingester's volume is no folder of this machine, or only root may mount");
  return path;
}

/** Writes until the file system is full. */
function fill(path: string): void {
  try {
    for (let part = 0; ; part++) writeFileSync(join(path, `filler-${part}`), Buffer.alloc(64 * 1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

export const fault: Fault = {
  name: "full-disk",
  async make(cluster) {
    const path = await folderOf(cluster);
    folder = path;
    await scale(cluster, 0);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", path]);
    await scale(cluster, 1);
    fill(path);
  },
  async fix(cluster) {
    if (!folder) return;
    await scale(cluster, 0);
    if (existsSync(folder) && execFileSync("cat", ["/proc/mounts"]).toString().includes(` ${folder} tmpfs `))
      execFileSync("umount", [folder]);
    folder = undefined;
    await scale(cluster, 1);
  },
  expected: /volume.* loki\/(loki-ingester-0|data-loki-ingester-0).* is (100 % )?full/,
  page: "docs/operations/runbook.md#storage",
};
