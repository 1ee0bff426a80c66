/** MinIO's S3 API for the root user, through the gate. */
import { Client } from "minio";
import { minio, namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import { keepAlive } from "../keep-alive";
import type { Gate } from "./gate";

/** The requests of the root user that the program needs. */
export function s3(gate: Gate, root: { user: string; password: string }) {
  const { hostname, port } = new URL(`https://${gate.endpoint}`);
  const client = new Client({
    endPoint: hostname,
    port: Number(port) || 443,
    useSSL: true,
    accessKey: root.user,
    secretKey: root.password,
    region: "us-east-1",
    transportAgent: gate.agent,
  });
  return {
    /** Names of all buckets. */
    buckets: async () => (await client.listBuckets()).map(({ name }) => name),
    /** Whether a bucket contains any objects. */
    holdsData: async (bucket: string) =>
      (await client.listObjectsV2Query(bucket, "", "", "", 1, "")).objects.length > 0,
  };
}

/**
 * Waits until MinIO is ready and accepts the root password: a wrong password, too, would make the provider believe that
 * every bucket is gone.
 *
 * @returns the endpoint for the provider
 * @throws if MinIO is not ready in time or rejects the password
 */
export const reach = (settings: Settings, gate: Gate, password: string): Promise<string> =>
  keepAlive(async () => {
    await gate.ready();
    await s3(gate, { user: minio.rootUser, password })
      .buckets()
      .catch((error: Error) => {
        throw new UserError(
          `MinIO rejects the root password in this stack's state (${error.message}). Was the Secret ` +
            `${namespaces(settings).minio}/${minio.rootSecret} changed manually? Restore the state's password: ` +
            "pulumi stack output --show-secrets minioRootPassword",
        );
      });
    return gate.endpoint;
  });
