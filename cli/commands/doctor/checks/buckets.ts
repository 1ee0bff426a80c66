import { Agent } from "node:http";
import type { V1Secret } from "@kubernetes/client-node";
import { Client } from "minio";
import { minioApi } from "../../../../components/object-storage/pods";
import { bucketsOf, type Consumer, consumers, namespaces, s3Env, s3Secret } from "../../../../names";
import type { Settings } from "../../../../settings";
import { hasKeys } from "../../../../values/object-storage";
import { type Keys, minioClient } from "../../../lib/minio";
import { secretText } from "../../../lib/objects";
import { throughTunnel } from "../../../lib/tunnel";
import { type Check, type Context, type Finding, findingIn } from "../check";

type Kind = "minio" | "external";

/** The result of a request to a bucket: the S3 error, or none. */
export interface Look {
  consumer: Consumer;
  /** Its Secret with the keys, as `namespace/name`. */
  secret: string;
  bucket: string;
  /** The code of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, or of the connection. */
  code?: string | undefined;
  message?: string | undefined;
}

/** The meaning of an error, and its fix with MinIO and with external storage. */
function meaning({ consumer, secret, bucket, code = "" }: Look): { what: string } & Record<Kind, string> {
  const minio = "./obs up restores it; then restart the pods that read the wrong one";
  const keys = { minio, external: `set the right key in objectStorage.external.${consumer}` };
  const clocks = "compare the clocks of this machine and of the nodes";
  const denied = {
    what: `the user in Secret ${secret} may not read bucket ${bucket}`,
    minio: "./obs up restores its policy",
    external: "allow it s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket",
  };
  const meanings: Record<string, { what: string } & Record<Kind, string>> = {
    InvalidAccessKeyId: {
      what: `object storage does not know the user in Secret ${secret}, or has disabled it`,
      ...keys,
    },
    SignatureDoesNotMatch: { what: `the secret key in Secret ${secret} is wrong`, ...keys },
    NoSuchBucket: {
      what: `bucket ${bucket} of ${consumer} does not exist`,
      minio: "./obs up creates it, empty; docs/guides/backup.md says how to restore its data",
      external: "create it, or set another one in objectStorage.buckets",
    },
    AccessDenied: denied,
    AllAccessDisabled: denied,
    NoSecret: { what: `Secret ${secret} or one of its keys does not exist`, minio, external: minio },
    RequestTimeTooSkewed: {
      what: "object storage rejects requests because a clock is wrong",
      minio: clocks,
      external: clocks,
    },
  };
  return (
    meanings[code] ?? {
      what: `bucket ${bucket} of ${consumer} cannot be reached`,
      minio: "find out why MinIO does not answer: kubectl -n minio get pods",
      external: "check objectStorage.external.endpoint, and that it answers",
    }
  );
}

/** What is wrong with buckets; once for a user with a wrong key, even if it has three buckets. */
export function judgeBuckets(looks: Look[], kind: Kind): Finding[] {
  const found = looks
    .filter(({ code }) => code)
    .map((look): Finding => {
      const { what, [kind]: fix } = meaning(look);
      const evidence = `list of bucket ${look.bucket} as ${look.consumer}: ${look.code}: ${look.message ?? ""}`;
      const page = "docs/operations/runbooks/ObjectStorageUnreachable.md";
      return findingIn("storage").critical(what, evidence, fix, page);
    });
  return found.filter(({ what }, index) => found.findIndex((one) => one.what === what) === index);
}

/** A consumer's keys, as its pods read them when they start. @throws if one is missing */
export function keysOf(settings: Settings, secrets: V1Secret[], consumer: Consumer): Keys {
  const namespace = namespaces(settings)[consumer];
  const secret = secrets.find(
    ({ metadata }) => metadata?.namespace === namespace && metadata.name === s3Secret(consumer),
  );
  const [accessKey, secretKey] = [s3Env.accessKey, s3Env.secretKey].map((key) => secretText(secret, key));
  if (!accessKey || !secretKey) throw Object.assign(new Error("no keys"), { code: "NoSecret" });
  return { accessKey, secretKey };
}

/** Lists one object of every bucket, as its consumer. */
async function lookInto({ settings, cluster }: Context, clientOf: (keys: Keys) => Client): Promise<Look[]> {
  const secrets = await cluster.secrets();
  const all = consumers.flatMap((consumer) => {
    const secret = `${namespaces(settings)[consumer]}/${s3Secret(consumer)}`;
    return bucketsOf[consumer].map(async (key): Promise<Look> => {
      const bucket = settings.objectStorage.buckets[key].name;
      try {
        await clientOf(keysOf(settings, secrets, consumer)).listObjectsV2Query(bucket, "", "", "", 1, "");
        return { consumer, secret, bucket };
      } catch (error) {
        const { code = "no answer", message } = error as { code?: string; message?: string };
        return { consumer, secret, bucket, code, message };
      }
    });
  });
  return Promise.all(all);
}

/** Whether each consumer reaches its buckets with its own credentials. It writes nothing. */
export const check: Check = {
  name: "buckets",
  async look(context) {
    const { config, settings } = context;
    const { kind, external } = settings.objectStorage;
    // The identity of a cloud belongs to the pods; nobody else can use it.
    if (kind === "gcs" || kind === "azure" || !hasKeys(settings)) return [];
    if (kind === "external" && external) {
      const { hostname: endPoint, port } = new URL(`https://${external.endpoint}`);
      const { tls: useSSL, region, pathStyle } = external;
      const server = { endPoint, ...(port && { port: Number(port) }), useSSL, region, pathStyle };
      return judgeBuckets(await lookInto(context, (keys) => new Client({ ...server, ...keys })), kind);
    }
    return throughTunnel(config, minioApi(settings), async (port) => {
      // One connection for all requests: each connection through the API server takes its time.
      const transportAgent = new Agent({ keepAlive: true, maxSockets: 1 });
      const looks = await lookInto(context, (keys) => minioClient(port, keys, { transportAgent }));
      return judgeBuckets(looks, kind);
    });
  },
};
