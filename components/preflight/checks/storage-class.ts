import type { V1PersistentVolumeClaim, V1StorageClass } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { platforms } from "../../../settings/platforms";
import { minioClaims } from "../../../values/minio";
import { ownsClaim, workloadVolumes } from "../../../values/volumes";
import { type Check, error, type Finding, warning } from "../check";
import { placementNodes } from "../nodes";
import { platformOf } from "./platform";

const path = "cluster.storageClass";
const defaultClass = "storageclass.kubernetes.io/is-default-class";

/** CSI drivers by the provisioners that Kubernetes had: https://kubernetes.io/docs/concepts/storage/volumes/#volume-types */
const migrated: Record<string, string> = {
  "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
  "kubernetes.io/azure-disk": "disk.csi.azure.com",
  "kubernetes.io/azure-file": "file.csi.azure.com",
  "kubernetes.io/cinder": "cinder.csi.openstack.org",
  "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
  "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
};
/** These drivers always create a CSIDriver; others do not need to. */
const known: ReadonlySet<string> = new Set(Object.values(migrated));

/** https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects */
const networkFileSystem = /\b(efs|file|filestore|nfs|smb)\b/;

const nameOf = ({ metadata }: V1StorageClass): string => metadata?.name ?? "";

/** The class of a PVC that requests none: the newest default, as in Kubernetes. */
const defaultOf = (classes: V1StorageClass[]): V1StorageClass | undefined =>
  classes
    .filter(({ metadata }) => metadata?.annotations?.[defaultClass] === "true")
    .sort(
      (a, b) => Number(b.metadata?.creationTimestamp ?? 0) - Number(a.metadata?.creationTimestamp ?? 0),
    )[0];

/** A driver that is not installed, and storage that the stores do not support. */
function unusable(wanted: V1StorageClass, drivers: string[], severity: typeof error): Finding[] {
  const was = nameOf(wanted);
  const { provisioner } = wanted;
  const driver = migrated[provisioner] ?? (/\bcsi\b/.test(provisioner) ? provisioner : undefined);
  const missing = `a StorageClass of an installed CSI driver (${drivers.join(", ") || "none"}): this one needs ${driver}, without which volumes stay pending`;
  const slow = `a StorageClass of block storage: ${provisioner} is a network file system, on which Prometheus can lose data`;
  return [
    ...(driver && !drivers.includes(driver)
      ? [(known.has(driver) ? severity : warning)({ path, was, allowed: missing })]
      : []),
    ...(networkFileSystem.test(driver ?? provisioner) ? [warning({ path, was, allowed: slow })] : []),
  ];
}

/** Whether `up` creates volumes. */
function makesVolumes(settings: Settings, claims: V1PersistentVolumeClaim[]): boolean {
  const exists = (namespace: string, own: (name: string) => boolean) =>
    claims.some(({ metadata }) => metadata?.namespace === namespace && own(metadata.name ?? ""));
  const missing = workloadVolumes(settings).some(
    (volumes) => !exists(volumes.namespace, (name) => ownsClaim(volumes, name)),
  );
  const minio = settings.objectStorage.kind === "minio" ? minioClaims(settings) : [];
  return missing || minio.some((claim) => !exists(namespaces(settings).minio, (name) => name === claim.name));
}

/** Missing capabilities of an existing class, for stacks that protect their data. */
function limits({ environment }: Settings, wanted: V1StorageClass, zones: number): Finding[] {
  if (environment !== "prod") return [];
  const was = nameOf(wanted);
  const immediate = (wanted.volumeBindingMode ?? "Immediate") === "Immediate";
  return [
    ...(wanted.allowVolumeExpansion
      ? []
      : [
          warning({
            path,
            was,
            allowed: "a StorageClass with allowVolumeExpansion: true, because no volume of this one can grow",
          }),
        ]),
    ...(immediate && zones > 1
      ? [
          warning({
            path,
            was,
            allowed: `a StorageClass with volumeBindingMode: WaitForFirstConsumer, because this one selects a volume's zone, of ${zones}, before the scheduler selects a node`,
          }),
        ]
      : []),
  ];
}

/** The StorageClass of the volumes exists and is suitable. */
export const check: Check<"storageClasses" | "csiDrivers" | "claims" | "nodes"> = {
  name: "storage class",
  needs: ["storageClasses", "csiDrivers", "claims", "nodes"],
  find({ settings, facts: { storageClasses, csiDrivers, claims, nodes } }) {
    const { storageClass } = settings.cluster;
    const wanted = storageClass
      ? storageClasses.find((one) => nameOf(one) === storageClass)
      : defaultOf(storageClasses);
    const zones = new Set(placementNodes(settings, nodes).flatMap(({ zone }) => zone ?? [])).size;
    // Existing volumes keep working without their class.
    const severity = makesVolumes(settings, claims) ? error : warning;
    if (wanted) return [...limits(settings, wanted, zones), ...unusable(wanted, csiDrivers, severity)];
    const names = storageClasses.map(nameOf).join(", ");
    const allowed = names
      ? `one of the cluster's StorageClasses (${names})${storageClass ? "" : ", because none of them is its default"}`
      : "the name of a StorageClass; the cluster has none, so install a CSI driver and create one first";
    const platform = settings.cluster.platform ?? platformOf(nodes);
    const hint = platform && !storageClass ? platforms[platform].storageClass : undefined;
    return [severity({ path, was: storageClass, allowed: hint ? `${allowed} (${hint})` : allowed })];
  },
};
