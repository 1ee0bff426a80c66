/** Objects as they are compared and shown: in one order, without values that change by themselves, and without secrets. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { isTree } from "../../../settings/tree";
import type { KubernetesObject } from "../../lib/render";

/** `StatefulSet loki/loki-ingester`; an object without a namespace is in the release's. */
export const nameOf = ({ kind, metadata }: KubernetesObject, namespace: string): string => {
  const place = kind.startsWith("Cluster") ? "" : (metadata.namespace ?? namespace);
  return `${kind} ${place ? `${place}/` : ""}${metadata.name}`;
};

/** The key of an object, the same in two versions of its API. */
export const keyOf = (object: KubernetesObject, namespace: string): string =>
  `${object.apiVersion?.includes("/") ? object.apiVersion.split("/")[0] : ""} ${nameOf(object, namespace)}`;

/** Labels and annotations that follow from other changes: checksums, and the chart's own version. */
const noise = new Map([
  ["annotations", /checksum|(^|[/-])hash$/i],
  ["labels", /^(helm\.sh\/chart|chart|app\.kubernetes\.io\/version)$/],
]);

/** An object without that noise, in templates too. */
export const withoutNoise = (object: KubernetesObject): unknown =>
  JSON.parse(JSON.stringify(object), (field, value) => {
    const pattern = noise.get(field);
    if (!pattern || !isTree(value)) return value;
    const rest = Object.entries(value).filter(([key]) => !pattern.test(key));
    return rest.length ? Object.fromEntries(rest) : undefined;
  });

/**
 * An object with `[random]` for each value that differs between two renderings of the same chart, such as a generated
 * certificate.
 *
 * @param one the object in one rendering
 * @param other the same object in another
 */
export function withoutRandom(value: unknown, one: unknown, other: unknown): unknown {
  if (isDeepStrictEqual(one, other)) return value;
  if (Array.isArray(value) && Array.isArray(one) && Array.isArray(other) && one.length === other.length)
    return value.map((child, index) =>
      index < one.length ? withoutRandom(child, one[index], other[index]) : child,
    );
  if (isTree(value) && isTree(one) && isTree(other))
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, withoutRandom(child, one[key], other[key])]),
    );
  return "[random]";
}

/** A Secret with its values hidden; a value that differs from the other side's is marked. */
export function withoutSecrets(
  object: KubernetesObject,
  other: KubernetesObject | undefined,
): KubernetesObject {
  if (object.kind !== "Secret") return object;
  const hidden = Object.entries(object).map(([field, values]) => {
    if (field !== "data" && field !== "stringData") return [field, values];
    const names = Object.keys(values ?? {}).map((name) => {
      const changed = other && other[field]?.[name] !== values[name];
      return [name, changed ? "[secret, changed]" : "[secret]"];
    });
    return [field, Object.fromEntries(names)];
  });
  return Object.fromEntries(hidden);
}

/** Characters of a line that is readable: longer ones are encoded data. */
const longest = 1000;

const readableLine = (line: string): string =>
  line.length > longest
    ? `[${line.length} characters, sha256 ${createHash("sha256").update(line).digest("hex").slice(0, 12)}]`
    : line;

/** Values as they are shown: JSON in texts as its structure, such as a dashboard in a ConfigMap; long lines as fingerprints. */
const readable = (json: string): unknown =>
  JSON.parse(json, (_, value) => {
    if (typeof value !== "string") return value;
    if (/^\s*[[{]/.test(value))
      try {
        return readable(value);
      } catch {
        // Another text that begins like JSON.
      }
    return value.split("\n").map(readableLine).join("\n");
  });

/** An object as YAML with sorted keys. */
export const yamlOf = (object: unknown): string =>
  stringify(readable(JSON.stringify(object)), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    sortMapEntries: true,
  });
