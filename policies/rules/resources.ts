/** Resource requests and limits of containers. */
import { containersOf, isTree, places, valuesOf } from "../pods";
import { always, type SubjectRule, type Tree, type Violation } from "../rule";

const lacks = (place: string, resources: Tree): Violation[] => {
  const missing = [
    ...(resources["requests"]?.cpu ? [] : ["a CPU request"]),
    ...(resources["requests"]?.memory ? [] : ["a memory request"]),
    ...(resources["limits"]?.memory ? [] : ["a memory limit"]),
  ];
  return missing.length
    ? [
        {
          what: `${place} lacks ${missing.join(", ")}`,
          fix: "Set cpu, memory and memoryLimit of the component in the stack's settings.",
        },
      ]
    : [];
};

/** Volume claims also have requests: for storage. */
const isContainers = (path: string): boolean => !/claim/i.test(path);

/** A CPU limit is not required: it would throttle a component while cores are idle (values/shared.ts). */
export const resourcesSet: SubjectRule = {
  id: "resources-set",
  requires: "Every container requests CPU and memory and has a memory limit. CPU limits are not required.",
  why: "without requests the scheduler overcommits nodes, and without a memory limit one pod can take down its neighbors",
  level: always,
  check: (subject) => {
    const values = valuesOf(subject);
    // Values contain only overrides; the chart's own defaults appear in the rendered objects.
    if (values)
      return places({ values })
        .filter(
          ({ path, key, value }) =>
            isContainers(path) &&
            key === "resources" &&
            isTree(value) &&
            (value["requests"] || value["limits"]),
        )
        .flatMap(({ path, value }) => lacks(path, value as Tree));
    return containersOf(subject).flatMap(({ name, spec }) =>
      lacks(`container ${name}`, spec["resources"] ?? {}),
    );
  },
};
