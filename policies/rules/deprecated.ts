/** Deprecated features, APIs and images that still work. */
import { type Support, support } from "../../upgrades";
import { at, valuesOf } from "../pods";
import { advice, always, type SubjectRule, type Tree } from "../rule";
import { fullName, imagesOf } from "./images";

export const lokiIndex: SubjectRule = {
  id: "loki-index",
  requires: "Loki's newest schema uses tsdb.",
  why: "boltdb-shipper is deprecated: it has no structured metadata, is slower, and is removed in Loki 4",
  level: advice,
  check: (subject) => {
    const configs = at(valuesOf(subject), "loki", "schemaConfig", "configs");
    const newest = (Array.isArray(configs) ? (configs as Tree[]) : []).at(-1);
    return newest && newest["store"] !== "tsdb"
      ? [
          {
            what: `the schema from ${newest["from"]} uses the index ${newest["store"]}`,
            fix: "Add an entry to loki.schema with store tsdb and a date in the future (docs/guides/logs.md).",
          },
        ]
      : [];
  },
};

const unmaintained = [
  "docker.io/minio/minio",
  "quay.io/minio/minio",
  "docker.io/pgsty/minio",
  "docker.io/bitnami",
  "gcr.io/cadvisor",
];

export const imagesMaintained: SubjectRule = {
  id: "images-maintained",
  requires: "No image comes from an unmaintained source.",
  why: "its next vulnerability will not be fixed",
  level: advice,
  check: (subject) =>
    imagesOf(subject).flatMap(({ place, name }) => {
      const full = fullName(name);
      return unmaintained.some((one) => full === one || full.startsWith(`${one}/`))
        ? [
            {
              what: `${place} uses image ${full}, which is no longer updated`,
              fix: "Use a maintained one; docs/guides/object-storage.md lists the options for MinIO.",
            },
          ]
        : [];
    }),
};

const numberOf = (line: string): number => {
  const [major = 0, minor = 0] = line.split(".").map(Number);
  return major * 1000 + minor;
};

/**
 * The release line of an image that gets no fixes on a day (`2027-01-31`), or whose support has to be checked
 * again.
 */
export function pastSupport(name: string, tag: string, today: string): Support | undefined {
  const line = /^v?(\d+\.\d+)\./.exec(tag)?.[1];
  const own = support.filter(({ image }) => fullName(name).endsWith(`/${image}`));
  const [oldest] = own;
  if (!line || !oldest) return undefined;
  if (numberOf(line) < numberOf(oldest.line)) return { ...oldest, line, published: true };
  return own.find((one) => one.line === line && one.until < today);
}

/** The problem with a release line that `pastSupport` returns. */
export const supportText = ({ image, line, until, published }: Support): string =>
  published
    ? `${image} ${line} gets no more fixes`
    : `whether ${image} ${line} still gets fixes was to be checked by ${until}`;

export const imagesSupported: SubjectRule = {
  id: "images-supported",
  requires: "Every image is of a version that gets fixes.",
  why: "its next vulnerability will not be fixed",
  level: advice,
  check: (subject) =>
    imagesOf(subject).flatMap(({ place, name, tag }) => {
      const found = pastSupport(name, tag, new Date().toISOString().slice(0, 10));
      return found
        ? [{ what: `${place}: ${supportText(found)}`, fix: "Upgrade it: docs/guides/upgrades.md." }]
        : [];
    }),
};

/** Versions of APIs that Kubernetes no longer serves: https://kubernetes.io/docs/reference/using-api/deprecation-guide/ */
const removedApis: Record<string, string> = {
  "policy/v1beta1": "policy/v1",
  "batch/v1beta1": "batch/v1",
  "autoscaling/v2beta1": "autoscaling/v2",
  "autoscaling/v2beta2": "autoscaling/v2",
  "extensions/v1beta1": "the group that the kind moved to",
  "networking.k8s.io/v1beta1": "networking.k8s.io/v1",
  "rbac.authorization.k8s.io/v1beta1": "rbac.authorization.k8s.io/v1",
  "apiextensions.k8s.io/v1beta1": "apiextensions.k8s.io/v1",
  "admissionregistration.k8s.io/v1beta1": "admissionregistration.k8s.io/v1",
};

export const apisServed: SubjectRule = {
  id: "apis-served",
  requires: "No object uses an API version that Kubernetes has removed.",
  why: "the API server would reject it, and the release fails",
  level: always,
  check: ({ object }) => {
    const instead = removedApis[String(object["apiVersion"])];
    return instead
      ? [{ what: `its apiVersion is ${object["apiVersion"]}`, fix: `Use ${instead}; a newer chart does.` }]
      : [];
  },
};
