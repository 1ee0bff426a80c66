/** MinIO's S3 API as the root user sees it, through the gate. */
import { Client } from "minio";
import { minio, namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import { held } from "../hold";
import type { Gate } from "./gate";

/** What the root user may ask, as far as the program needs it. */
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
    /** Whether there is any object in a bucket. */
    holdsData: async (bucket: string) =>
      (await client.listObjectsV2Query(bucket, "", "", "", 1, "")).objects.length > 0,
  };
}

/**
 * Waits until MinIO is ready and takes the root password: with a wrong one, too, the provider would believe that
 * every bucket is gone.
 *
 * @returns the endpoint for the provider
 * @throws when MinIO is not ready in time or refuses the password
 */
export const reach = (settings: Settings, gate: Gate, password: string): Promise<string> =>
  held(async () => {
    await gate.ready();
    await s3(gate, { user: minio.rootUser, password })
      .buckets()
      .catch((error: Error) => {
        throw new UserError(
          `MinIO refuses the root password of this stack's state (${error.message}). Was the Secret ` +
            `${namespaces(settings).minio}/${minio.rootSecret} changed by hand? Put the state's password back: ` +
            "pulumi stack output --show-secrets minioRootPassword",
        );
      });
    return gate.endpoint;
  });
