/** Access of Loki, Mimir and Tempo to their buckets: MinIO or another S3, Google Cloud Storage, Azure Blob Storage. */
import imagePins from "../images.json";
import { type Consumer, caBundle, s3Env, s3Secret, storageEndpoint, usesTls } from "../names";
import type { Settings } from "../settings";
import { privateCas } from "./outside";
import { image, resources, restrictedContainer } from "./shared";
import { trustedCa } from "./tls";

type Values = Record<string, unknown>;

/** The API of the object storage, by its name in the three stores. */
export const storageApi = ({ objectStorage: { kind } }: Settings): "s3" | "gcs" | "azure" =>
  kind === "gcs" || kind === "azure" ? kind : "s3";

/** Whether stores have static keys; otherwise the cloud identifies them by their ServiceAccounts. */
export const hasKeys = ({ objectStorage: { kind, external } }: Settings): boolean =>
  kind === "minio" || (kind === "external" && external?.credentials !== "identity");

/** The S3 settings that the configuration of a store needs; static keys come from its environment. */
export function s3(settings: Settings) {
  const { kind } = settings.objectStorage;
  // The settings of an external S3 do not apply to MinIO.
  const external = kind === "external" ? settings.objectStorage.external : undefined;
  return {
    /** Host and port. */
    endpoint: storageEndpoint(settings),
    region: external?.region ?? "us-east-1",
    tls: external ? external.tls : usesTls(settings),
    /** File with the CA certificate, unless a public CA issued the certificate. */
    caFile: kind === "minio" && usesTls(settings) ? caBundle.path : undefined,
    pathStyle: external?.pathStyle ?? true,
    keys: hasKeys(settings)
      ? { accessKey: `\${${s3Env.accessKey}}`, secretKey: `\${${s3Env.secretKey}}` }
      : undefined,
  };
}

/** The Azure Blob Storage of the settings. @throws if there is none, which the validation of the settings excludes */
export function azureBlob({ objectStorage: { azure } }: Settings) {
  if (!azure) throw new Error("objectStorage.azure is not set");
  return { account: azure.account, suffix: azure.endpointSuffix ?? "blob.core.windows.net" };
}

/** Environment variables of a container with the static keys. */
export const s3Credentials = (settings: Settings, consumer: Consumer) =>
  hasKeys(settings) ? [{ secretRef: { name: s3Secret(consumer) } }] : [];

/**
 * Seconds that a new pod waits for the object storage. After that its store starts anyway and reports the error itself.
 */
const storageWait = 60;

/**
 * Init container that waits until the object storage accepts connections. A store exits if the storage is unavailable
 * at startup, which also happens while the NetworkPolicies of a new pod are not enforced yet. Restarts have an
 * increasing back-off, which would delay the store by minutes.
 *
 * @param more further addresses that a component needs at startup, `host:port`
 */
export function untilStorageAnswers(settings: Settings, ...more: string[]) {
  const { repository, tag } = image(settings, imagePins.nginx);
  const wait = [storageEndpoint(settings), ...more]
    .map((endpoint) => {
      const [address = "", port = s3(settings).tls ? "443" : "80"] = endpoint.split(":");
      return `until nc -z -w 2 ${address} ${port} || [ "$(date +%s)" -ge "$end" ]; do sleep 1; done`;
    })
    .join("; ");
  return {
    name: "wait-for-object-storage",
    image: `${repository}:${tag}`,
    command: ["sh", "-c", `trap "exit 1" TERM; end=$(($(date +%s) + ${storageWait})); ${wait}`],
    resources: resources({ cpu: 10, memory: 16 * 1024 ** 2, memoryLimit: 32 * 1024 ** 2 }),
    securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
  };
}

/** Annotations of a store's ServiceAccount for its cloud identity. */
function identityAnnotations(
  { objectStorage }: Settings,
  store: Consumer,
): Record<string, string | undefined> {
  const { kind, external, gcs, azure } = objectStorage;
  switch (kind) {
    case "minio":
      return {};
    // https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
    case "external":
      return { "eks.amazonaws.com/role-arn": external?.roles?.[store] };
    // https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
    case "gcs":
      return { "iam.gke.io/gcp-service-account": gcs?.[store] };
    // https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
    case "azure":
      return { "azure.workload.identity/client-id": azure?.[store] };
  }
}

/** A store's cloud identity, as values of its chart: for its ServiceAccount, and for its pods. */
export function cloudIdentity(settings: Settings, store: Consumer): { serviceAccount: Values; pods: Values } {
  const annotations = Object.entries(identityAnnotations(settings, store)).filter(([, value]) => value);
  return {
    serviceAccount: annotations.length ? { annotations: Object.fromEntries(annotations) } : {},
    pods:
      settings.objectStorage.kind === "azure" ? { podLabels: { "azure.workload.identity/use": "true" } } : {},
  };
}

/** CA certificates of a store's pods for MinIO and servers outside the cluster, as values of a chart. */
export function storeTrust(settings: Settings): Values {
  const all = [...(s3(settings).caFile ? [trustedCa(settings)] : []), privateCas(settings)];
  const volumes = all.flatMap((one): Values[] => one.volumes);
  const mounts = all.flatMap((one): Values[] => one.mounts);
  return volumes.length ? { extraVolumes: volumes, extraVolumeMounts: mounts } : {};
}
