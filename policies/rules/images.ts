/** Origin and immutability of images. */
import { containersOf, isTree, places, valuesOf } from "../pods";
import { always, type Subject, type SubjectRule, type Violation } from "../rule";

/** An image reference and its place. */
interface Image {
  place: string;
  /** Registry and repository. */
  name: string;
  /** Tag; empty if there is none. */
  tag: string;
  digest: boolean;
}

/** Parses an image reference. */
function parseImage(place: string, text: string): Image {
  const [rest = "", digest] = text.split("@");
  const [, name = rest, tag = ""] = /^(.+?)(?::([^/:]+))?$/.exec(rest) ?? [];
  return { place, name, tag, digest: digest !== undefined };
}

/** Its full name: the default registry is Docker Hub, and the default folder there is Docker's own. */
export function fullName(name: string): string {
  const [first = ""] = name.split("/");
  const hasRegistry = name.includes("/") && /[.:]|^localhost$/.test(first);
  const full = hasRegistry ? name : `docker.io/${name}`;
  return /^docker\.io\/[^/]+$/.test(full) ? full.replace("docker.io/", "docker.io/library/") : full;
}

/** The images in a release's values. Other images of the chart are pinned with the chart. */
function imagesInValues(values: unknown): Image[] {
  return places({ values }).flatMap(({ path, key, value }) => {
    if (key === "image" && typeof value === "string") return [parseImage(path, value)];
    if (!isTree(value)) return [];
    const { registry, repository, tag, digest, sha } = value;
    if (typeof repository !== "string" || !/image/i.test(path)) return [];
    const name = typeof registry === "string" && registry ? `${registry}/${repository}` : repository;
    const pinned = Boolean(digest || sha);
    // Without a tag the chart's own tag applies, which is pinned with the chart.
    if (tag === undefined && !pinned) return [{ place: path, name, tag: "chart", digest: false }];
    // Charts join the two with a colon; either may contain a digest.
    const image = parseImage(path, tag ? `${name}:${tag}` : name);
    return [{ ...image, digest: image.digest || pinned }];
  });
}

/** Values that change the registry or the tag of a chart's own image, and leave its repository. */
function overridesOf(subject: Subject): { place: string; registry?: string; tag?: string }[] {
  return places({ values: valuesOf(subject) }).flatMap(({ path, key, value }) => {
    if (key === "imageRegistry" && typeof value === "string" && value)
      return [{ place: path, registry: value }];
    if (!/image$/i.test(key) || !isTree(value) || value["repository"] !== undefined) return [];
    const { registry, tag, digest, sha } = value;
    return [
      {
        place: path,
        ...(typeof registry === "string" && registry && { registry }),
        ...(typeof tag === "string" && tag && !digest && !sha && { tag }),
      },
    ];
  });
}

/** The images that a subject names. */
export function imagesOf(subject: Subject): Image[] {
  const values = valuesOf(subject);
  if (values) return imagesInValues(values);
  const own = containersOf(subject).flatMap(({ name, spec }) =>
    typeof spec["image"] === "string" && spec["image"]
      ? [parseImage(`container ${name}`, spec["image"])]
      : [],
  );
  // Operators receive the images that they run as arguments.
  const told = containersOf(subject).flatMap(({ name, spec }) =>
    ((spec["args"] ?? []) as unknown[]).flatMap((arg) => {
      const [, flag, image] =
        /^--((?:[\w-]*-)?image|prometheus-config-reloader)=(\S+\/\S+)$/.exec(String(arg)) ?? [];
      return flag && image ? [parseImage(`container ${name}, --${flag}`, image)] : [];
    }),
  );
  const injected =
    subject.kind === "Instrumentation"
      ? places(subject.object["spec"]).flatMap(({ path, key, value }) =>
          key === "image" && typeof value === "string" ? [parseImage(path, value)] : [],
        )
      : [];
  return [...own, ...told, ...injected];
}

const moving = ["", "latest", "main", "master", "edge", "nightly", "stable", "dev"];

export const imagesPinned: SubjectRule = {
  id: "images-pinned",
  requires: "Every image has a tag that names one version, or a digest; never `latest`.",
  why: "a mutable tag can run another program after the next restart, on some nodes only",
  level: always,
  check: (subject) => {
    const named = imagesOf(subject)
      .filter(({ tag, digest }) => !digest && moving.includes(tag))
      .map(
        ({ place, name, tag }) =>
          `${place} uses image ${name} ${tag ? `with the mutable tag "${tag}"` : "without a tag"}`,
      );
    const overridden = overridesOf(subject)
      .filter(({ tag }) => tag !== undefined && moving.includes(tag))
      .map(({ place, tag }) => `${place} uses the chart's image with the mutable tag "${tag}"`);
    return [...named, ...overridden].map(
      (what): Violation => ({ what, fix: "Use the tag of a version, or a digest." }),
    );
  },
};

/** Official registries of this stack's images. */
const officialRegistries = [
  "docker.io/grafana",
  "docker.io/library/memcached",
  "docker.io/nginxinc/nginx-unprivileged",
  "docker.io/pgsty/silo", // upstream no longer publishes images: docs/guides/object-storage.md
  "docker.io/prom/memcached-exporter",
  "docker.io/rclone",
  "ghcr.io/google/cadvisor",
  "ghcr.io/jkroepke/kube-webhook-certgen",
  "ghcr.io/kedacore",
  "ghcr.io/open-telemetry",
  "quay.io/kiwigrid/k8s-sidecar",
  "quay.io/prometheus",
  "quay.io/prometheus-operator",
  "registry.k8s.io",
];

export const imagesFromRegistries: SubjectRule = {
  id: "images-registries",
  requires: "Every image comes from a listed registry, or from images.registry.",
  why: "anyone who can push to it decides which programs run in this cluster",
  level: always,
  config: { registries: { type: "array", items: { type: "string" }, default: officialRegistries } },
  check: (subject, { config, mirror }) => {
    const listed = [...(config["registries"] as string[]), ...(mirror ? [mirror] : [])].map((registry) =>
      registry.replace(/\/$/, ""),
    );
    const within = (name: string, registry: string) => name === registry || name.startsWith(`${registry}/`);
    const named = imagesOf(subject)
      .map(({ place, name }) => ({ place, full: fullName(name) }))
      .filter(({ full }) => !listed.some((registry) => within(full, registry)))
      .map(({ place, full }) => `${place} uses image ${full}, which is not from a listed registry`);
    // The rest of such a name comes from the chart.
    const overridden = overridesOf(subject).flatMap(({ place, registry }) =>
      registry === undefined || listed.some((one) => within(one, registry) || within(registry, one))
        ? []
        : [`${place} uses registry ${registry}, which is not listed`],
    );
    return [...named, ...overridden].map((what) => ({
      what,
      fix: "Use an image from a listed registry, set images.registry to your mirror, or add it to the registries of this rule in the pack's config.",
    }));
  },
};
