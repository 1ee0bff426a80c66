/** Fields that the API server never changes in an object that is there: a release that changes one cannot be upgraded. */
import { isDeepStrictEqual } from "node:util";
import { bytesOf, quantity } from "../../../settings/units";
import type { KubernetesObject } from "../../lib/render";

/** A field that differs, and the way round it. */
export interface Difference {
  /** `StatefulSet loki/loki-ingester`. */
  object: string;
  field: string;
  /** What is there. */
  before: unknown;
  /** What is wanted. */
  after: unknown;
  todo: string;
}

// biome-ignore lint/suspicious/noExplicitAny: fields of many kinds are read deeply
type Json = any;

/** An immutable field of a kind. */
interface Field<T = Json> {
  field: string;
  /** Its value as it can be compared: defaults filled in as the API server does. */
  value: (object: Json) => T;
  /** Whether it would have to change. @default whether the values are not equal */
  differs?: (before: T, after: T) => boolean;
  /** What to do, where `where` is `<kind> -n <namespace> <name>` for kubectl. */
  todo: (where: string, before: T, after: T) => string;
}

/** What cannot change of a claim, or of a template of claims. */
const claim = ({ metadata, spec }: Json) => ({
  name: metadata.name as string,
  ...(metadata.labels && { labels: metadata.labels }),
  accessModes: spec.accessModes as string[],
  volumeMode: spec.volumeMode ?? "Filesystem",
  ...(spec.storageClassName && { storageClassName: spec.storageClassName as string }),
  // The same size in the same words.
  storage: quantity(bytesOf(String(spec.resources?.requests?.storage))),
});
type Claim = ReturnType<typeof claim>;

/** Whether all that changes is that volumes grow. */
const grows = (before: Claim[], after: Claim[]): boolean =>
  before.length === after.length &&
  before.every((one, index) => {
    const other = after[index] as Claim;
    return (
      isDeepStrictEqual({ ...one, storage: "" }, { ...other, storage: "" }) &&
      bytesOf(other.storage) >= bytesOf(one.storage)
    );
  });

const orphaned = (where: string) =>
  `just before ./obs up: kubectl delete ${where} --cascade=orphan; its pods go on and the new one takes them over`;

const anew =
  (lost: string) =>
  (where: string): string =>
    `just before ./obs up: kubectl delete ${where}; ${lost}`;

const selector: Field = {
  field: "spec.selector",
  value: ({ spec }) => spec.selector,
  todo: anew("its pods go with it and new ones come, so choose a quiet time"),
};

const roleRef: Field = {
  field: "roleRef",
  value: (object) => object.roleRef,
  todo: anew("who is bound by it has no rights until up has made it anew"),
};

/** The immutable fields of the kinds that charts make, as the validation of the API server has them. */
const fields: Record<string, Field[]> = {
  Deployment: [selector],
  DaemonSet: [selector],
  StatefulSet: [
    selector,
    {
      field: "spec.serviceName",
      value: ({ spec }) => spec.serviceName ?? "",
      todo: (where) =>
        `${orphaned(where)}; then kubectl rollout restart ${where}: until they start anew, pods keep their old host name`,
    },
    {
      field: "spec.podManagementPolicy",
      value: ({ spec }) => spec.podManagementPolicy ?? "OrderedReady",
      todo: orphaned,
    },
    {
      field: "spec.volumeClaimTemplates",
      value: ({ spec }) => (spec.volumeClaimTemplates ?? []).map(claim),
      todo: (where, before, after) =>
        grows(before, after)
          ? "./obs upgrade --volumes <stack>, then ./obs up; docs/guides/upgrades.md says what it does"
          : `${orphaned(where)}. Volumes that are there stay as they are; only those of new replicas follow the template`,
    },
  ],
  Service: [
    {
      field: "spec.clusterIP",
      value: ({ spec }) => (spec.clusterIP === "None" ? "None" : "an address"),
      todo: anew("nobody reaches it until up has made it anew"),
    },
  ],
  PersistentVolumeClaim: [
    {
      field: "spec",
      value: claim,
      // It may grow, and what it leaves open the cluster has filled in.
      differs: (before: Claim, after: Claim) =>
        bytesOf(after.storage) < bytesOf(before.storage) ||
        (after.storageClassName ?? before.storageClassName) !== before.storageClassName ||
        !isDeepStrictEqual(after.accessModes, before.accessModes),
      todo: () => "keep its size, class and access modes, or move what is in it to a volume of another name",
    },
  ],
  RoleBinding: [roleRef],
  ClusterRoleBinding: [roleRef],
};

/** Whether a kind has fields that cannot change. */
export const isWatched = ({ kind }: KubernetesObject): boolean => kind in fields;

/** Namespace of an object, where it lies in one. */
export const namespaceOf = ({ kind, metadata }: KubernetesObject, release: string): string | undefined =>
  kind.startsWith("Cluster") ? undefined : (metadata.namespace ?? release);

const nameOf = (object: KubernetesObject, release: string): string =>
  `${object.kind} ${[namespaceOf(object, release), object.metadata.name].filter(Boolean).join("/")}`;

/** Plain data: the client reads objects into classes of its own, which never equal what was rendered. */
const plain = (object: KubernetesObject): Json => JSON.parse(JSON.stringify(object));

/**
 * Fields that cannot change and yet differ, of objects that are in both.
 *
 * @param before what is there: in the cluster, or rendered from another version
 * @param after what is wanted
 * @param release namespace of the release, where objects lie that name none
 */
export function differences(
  before: KubernetesObject[],
  after: KubernetesObject[],
  release: string,
): Difference[] {
  const there = new Map(before.map((object) => [nameOf(object, release), object]));
  return after.flatMap((wanted) => {
    const object = nameOf(wanted, release);
    const found = there.get(object);
    const namespace = namespaceOf(wanted, release);
    const where = `${wanted.kind.toLowerCase()} ${namespace ? `-n ${namespace} ` : ""}${wanted.metadata.name}`;
    if (!found) return [];
    return (fields[wanted.kind] ?? []).flatMap(({ field, value, differs, todo }): Difference[] => {
      const [was, is] = [value(plain(found)), value(plain(wanted))];
      const changed = differs ? differs(was, is) : !isDeepStrictEqual(was, is);
      return changed ? [{ object, field, before: was, after: is, todo: todo(where, was, is) }] : [];
    });
  });
}
