/** The images that Kubernetes objects reference. */
import { places } from "../../../policies/pods";
import type { KubernetesObject } from "../../lib/render";
import { grouped } from "../../lib/text";

/** The parts of the project that need images, in the order of the list. */
const groups = ["stack", "command", "example"] as const;

/** An image, and the release, object or command that needs it. */
export interface ImageUse {
  image: string;
  usedBy: string;
  group: (typeof groups)[number];
}

/**
 * `registry.example.com/path/name:tag`, with a digest instead of the tag or after it. A registry has a dot or a port,
 * which distinguishes it from a path.
 */
const reference =
  /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?|[a-z0-9.-]+:\d+)\/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]*(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/;

/** Whether a text is an image with its registry. */
export const isImage = (text: string): boolean => reference.test(text);

/** The value in `--flag=value`, else the whole argument. */
const argumentValue = (argument: string): string => argument.replace(/^--?[\w.-]+=/, "");

/** Kinds that hold data or descriptions: a text that looks like an image is not pulled. */
const withoutImages = ["ConfigMap", "Secret", "CustomResourceDefinition"];

/** The images of an object: fields named `image`, and arguments and variables such as the images that an operator deploys. */
export function imagesOf(object: KubernetesObject): string[] {
  if (withoutImages.includes(object.kind)) return [];
  const found = places(object).flatMap(({ key, value }) => {
    if (typeof value !== "string" || value === "") return [];
    const image = key === "image" ? value : argumentValue(value);
    return key === "image" || isImage(image) ? [image] : [];
  });
  return [...new Set(found)];
}

/** Each image once, with the group of its first use and all its users; sorted by group and name. */
export const byImage = (uses: ImageUse[]) =>
  [...grouped(uses, ({ image }) => image)]
    .map(([image, own]) => ({
      image,
      group: own[0].group,
      usedBy: [...new Set(own.map(({ usedBy }) => usedBy))].sort(),
    }))
    .sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || (a.image < b.image ? -1 : 1));

/** The path of an image in the mirror: without its registry, as `images.registry` keeps it; with the tag, else the digest. */
export function pathInMirror(image: string): string {
  const [name = "", digest] = image.split("@");
  const [first = "", ...rest] = name.split("/");
  const path = rest.length > 0 && /[.:]|^localhost$/.test(first) ? rest.join("/") : name;
  return digest && !/:[\w][\w.-]*$/.test(path) ? `${path}@${digest}` : path;
}

/** Images that the mirror cannot distinguish, because only their registries differ. */
export const clashes = (images: string[]): string[][] =>
  [...grouped(images, pathInMirror).values()].filter((group) => group.length > 1);
