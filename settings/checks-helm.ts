/** Rules about additional chart values. */
import type { Check, Problem } from "./check";
import { extendedReleases, names, type Owned, owned } from "./helm";
import { leavesOf } from "./tree";

const always: Owned = {
  fullnameOverride: names,
  nameOverride: names,
  "global.image.registry": "images.registry",
  "global.imageRegistry": "images.registry",
  imagePullSecrets: "images.pullSecret",
};

/** Whether two paths are equal, or one is a prefix of the other. */
const overlap = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);

const credential = /(password|passwd|secret_?(access_?)?key|access_?key|token|api_?key)$/i;

/** A text that is a secret itself, not a reference to one. */
const isPlainSecret = (keys: string[], value: unknown) =>
  typeof value === "string" && value !== "" && !value.includes("$") && credential.test(keys.at(-1) ?? "");

const chartValues: Check = ({ helm: extended }) =>
  extendedReleases.flatMap((name) =>
    leavesOf(extended[name]?.values ?? {}).flatMap(({ keys, value }): Problem[] => {
      const path = ["helm", name, "values", ...keys].join(".");
      if (isPlainSecret(keys, value))
        return [{ path, was: "[secret]", allowed: "nothing: values are not encrypted; use a Secret" }];
      const rules = Object.entries({ ...always, ...owned[name] });
      const rule = rules.find(([key]) => overlap(key, keys.join(".")));
      if (!rule) return [];
      const [, instead] = rule;
      const allowed = instead.startsWith("nothing") ? instead : `nothing: set ${instead} instead`;
      return [{ path, was: value, allowed }];
    }),
  );

export const helmChecks: Check[] = [chartValues];
