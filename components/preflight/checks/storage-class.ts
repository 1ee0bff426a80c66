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

const nameOf = ({ metadata }: V1StorageClass): string => metadata?.name ?? "";

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
export const check: Check<"storageClasses" | "claims" | "nodes"> = {
  name: "storage class",
  needs: ["storageClasses", "claims", "nodes"],
  find({ settings, facts: { storageClasses, claims, nodes } }) {
    const { storageClass } = settings.cluster;
    const wanted = storageClasses.find((one) =>
      storageClass ? nameOf(one) === storageClass : one.metadata?.annotations?.[defaultClass] === "true",
    );
    const zones = new Set(placementNodes(settings, nodes).flatMap(({ zone }) => zone ?? [])).size;
    if (wanted) return limits(settings, wanted, zones);
    const names = storageClasses.map(nameOf).join(", ");
    const allowed = names
      ? `one of the cluster's StorageClasses (${names})${storageClass ? "" : ", because none of them is its default"}`
      : "the name of a StorageClass; the cluster has none, so install a CSI driver and create one first";
    const platform = settings.cluster.platform ?? platformOf(nodes);
    const hint = platform && !storageClass ? platforms[platform].storageClass : undefined;
    // Existing volumes keep working without their class.
    const severity = makesVolumes(settings, claims) ? error : warning;
    return [severity({ path, was: storageClass, allowed: hint ? `${allowed} (${hint})` : allowed })];
  },
};
