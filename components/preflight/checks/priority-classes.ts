import type { Settings } from "../../../settings";
import { type Check, error } from "../check";

const at = "cluster.scheduling";

/** The PriorityClasses in the settings, by path. */
const named = ({ cluster: { scheduling } }: Settings): [string, string | undefined][] => [
  [`${at}.priorityClass`, scheduling.priorityClass],
  ...Object.entries(scheduling.components).map(([name, own]): [string, string | undefined] => [
    `${at}.components.${name}.priorityClass`,
    own.priorityClass,
  ]),
];

/** PriorityClasses in the settings exist: without them, pods are not created. */
export const check: Check<"priorityClasses"> = {
  name: "priority classes",
  needs: ["priorityClasses"],
  applies: (settings) => named(settings).some(([, name]) => name),
  find({ settings, facts: { priorityClasses } }) {
    const names = priorityClasses.map(({ metadata }) => metadata?.name ?? "");
    return named(settings)
      .filter(([, name]) => name && !names.includes(name))
      .map(([path, was]) =>
        error({ path, was, allowed: `one of the cluster's PriorityClasses (${names.join(", ")})` }),
      );
  },
};
