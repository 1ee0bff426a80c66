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
import { UserError } from "../../settings";
import type { S3 } from "../../settings/s3";
import { backupDestination } from "../../values/backup-rclone";
import { childNames, knownSettings, present, type Ready } from "../args";
import type { ObjectStorageArgs, S3Args } from "./args";
import type { Credentials } from "./buckets";
import { Minio } from "./minio";

/** The part of an S3 that is in the stores' configuration. */
const configured = ({ tls = true, pathStyle = false, buckets = {}, credentials, ...s3 }: S3Args) =>
  pulumi.output({ ...s3, tls, pathStyle, buckets, credentials: credentials ? "keys" : "identity" } as const);

/**
 * Object storage for logs, metrics and traces: a MinIO that this stack installs, or an existing object storage. Each
 * store has its own credentials in a Secret in its namespace.
 */
export class ObjectStorage extends pulumi.ComponentResource implements Ready<Consumer | BackupJob> {
  /** Host and port of the S3 API for pods. */
  readonly endpoint: pulumi.Output<string>;
  /** MinIO, if this stack installs it. */
  readonly minio: Minio | undefined;
  /** The S3 of the program, which replaces the object storage of the settings. */
  readonly s3: pulumi.Output<S3> | undefined;
  private readonly ready = new Map<Consumer | BackupJob, pulumi.Resource[]>();

  constructor(name: string, args: ObjectStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:ObjectStorage", name, {}, opts);
    const { settings, namespaces } = args;
    const { kind, external } = settings.objectStorage;
    const named = childNames(name, "object-storage");
    const own = "s3" in args ? args.s3 : undefined;
    this.s3 = own && configured(own);
    this.minio =
      "s3" in args || kind !== "minio" ? undefined : new Minio(named("minio"), args, { parent: this });
    const given = (user: Consumer | BackupJob): Credentials | undefined => {
      if (own) return own.credentials?.[user as Consumer];
      const keys = kind === "external" ? external?.[user] : undefined;
      return (
        keys && {
          accessKey: pulumi.secret(keys.accessKey.reveal()),
          secretKey: pulumi.secret(keys.secretKey.reveal()),
        }
      );
    };
    const users: [Consumer | BackupJob, NamespaceKey][] = [
      ...consumers.map((one): [Consumer, NamespaceKey] => [one, one]),
      ...(backupDestination(settings)
        ? backupJobs.map((job): [BackupJob, NamespaceKey] => [job, "backup"])
        : []),
    ];
    for (const [user, key] of users)
      for (const [, namespace] of present(namespaces, [key])) {
        const access = this.minio?.users[user]?.credentials ?? given(user);
        if (own?.credentials && !access)
          throw new UserError(
            `s3.credentials.${user}: not set (must be an accessKey and a secretKey, because namespaces.${key} is set)`,
          );
        // Without keys, a store uses an identity of the cloud.
        const secret =
          access &&
          new k8s.core.v1.Secret(
            named(s3Secret(user)),
            {
              metadata: { name: s3Secret(user), namespace },
              stringData: { [s3Env.accessKey]: access.accessKey, [s3Env.secretKey]: access.secretKey },
            },
            { parent: this },
          );
        this.ready.set(user, [
          ...(secret ? [secret] : []),
          ...(args.certificates?.readyFor(key) ?? []),
          ...(this.minio?.users[user]?.grants ?? []),
        ]);
      }
    this.endpoint = knownSettings({ settings, namespaces, storage: this }).apply(storageEndpoint);
    this.registerOutputs({ endpoint: this.endpoint });
  }

  /**
   * Resources that must exist before a consumer or a backup Job starts: its Secret, the CA certificate, its buckets,
   * its user and its policy.
   */
  readyFor(user: Consumer | BackupJob): pulumi.Resource[] {
    return this.ready.get(user) ?? [];
  }
}
