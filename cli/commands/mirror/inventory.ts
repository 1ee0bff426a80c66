/** What an air-gapped site needs of a stack: its charts, its images, and Grafana's plugins. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { type ChartName, type ChartSource, chartSources, pins, versionOf } from "../../../charts";
import { project, readSettings, UserError } from "../../../settings";
import { record } from "../../lib/record";
import { type KubernetesObject, objectsOf, releaseObjects, releasesOf, whyNot } from "../../lib/render";
import { smokeImage } from "../../lib/script-pod";
import { fileConfig, root } from "../../lib/stack-config";
import { k6Image } from "../load/manifest";
import { byImage, clashes, type ImageUse, imagesOf } from "./images";

/** The part of the project that needs an image. */
export type Group = "stack" | "command" | "example";

export interface Image {
  image: string;
  group: Group;
  /** Releases, objects, commands. */
  usedBy: string[];
}

export interface Chart {
  name: ChartName;
  version: string;
  source: ChartSource;
  /** Releases of this stack. A mirror in a folder must also have the charts without one. */
  usedBy: string[];
}

export interface Inventory {
  stack: string;
  charts: Chart[];
  images: Image[];
  /** Plugins that Grafana downloads when it starts. */
  plugins: string[];
}

/** Images that commands make pods of. */
export const ofCommands: ImageUse[] = [
  { image: k6Image, usedBy: "obs load" },
  { image: smokeImage, usedBy: "obs smoke" },
];

/** A stack's config without its mirrors, so that charts and images have their official sources. */
export function atTheSource(config: Record<string, string>): Record<string, string> {
  const without = (key: "charts" | "images", field: string): Record<string, string> => {
    const name = `${project}:${key}`;
    const { [field]: _, ...rest } = JSON.parse(config[name] ?? "{}");
    return { [name]: JSON.stringify(rest) };
  };
  return { ...config, ...without("images", "registry"), ...without("charts", "mirror") };
}

/** The chart of a release: `chart` is a name, an address, a folder or a package. */
export const chartOf = (chart: string): ChartName | undefined => {
  const name = basename(chart).replace(/-\d[\w.+-]*\.tgz$/, "");
  return (Object.keys(pins) as ChartName[]).find((one) => one === name);
};

/** Images that the example application is deployed with, as its `Pulumi.yaml` has them by default. */
function ofExample(): ImageUse[] {
  const folder = join("examples", "random-backend");
  const { config } = parse(readFileSync(join(root, folder, "Pulumi.yaml"), "utf8"));
  return Object.entries(config as Record<string, { default?: unknown }>)
    .filter(([key]) => /image$/i.test(key) && key !== "image") // you build this one
    .map(([, { default: image }]) => ({ image: String(image), usedBy: folder }));
}

/** Images with their group, each once: an image of the stack is not listed again for a command. */
function grouped(uses: [Group, ImageUse[]][]): Image[] {
  const seen = new Set<string>();
  return uses.flatMap(([group, some]) =>
    byImage(some)
      .filter(({ image }) => !seen.has(image) && seen.add(image))
      .map((one) => ({ ...one, group })),
  );
}

/** The releases of a stack, and the images of all its objects. */
async function stackUses(stack: string, config: Record<string, string>) {
  const recorded = await record(stack, config);
  const releases = releasesOf(recorded);
  const uses: ImageUse[] = objectsOf(recorded).flatMap((object) =>
    imagesOf(object as KubernetesObject).map((image) => ({ image, usedBy: "the program" })),
  );
  for (const release of releases) {
    const objects = await releaseObjects(release).catch((error: unknown) => {
      throw new UserError(
        `release ${release.name} cannot be rendered, so its images are unknown: ${whyNot(error)}`,
      );
    });
    uses.push(...objects.flatMap(imagesOf).map((image) => ({ image, usedBy: release.name })));
  }
  return { releases, uses };
}

/** A stack's inventory. @throws UserError if a chart cannot be rendered, or two images differ only in their registry */
export async function inventory(stack: string): Promise<Inventory> {
  const config = atTheSource(fileConfig(stack));
  const settings = readSettings(stack, config);
  const { releases, uses } = await stackUses(stack, config);
  const sources = chartSources(stack, settings);
  const images = grouped([
    ["stack", uses],
    ["command", ofCommands],
    ["example", ofExample()],
  ]);
  const [clash] = clashes(images.map(({ image }) => image));
  if (clash)
    throw new UserError(`one registry cannot hold both ${clash.join(" and ")}: their paths are the same`);
  return {
    stack,
    charts: (Object.keys(pins) as ChartName[]).map((name) => ({
      name,
      version: versionOf(name, settings),
      source: sources[name],
      usedBy: releases.filter(({ chart }) => chartOf(chart) === name).map((release) => release.name),
    })),
    images,
    plugins: settings.grafana.plugins,
  };
}
