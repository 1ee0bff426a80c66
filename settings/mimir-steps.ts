/**
 * The versions of Mimir's chart that a stack can have, oldest first. A stack that exists takes them one at a time: upstream
 * supports the upgrade to the next minor version only.
 */
import charts from "../charts.json";

const { version, image, steps } = charts["mimir-distributed"];
const images: Record<string, string> = { ...steps, [version]: image };

/** Every step; the last one is the version of new stacks. */
export const mimirSteps = Object.keys(images);
export const newestMimirStep = version;

/** Major and minor version as one number, which orders them. */
const line = (of: string): number => {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(of) ?? [];
  return Number(major) * 1000 + Number(minor);
};

/** The step that a version belongs to, by its place: one before the first for an older one, one after the last for a newer one. */
export const stepOf = (of: string): number =>
  line(of) > line(newestMimirStep)
    ? mimirSteps.length
    : mimirSteps.findLastIndex((step) => line(step) <= line(of));

/** Version and image of Mimir in a stack. */
export function mimirPin({ mimir }: { mimir: { chartVersion?: string | undefined } }) {
  const step = mimir.chartVersion ?? newestMimirStep;
  return { version: step, image: images[step] ?? image };
}
