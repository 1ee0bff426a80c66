/** MinIO as its root user, for the commands that copy whole buckets. */
import { Agent } from "node:http";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { Client } from "minio";
import { minioApi } from "../../components/object-storage/pods";
import { minio, namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import { throughTunnel } from "../tunnel";

/** Objects that are copied at a time. */
export const inFlight = 8;

/** Bytes of an object from which on it is written in parts; each that is under way holds one in memory. */
const partSize = 16 * 1024 ** 2;

/** A client that keeps its connections for the next objects. @param agent holds them, to be destroyed at the end */
export const clientOf = (port: number, accessKey: string, secretKey: string, agent: Agent): Client =>
  new Client({
    endPoint: "127.0.0.1",
    port,
    useSSL: false,
    region: "us-east-1",
    accessKey,
    secretKey,
    partSize,
    transportAgent: agent,
  });

/** Refuses what only this stack's own MinIO has. @throws UserError when the object storage is somebody else's */
export function refuseExternal({ objectStorage }: Settings): void {
  if (objectStorage.kind === "external")
    throw new UserError(
      `objectStorage.kind: is "external"; buckets can be saved and restored only where it is "minio".\n` +
        `    ${objectStorage.external?.endpoint} has means of its own: versions, replication, snapshots. ` +
        "Name the other parts with --only; docs/backup.md says more",
    );
}

/** Runs an action with MinIO's API, through the Kubernetes API. @throws UserError when MinIO is not installed */
export async function withMinio<T>(config: KubeConfig, action: (client: Client) => Promise<T>): Promise<T> {
  const secret = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace: namespaces.minio, name: minio.rootSecret })
    .catch((error: { code?: number }) => {
      if (error.code !== 404) throw error;
      throw new UserError(
        `MinIO is not installed on this cluster: there is no Secret ${namespaces.minio}/${minio.rootSecret}`,
      );
    });
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? "", "base64").toString();
  return throughTunnel(config, minioApi, async (port) => {
    const agent = new Agent({ keepAlive: true, maxSockets: inFlight + 1 });
    try {
      return await action(clientOf(port, text("rootUser"), text("rootPassword"), agent));
    } finally {
      agent.destroy();
    }
  });
}
