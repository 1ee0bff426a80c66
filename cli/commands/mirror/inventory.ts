/** What an air-gapped site needs of a stack: its charts, its images, and what else is fetched. */
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
import { byImage, clashes, type ImageUse, imagesOf, partsOf } from "./images";

/** Who needs an image: the stack itself, a command of `obs`, or the example application. */
export type Group = "stack" | "command" | "example";

export interface Image {
  image: string;
  group: Group;
  /** Releases, objects, commands. */
  usedBy: string[];
  /** Where it is known. */
  digest?: string;
}

export interface Chart {
  name: ChartName;
  version: string;
  source: ChartSource;
  /** Releases of this stack; a mirror that is a folder must hold the others, too. */
  usedBy: string[];
}

export interface Inventory {
  stack: string;
  charts: Chart[];
  images: Image[];
  /** Plugins that Grafana downloads when it starts, from grafana.com where they say no address. */
  plugins: string[];
}

/** Images that commands make pods of. */
export const ofCommands: ImageUse[] = [
  { image: k6Image, usedBy: "obs load" },
  { image: smokeImage, usedBy: "obs smoke" },
];

/** A stack's config without its mirrors: so it names what they are made of. */
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
    .filter(([key]) => /image$/i.test(key) && key !== "image") // which one builds oneself
    .map(([, { default: image }]) => ({ image: String(image), usedBy: folder }));
}

/** Images with their group, each once: what the stack needs is not listed again for a command. */
function grouped(uses: [Group, ImageUse[]][]): Image[] {
  const seen = new Set<string>();
  return uses.flatMap(([group, some]) =>
    byImage(some)
      .filter(({ image }) => !seen.has(image) && seen.add(image))
      .map(({ image, usedBy }) => {
        const { digest } = partsOf(image);
        return { image, group, usedBy, ...(digest && { digest }) };
      }),
  );
}

/** All objects that a config's stack has in a cluster, with the release that each belongs to. */
async function stackUses(stack: string, config: Record<string, string>) {
  const recorded = await record(stack, config);
  const releases = releasesOf(recorded);
  const uses: ImageUse[] = objectsOf(recorded).flatMap((object) =>
    imagesOf(object as KubernetesObject).map((image) => ({ image, usedBy: "the program" })),
  );
  for (const release of releases) {
    const objects = await releaseObjects(release).catch((error: unknown) => {
      throw new UserError(
        `release ${release.name} cannot be rendered, so its images are not known: ${whyNot(error)}`,
      );
    });
    uses.push(...objects.flatMap(imagesOf).map((image) => ({ image, usedBy: release.name })));
  }
  return { releases, uses };
}

/**
 * A stack's inventory, from its rendered objects. Needs Helm and the charts; `OBS_CHARTS` stands in for their
 * repositories.
 *
 * @throws UserError where a chart cannot be had, or two images differ in their registry alone
 */
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
