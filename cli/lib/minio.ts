/** MinIO's S3 API as its root user. */
import { CoreV1Api } from "@kubernetes/client-node";
import { Client, type ClientOptions } from "minio";
import { minio, namespaces } from "../../names";
import { UserError } from "../../settings";
import type { Connection } from "./cluster";
import { secretText } from "./objects";

export interface Keys {
  accessKey: string;
  secretKey: string;
}

/** The root user's keys, from the cluster. @throws UserError if there are none */
export async function rootOf({ config, settings }: Connection): Promise<Keys> {
  const namespace = namespaces(settings).minio;
  const name = `${namespace}/${minio.rootSecret}`;
  const secret = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace, name: minio.rootSecret })
    .catch((error: Error & { code?: number }) => {
      if (error.code === 404)
        throw new UserError(`MinIO is not installed on this cluster: Secret ${name} does not exist`);
      throw new UserError(
        `Secret ${name} cannot be read (${error.message.split("\n")[0]}): your kubeconfig's user needs permission to read it`,
      );
    });
  return { accessKey: secretText(secret, "rootUser"), secretKey: secretText(secret, "rootPassword") };
}

/** A client for MinIO behind a loopback port. */
export const minioClient = (port: number, keys: Keys, more: Partial<ClientOptions> = {}): Client =>
  new Client({ endPoint: "127.0.0.1", port, useSSL: false, region: "us-east-1", ...keys, ...more });
