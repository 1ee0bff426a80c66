import { minio, namespaceOwner, namespaces, ownerName } from "../../../names";
import { type Check, error } from "../check";

/** MinIO, which an update to another object storage deletes with its volumes, does not run any more. */
export const check: Check<"namespaces" | "pods"> = {
  name: "object storage",
  needs: ["namespaces", "pods"],
  protectsData: true,
  applies: ({ objectStorage }) => objectStorage.kind !== "minio",
  find({ stack, settings, facts }) {
    const namespace = namespaces(settings).minio;
    const { annotations, labels } =
      facts.namespaces.find(({ metadata }) => metadata?.name === namespace)?.metadata ?? {};
    const owner = annotations?.[namespaceOwner.stack] ?? ownerName(stack);
    const ours = labels?.[namespaceOwner.label] === namespaceOwner.project && owner === ownerName(stack);
    const runs = facts.pods.some(
      ({ metadata }) =>
        metadata?.namespace === namespace &&
        metadata.labels?.["app"] === "minio" &&
        metadata.labels["release"] === minio.release,
    );
    if (!ours || !runs) return [];
    return [
      error({
        path: "objectStorage.kind",
        was: settings.objectStorage.kind,
        allowed: `minio while this stack's MinIO runs in namespace ${namespace}: up would delete it with all data`,
        change: `Copy its data as docs/guides/object-storage.md#moving describes, then scale it to 0: kubectl -n ${namespace} scale deployment,statefulset --all --replicas=0`,
      }),
    ];
  },
};
