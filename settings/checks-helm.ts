/** Rules about additional chart values. */
import type { Check, Problem } from "./check";
import { extendedReleases, names, type Owned, owned } from "./helm";
import { leavesOf, type Tree } from "./tree";

const always: Owned = {
  fullnameOverride: names,
  nameOverride: names,
  "global.image.registry": "images.registry",
  "global.imageRegistry": "images.registry",
  imagePullSecrets: "images.pullSecret",
};

/** Chart keys that a stack may not set, by release. */
const forbidden = Object.fromEntries(
  extendedReleases.map((name) => [name, Object.entries({ ...always, ...owned[name] })]),
);

/** Whether two paths are equal, or one is a prefix of the other. */
const overlap = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);

const credential = /(password|passwd|secret_?(access_?)?key|access_?key|token|api_?key)$/i;

/** A text that is a secret itself, not a reference to one. */
const isPlainSecret = (name: unknown, value: unknown) =>
  typeof value === "string" && value !== "" && !value.includes("$") && credential.test(String(name));

/** Whether a value is a secret, or contains one: in a list, too, such as one of variables with name and value. */
function hasSecret(name: unknown, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return isPlainSecret(name, value);
  const { name: variable, value: text } = value as Tree;
  return isPlainSecret(variable, text) || Object.entries(value).some(([key, child]) => hasSecret(key, child));
}

const chartValues: Check = ({ helm: extended }) =>
  extendedReleases.flatMap((name) =>
    leavesOf(extended[name]?.values ?? {}).flatMap(({ keys, value }): Problem[] => {
      const path = ["helm", name, "values", ...keys].join(".");
      if (hasSecret(keys.at(-1), value))
        return [{ path, was: "[secret]", allowed: "nothing: values are not encrypted; use a Secret" }];
      const rule = forbidden[name]?.find(([key]) => overlap(key, keys.join(".")));
      if (!rule) return [];
      const [, instead] = rule;
      const allowed = instead.startsWith("nothing") ? instead : `nothing: set ${instead} instead`;
      // A list or a text, such as a configuration file, may contain secrets.
      const was = ["number", "boolean"].includes(typeof value) ? value : undefined;
      return [{ path, was, allowed }];
    }),
  );

export const helmChecks: Check[] = [chartValues];
