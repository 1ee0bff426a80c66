import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  type BackupJob,
  backupJobs,
  type Consumer,
  consumers,
  type NamespaceKey,
  s3Env,
  s3Secret,
  storageEndpoint,
} from "../../names";
import { backupDestination } from "../../values/backup-rclone";
import type { ObjectStorageArgs } from "./args";
import type { Credentials } from "./buckets";
import { Minio } from "./minio";

/**
 * Object storage for logs, metrics and traces (R1): MinIO that this stack installs, or an S3 that is there already.
 * Each consumer finds its own credentials in a Secret in its own namespace.
 */
export class ObjectStorage extends pulumi.ComponentResource {
  /** Host and port of the S3 API inside the cluster. */
  readonly endpoint: pulumi.Output<string>;
  /** MinIO, when this stack installs it. */
  readonly minio: Minio | undefined;
  private readonly ready = new Map<Consumer | BackupJob, pulumi.Resource[]>();

  constructor(name: string, args: ObjectStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:ObjectStorage", name, {}, opts);
    const { settings, namespaces } = args;
    const { kind, external } = settings.objectStorage;
    this.minio = kind === "minio" ? new Minio("minio", args, { parent: this }) : undefined;
    const users: [Consumer | BackupJob, NamespaceKey][] = [
      ...consumers
        .filter((consumer) => namespaces.has(consumer))
        .map((one): [Consumer, NamespaceKey] => [one, one]),
      ...(backupDestination(settings)
        ? backupJobs.map((job): [BackupJob, NamespaceKey] => [job, "backup"])
        : []),
    ];
    for (const [user, key] of users) {
      const given = kind === "external" ? external?.[user] : undefined;
      const access: Credentials | undefined =
        this.minio?.users[user]?.credentials ??
        (given && {
          accessKey: pulumi.secret(given.accessKey.reveal()),
          secretKey: pulumi.secret(given.secretKey.reveal()),
        });
      // Without keys, a store has an identity in the cloud.
      const secret =
        access &&
        new k8s.core.v1.Secret(
          s3Secret(user),
          {
            metadata: { name: s3Secret(user), namespace: namespaces.name(key) },
            stringData: { [s3Env.accessKey]: access.accessKey, [s3Env.secretKey]: access.secretKey },
          },
          { parent: this },
        );
      this.ready.set(user, [
        ...(secret ? [secret] : []),
        ...args.certificates.readyFor(key),
        ...(this.minio?.users[user]?.grants ?? []),
      ]);
    }
    this.endpoint = pulumi.output(storageEndpoint(settings));
    this.registerOutputs({ endpoint: this.endpoint });
  }

  /** What must exist before a consumer or a Job of backups starts: its Secret, the CA certificate, its buckets, its user and its policy. */
  readyFor(user: Consumer | BackupJob): pulumi.Resource[] {
    return this.ready.get(user) ?? [];
  }
}
