import type * as pulumi from "@pulumi/pulumi";
import type { Consumer } from "../../names";
import type { Settings } from "../../settings";
import type { BucketKey } from "../../values/minio-access";
import type { NamespaceNames, Ready } from "../args";
import type { Credentials } from "./buckets";
import type { Gate } from "./gate";
import type { Found } from "./preflight";

interface CommonArgs {
  /** Settings: those of the stack, or those of `defineSettings`. */
  settings: Settings;
}

/** The object storage of the settings: MinIO, an S3, Google Cloud Storage or Azure Blob Storage. */
export interface StackStorageArgs extends CommonArgs {
  /** Names of the namespaces of MinIO and of the stores. */
  namespaces: NamespaceNames<"minio">;
  /** Certificates of MinIO, and the CA certificates of the stores. */
  certificates: Ready;
  /** CRDs of Prometheus Operator, if this program installs them. */
  crds?: pulumi.Resource[];
  /** The connection to MinIO's API; needed when `objectStorage.kind` is `minio`. */
  gate: Gate | undefined;
  /** State of an earlier run, from the preflight. */
  found: Found | undefined;
}

/** An S3 of the program: each value may be an output. */
export interface S3Args {
  /** Host of the S3 API, optionally with a port. */
  endpoint: pulumi.Input<string>;
  /** Region that requests are signed for. */
  region: pulumi.Input<string>;
  /** Whether the endpoint uses HTTPS. @default true */
  tls?: pulumi.Input<boolean>;
  /** Whether buckets are in the path of URLs instead of the host name. @default false */
  pathStyle?: pulumi.Input<boolean>;
  /** Names of existing buckets, by key. @default `objectStorage.buckets` of the settings */
  buckets?: { readonly [Key in BucketKey]?: pulumi.Input<string> };
  /** Static keys of each store. @default the AWS identity of the pods */
  credentials?: { readonly [Store in Consumer]?: Credentials };
  /** IAM roles for service accounts, if there are no credentials. */
  roles?: { readonly [Store in Consumer]?: pulumi.Input<string> };
}

/** An S3 of the program, instead of the object storage of the settings. */
export interface OwnS3Args extends CommonArgs {
  /** Names of the namespaces of the stores that use it. */
  namespaces: NamespaceNames;
  /** CA certificates of servers outside the cluster, if `network.privateCa` is set. */
  certificates?: Ready;
  s3: S3Args;
}

export type ObjectStorageArgs = StackStorageArgs | OwnS3Args;
