import { Agent } from "node:http";
import { CoreV1Api } from "@kubernetes/client-node";
import { Client } from "minio";
import { minioApi } from "../../../../components/object-storage/pods";
import { bucketsOf, type Consumer, consumers, s3Env, s3Secret } from "../../../../names";
import { hasKeys } from "../../../../values/object-storage";
import { minioClient } from "../../../lib/minio";
import { throughTunnel } from "../../../lib/tunnel";
import type { Check, Context, Finding } from "../check";

/** What came of a look into a bucket: the S3 error, or none. */
export interface Look {
  consumer: Consumer;
  bucket: string;
  /** The code of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, or of the connection. */
  code?: string | undefined;
  message?: string | undefined;
}

/** What an error means, and what mends it. */
function meaning(
  { consumer, bucket, code }: Look,
  kind: "minio" | "external",
): { what: string; fix: string } {
  const secret = `${consumer}/${s3Secret(consumer)}`;
  const again = "obs up puts it back; restart who had read the wrong one";
  switch (code) {
    case "InvalidAccessKeyId":
      return {
        what: `object storage does not know the user in Secret ${secret}, or has disabled it`,
        fix: kind === "minio" ? again : `put the right key into objectStorage.external.${consumer}`,
      };
    case "SignatureDoesNotMatch":
      return {
        what: `the secret key in Secret ${secret} is wrong`,
        fix: kind === "minio" ? again : `put the right key into objectStorage.external.${consumer}`,
      };
    case "NoSuchBucket":
      return {
        what: `bucket ${bucket} of ${consumer} is not there`,
        fix:
          kind === "minio"
            ? "obs up makes it again, empty; docs/guides/backup.md says how to restore what it held"
            : "make it, or name another in objectStorage.buckets",
      };
    case "AccessDenied":
    case "AllAccessDisabled":
      return {
        what: `the user in Secret ${secret} may not read bucket ${bucket}`,
        fix:
          kind === "minio"
            ? "obs up puts its policy back"
            : "allow it s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket",
      };
    case "NoSecret":
      return { what: `Secret ${secret} is not there, or lacks its keys`, fix: again };
    case "RequestTimeTooSkewed":
      return {
        what: "object storage refuses requests because a clock is wrong",
        fix: "compare the clocks of this machine and of the nodes",
      };
    default:
      return {
        what: `bucket ${bucket} of ${consumer} cannot be reached`,
        fix:
          kind === "minio"
            ? "see why MinIO does not answer: kubectl -n minio get pods"
            : "is objectStorage.external.endpoint right, and does it answer?",
      };
  }
}

/** What is wrong with buckets; once for a user whose key is not taken, though it has three of them. */
export function judgeBuckets(looks: Look[], kind: "minio" | "external"): Finding[] {
  const found = looks
    .filter(({ code }) => code)
    .map((look): Finding => {
      const { what, fix } = meaning(look, kind);
      return {
        severity: "critical",
        layer: "storage",
        what,
        evidence: `list of bucket ${look.bucket} as ${look.consumer}: ${look.code}: ${look.message ?? ""}`,
        fix,
        page: "docs/operations/runbooks/ObjectStorageUnreachable.md",
      };
    });
  return found.filter(({ what }, index) => found.findIndex((one) => one.what === what) === index);
}

/** A consumer's keys, as its pods read them when they start. */
async function keysOf(
  { config }: Context,
  consumer: Consumer,
): Promise<{ accessKey: string; secretKey: string }> {
  const { data } = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace: consumer, name: s3Secret(consumer) })
    .catch((error: { code?: number }) => {
      if (error.code === 404) return { data: undefined };
      throw error;
    });
  const [accessKey, secretKey] = [s3Env.accessKey, s3Env.secretKey].map((key) =>
    Buffer.from(data?.[key] ?? "", "base64").toString(),
  );
  if (!accessKey || !secretKey) throw Object.assign(new Error("no keys"), { code: "NoSecret" });
  return { accessKey, secretKey };
}

/** Looks into the buckets of a consumer, one object each. */
async function lookInto(
  context: Context,
  consumer: Consumer,
  clientOf: (keys: Keys) => Client,
): Promise<Look[]> {
  const { buckets } = context.settings.objectStorage;
  return Promise.all(
    bucketsOf[consumer].map(async (key) => {
      const bucket = buckets[key].name;
      try {
        await clientOf(await keysOf(context, consumer)).listObjectsV2Query(bucket, "", "", "", 1, "");
        return { consumer, bucket };
      } catch (error) {
        const { code = "no answer", message } = error as { code?: string; message?: string };
        return { consumer, bucket, code, message };
      }
    }),
  );
}

type Keys = Awaited<ReturnType<typeof keysOf>>;

/** Whether each consumer reaches its buckets with its own credentials. It lists one object, and writes none. */
export const check: Check = {
  name: "buckets",
  async look(context) {
    const { config, settings } = context;
    const { kind, external } = settings.objectStorage;
    // An identity in the cloud belongs to the pods; nobody else can use it.
    if (kind === "gcs" || kind === "azure" || !hasKeys(settings)) return [];
    if (kind === "external" && external) {
      const { hostname, port } = new URL(`https://${external.endpoint}`);
      const { tls: useSSL, region, pathStyle } = external;
      const clientOf = (keys: Keys) =>
        new Client({
          endPoint: hostname,
          ...(port && { port: Number(port) }),
          useSSL,
          region,
          pathStyle,
          ...keys,
        });
      return judgeBuckets(
        (await Promise.all(consumers.map((one) => lookInto(context, one, clientOf)))).flat(),
        kind,
      );
    }
    return throughTunnel(config, minioApi(settings), async (port) => {
      // One connection for all: each through the API server takes its time.
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const clientOf = (keys: Keys) => minioClient(port, keys, { transportAgent: agent });
      const looks = Promise.all(consumers.map((one) => lookInto(context, one, clientOf)));
      return judgeBuckets((await looks).flat(), kind);
    });
  },
};
