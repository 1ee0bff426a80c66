/** Every image that Kubernetes objects name. */
import type { KubernetesObject } from "../../lib/render";

/** An image, and what it is for. */
export interface ImageUse {
  image: string;
  /** Release or object that names it. */
  usedBy: string;
}

/**
 * `registry.example.com/path/name:tag`, with a digest instead of the tag or besides it. A registry has a dot or a port,
 * which tells it from a path.
 */
const reference =
  /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?|[a-z0-9.-]+:\d+)\/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]*(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/;

/** Whether a text is an image with its registry. */
export const isImage = (text: string): boolean => reference.test(text);

/** An argument's value: what stands behind `--flag=`, else the whole. */
const argumentValue = (argument: string): string => argument.replace(/^--?[\w.-]+=/, "");

/** Kinds that hold data or descriptions, where a text that looks like an image is none that is pulled. */
const withoutImages = ["ConfigMap", "Secret", "CustomResourceDefinition"];

/**
 * The images of an object: each field `image`, and each argument or variable that is one, such as the images that an
 * operator is told to make pods of. In the order of the object, each once.
 */
export function imagesOf(object: KubernetesObject): string[] {
  if (withoutImages.includes(object.kind)) return [];
  const found = new Set<string>();
  const walk = (node: unknown, key: string): void => {
    if (typeof node === "string") {
      if (key === "image" && node !== "") found.add(node);
      else if (isImage(argumentValue(node))) found.add(argumentValue(node));
    } else if (Array.isArray(node)) for (const one of node) walk(one, "");
    else if (typeof node === "object" && node !== null)
      for (const [name, child] of Object.entries(node)) walk(child, name);
  };
  walk(object, "");
  return [...found];
}

/** Uses by image, sorted; who uses it, each once. */
export function byImage(uses: ImageUse[]): { image: string; usedBy: string[] }[] {
  const images = [...new Set(uses.map(({ image }) => image))].sort();
  return images.map((image) => ({
    image,
    usedBy: [...new Set(uses.filter((use) => use.image === image).map(({ usedBy }) => usedBy))].sort(),
  }));
}

/** An image in its parts. */
export interface Parts {
  registry: string;
  /** What `images.registry` keeps. */
  path: string;
  tag?: string;
  /** `sha256:…`, where the reference says it. */
  digest?: string;
}

/** The parts of an image; `docker.io` where it names no registry. */
export function partsOf(image: string): Parts {
  const [name = "", digest] = image.split("@");
  const [, repository = name, tag] = /^(.*?)(?::([\w][\w.-]*))?$/.exec(name) ?? [];
  const [first = "", ...rest] = repository.split("/");
  const hasRegistry = rest.length > 0 && /[.:]|^localhost$/.test(first);
  return {
    registry: hasRegistry ? first : "docker.io",
    path: hasRegistry ? rest.join("/") : repository,
    ...(tag && { tag }),
    ...(digest && { digest }),
  };
}

/** Where an image is in the mirror: path and tag, or digest, as `images.registry` keeps them. */
export function pathInMirror(image: string): string {
  const { path, tag, digest } = partsOf(image);
  return tag ? `${path}:${tag}` : `${path}@${digest}`;
}

/** Images that the mirror cannot tell apart, because only their registries differ. */
export function clashes(images: string[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const image of images)
    groups.set(pathInMirror(image), [...(groups.get(pathInMirror(image)) ?? []), image]);
  return [...groups.values()].filter((group) => group.length > 1);
}
