/** Objects as they are compared and shown: one order, one wording, without what changes by itself. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../../lib/render";

type Json = unknown;
type Fields = Record<string, Json>;

const isRecord = (value: Json): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What an object is found again by: two versions of an API are the same object. */
export const keyOf = ({ apiVersion, kind, metadata }: KubernetesObject, namespace: string): string =>
  [apiVersion?.includes("/") ? apiVersion.split("/")[0] : "", nameOf({ kind, metadata }, namespace)].join(
    " ",
  );

/** `StatefulSet loki/loki-ingester`; what names no namespace lies in the release's. */
export const nameOf = (
  { kind, metadata }: Pick<KubernetesObject, "kind" | "metadata">,
  namespace: string,
): string => {
  const place = kind.startsWith("Cluster") ? "" : (metadata.namespace ?? namespace);
  return `${kind} ${place ? `${place}/` : ""}${metadata.name}`;
};

/** What restarts pods when the configuration beside it changes, and says nothing else. */
const checksum = /checksum|(^|[/-])hash$/i;
/** What a chart writes its own version into. */
const versionLabels = ["helm.sh/chart", "chart", "app.kubernetes.io/version"];

const without = (fields: Json, gone: (key: string) => boolean): Json =>
  isRecord(fields) ? Object.fromEntries(Object.entries(fields).filter(([key]) => !gone(key))) : fields;

/** Without checksums and the labels with the chart's version, of the object and of what it makes objects from. */
export function withoutNoise(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNoise);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      if (key !== "metadata" || !isRecord(child)) return [key, withoutNoise(child)];
      const labels = without(child["labels"], (label) => versionLabels.includes(label));
      const annotations = without(child["annotations"], (annotation) => checksum.test(annotation));
      const empty = isRecord(annotations) && Object.keys(annotations).length === 0;
      const { labels: _, annotations: __, ...rest } = child;
      return [
        key,
        {
          ...rest,
          ...(labels !== undefined && { labels }),
          ...(!empty && annotations !== undefined && { annotations }),
        },
      ];
    }),
  );
}

/** What stands for a value that is another one in each rendering. */
export const random = "[random]";

/**
 * An object without what differs between two renderings of the very same: certificates and passwords that a chart
 * makes up.
 *
 * @param one the object in one rendering
 * @param other the same in another
 */
export function withoutRandom(value: Json, one: Json, other: Json): Json {
  if (isDeepStrictEqual(one, other)) return value;
  if (Array.isArray(value) && Array.isArray(one) && Array.isArray(other) && one.length === other.length)
    return value.map((child, index) =>
      index < one.length ? withoutRandom(child, one[index], other[index]) : child,
    );
  if (isRecord(value) && isRecord(one) && isRecord(other))
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, withoutRandom(child, one[key], other[key])]),
    );
  return random;
}

/** Characters of a line beyond which nobody reads it. */
const longest = 2000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const unprintable = /[\u0000-\u0008\u000e-\u001f\ufffd]/;
const encoded = /^[A-Za-z0-9+/=_-]{200,}$/;

const fingerprint = (text: string): string =>
  `${text.length} characters, sha256 ${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;

/** A text as it is shown: JSON as the structure that it is, what is not for reading as its length and fingerprint. */
function readable(text: string): Json {
  if (unprintable.test(text) || encoded.test(text.trim())) return `[binary, ${fingerprint(text)}]`;
  if (/^\s*[[{]/.test(text))
    try {
      return inOrder(JSON.parse(text));
    } catch {
      // Something else that begins like it.
    }
  const lines = text.split("\n");
  return lines.some((line) => line.length > longest)
    ? lines.map((line) => (line.length > longest ? `[${fingerprint(line)}]` : line)).join("\n")
    : text;
}

/** Keys in the order of the alphabet, so that their order in a chart does not matter. */
export function inOrder(value: Json): Json {
  if (typeof value === "string") return readable(value);
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, inOrder(child)]),
  );
}

/** Fields of an object in the order in which people read them, then all others. */
export function shown(object: KubernetesObject): Fields {
  const { apiVersion, kind, metadata, ...rest } = inOrder(object) as KubernetesObject;
  return { apiVersion, kind, metadata, ...rest };
}
