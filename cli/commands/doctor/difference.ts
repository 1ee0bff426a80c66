/** Differences of a live object from a manifest, by the fields that the manifest names. */
import { bytesOf } from "../../../settings/units";

/** A field that differs. */
export interface FieldDifference {
  /** `spec.template.spec.containers[ingester].image` */
  path: string;
  wanted: string;
  /** Undefined if the live object has no such field. */
  live: string | undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Values that the API server leaves out, or sets to nothing. */
const isEmpty = (value: unknown): boolean =>
  !value ||
  (Array.isArray(value) && !value.length) ||
  (isObject(value) && Object.values(value).every(isEmpty));

/** Numbers may be quoted, and sizes written in another unit. */
const isSame = (wanted: unknown, live: unknown): boolean => {
  if (isObject(wanted) || Array.isArray(wanted)) return false;
  const [a, b] = [String(wanted), String(live)];
  return a === b || bytesOf(a) === bytesOf(b);
};

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** The name of an element of a list. */
const nameOf = (element: unknown): string | undefined =>
  isObject(element) && typeof element["name"] === "string" ? element["name"] : undefined;

/**
 * @param wanted a value of a manifest; a manifest that says null leaves it to the API server
 * @param live the same field of the live object
 * @param path of the field
 */
export function differencesOf(wanted: unknown, live: unknown, path: string): FieldDifference[] {
  if (wanted === null || wanted === undefined) return [];
  if (isObject(wanted) && isObject(live))
    return Object.entries(wanted).flatMap(([key, value]) =>
      differencesOf(value, live[key], /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`),
    );
  if (Array.isArray(wanted) && Array.isArray(live)) {
    const names = wanted.map(nameOf);
    // A list whose elements have different names may be in another order, and others may add to it.
    const byName = names.length > 0 && !names.includes(undefined) && new Set(names).size === names.length;
    if (byName || wanted.length === live.length)
      return wanted.flatMap((element, index) => {
        const name = names[index];
        const same = byName ? live.find((one) => nameOf(one) === name) : live[index];
        return differencesOf(element, same, `${path}[${byName ? name : index}]`);
      });
  }
  if (isSame(wanted, live) || (isEmpty(wanted) && isEmpty(live))) return [];
  return [{ path, wanted: short(wanted), live: live === undefined ? undefined : short(live) }];
}
