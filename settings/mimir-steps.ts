/**
 * The versions of Mimir's chart that a stack can have, oldest first. An existing stack upgrades one version at a time:
 * upstream supports only upgrades to the next minor version.
 */
import charts from "../charts.json";

const { version, image, steps } = charts["mimir-distributed"];
const images: Record<string, string> = { ...steps, [version]: image };

/** Every step; the last one is the version of new stacks. */
export const mimirSteps = Object.keys(images);
export const newestMimirStep = version;

/** Major and minor version as one number, for ordering. */
const line = (of: string): number => {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(of) ?? [];
  return Number(major) * 1000 + Number(minor);
};

/** Index of the step that a version belongs to: -1 for an older one, the number of steps for a newer one. */
export const stepOf = (of: string): number =>
  line(of) > line(newestMimirStep)
    ? mimirSteps.length
    : mimirSteps.findLastIndex((step) => line(step) <= line(of));

/** Version and image of Mimir in a stack. */
export function mimirPin({ mimir }: { mimir: { chartVersion?: string | undefined } }) {
  const step = mimir.chartVersion ?? newestMimirStep;
  return { version: step, image: images[step] ?? image };
}
