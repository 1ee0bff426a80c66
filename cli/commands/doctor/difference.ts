/** Where a live object is not what a manifest says, by the fields that the manifest names. */

/** A field that is different. */
export interface FieldDifference {
  /** `spec.template.spec.containers[ingester].image` */
  path: string;
  wanted: string;
  /** Undefined where the live object has no such field. */
  live: string | undefined;
}

/** Bytes or cores of a quantity of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). */
export function quantity(text: string): number | undefined {
  const [, number, unit = ""] = /^([+-]?\d+(?:\.\d+)?(?:e\d+)?)(m|k|[KMGTPE]i?)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = "KMGTPE".indexOf(unit.charAt(0).toUpperCase()) + 1;
  if (unit === "m") return Number(number) / 1000;
  return Number(number) * (unit.endsWith("i") ? 1024 : 1000) ** (unit ? power : 0);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** What the API server leaves out, or fills in with nothing. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  value === 0 ||
  (Array.isArray(value) && !value.length) ||
  (isObject(value) && Object.values(value).every(isEmpty));

const isSame = (wanted: unknown, live: unknown): boolean => {
  if (wanted === live || (isEmpty(wanted) && isEmpty(live))) return true;
  // Numbers may be quoted, and sizes written in another unit.
  const [a, b] = [quantity(String(wanted)), quantity(String(live))];
  return String(wanted) === String(live) || (a !== undefined && a === b);
};

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** What an element of a list is found by. */
const keyOf = (element: unknown): string | undefined =>
  isObject(element) && typeof element["name"] === "string" ? element["name"] : undefined;

/**
 * @param wanted a value of a manifest
 * @param live the same field of the live object, `undefined` where it has none
 * @param path where that is
 */
export function differencesOf(wanted: unknown, live: unknown, path: string): FieldDifference[] {
  // A manifest that says null leaves it to the API server.
  if (wanted === null || wanted === undefined) return [];
  if (isObject(wanted) && isObject(live))
    return Object.entries(wanted).flatMap(([key, value]) =>
      differencesOf(value, live[key], /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`),
    );
  if (Array.isArray(wanted) && Array.isArray(live)) {
    const keys = wanted.map(keyOf);
    // A list whose elements have names of their own may be in another order, and others may add to it.
    if (wanted.length && keys.every((key) => key !== undefined) && new Set(keys).size === keys.length)
      return wanted.flatMap((element, index) =>
        differencesOf(
          element,
          live.find((one) => keyOf(one) === keys[index]),
          `${path}[${keys[index]}]`,
        ),
      );
    if (wanted.length === live.length)
      return wanted.flatMap((element, index) => differencesOf(element, live[index], `${path}[${index}]`));
  }
  if (!isObject(wanted) && !Array.isArray(wanted) && isSame(wanted, live)) return [];
  if (isEmpty(wanted) && isEmpty(live)) return [];
  return [{ path, wanted: short(wanted), live: live === undefined ? undefined : short(live) }];
}
