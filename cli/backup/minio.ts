/** MinIO for the commands that copy whole buckets. */
import { Agent } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Client } from "minio";
import { minioApi } from "../../components/object-storage/pods";
import { type Settings, UserError } from "../../settings";
import { type Keys, minioClient, rootOf } from "../minio";
import { throughTunnel } from "../tunnel";

/** Objects that are copied at a time. */
export const inFlight = 8;

/** Bytes of an object from which on it is written in parts; each that is under way holds one in memory. */
const partSize = 16 * 1024 ** 2;

/** A client that keeps its connections for the next objects. @param agent holds them, to be destroyed at the end */
export const clientOf = (port: number, keys: Keys, agent: Agent): Client =>
  minioClient(port, keys, { partSize, transportAgent: agent });

/** Refuses what only this stack's own MinIO has. @throws UserError when the object storage is somebody else's */
export function refuseExternal({ objectStorage }: Settings): void {
  if (objectStorage.kind === "external")
    throw new UserError(
      `objectStorage.kind: is "external"; buckets can be saved and restored only where it is "minio".\n` +
        `    ${objectStorage.external?.endpoint} has means of its own: versions, replication, snapshots. ` +
        "Name the other parts with --only; docs/guides/backup.md says more",
    );
}

/** Runs an action with MinIO's API, through the Kubernetes API. @throws UserError when MinIO is not installed */
export async function withMinio<T>(config: KubeConfig, action: (client: Client) => Promise<T>): Promise<T> {
  const keys = await rootOf(config);
  return throughTunnel(config, minioApi, async (port) => {
    const agent = new Agent({ keepAlive: true, maxSockets: inFlight + 1 });
    try {
      return await action(clientOf(port, keys, agent));
    } finally {
      agent.destroy();
    }
  });
}
