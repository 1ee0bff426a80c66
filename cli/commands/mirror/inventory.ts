/** What an air-gapped site needs of a stack: its charts, its images, and Grafana's plugins. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { type ChartName, chartSources, pins, versionOf } from "../../../charts";
import { project, readSettings, UserError } from "../../../settings";
import { record } from "../../lib/record";
import { failureOf, type KubernetesObject, objectsOf, releaseObjects, releasesOf } from "../../lib/render";
import { smokeImage } from "../../lib/script-pod";
import { fileConfig, root } from "../../lib/stack-config";
import { k6Image } from "../load/manifest";
import { byImage, clashes, type ImageUse, imagesOf } from "./images";

export type Inventory = Awaited<ReturnType<typeof inventory>>;

/** Images that commands make pods of. */
export const ofCommands: ImageUse[] = [
  { image: k6Image, usedBy: "obs load", group: "command" },
  { image: smokeImage, usedBy: "obs smoke, doctor", group: "command" },
];

/** A stack's config without its mirrors, so that charts and images have their official sources. */
export function fromOfficialSources(config: Record<string, string>): Record<string, string> {
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
  return name in pins ? (name as ChartName) : undefined;
};

/** Images that the example application is deployed with, as its `Pulumi.yaml` has them by default. */
function ofExample(): ImageUse[] {
  const folder = join("examples", "random-backend");
  const { config } = parse(readFileSync(join(root, folder, "Pulumi.yaml"), "utf8"));
  return Object.entries(config as Record<string, { default?: unknown }>)
    .filter(([key]) => /image$/i.test(key) && key !== "image") // you build this one
    .map(([, { default: image }]) => ({ image: String(image), usedBy: folder, group: "example" }));
}

/** A stack's inventory. @throws UserError if a chart cannot be rendered, or two images differ only in their registry */
export async function inventory(stack: string) {
  const config = fromOfficialSources(fileConfig(stack));
  const settings = readSettings(stack, config);
  const recorded = await record(stack, config);
  const releases = releasesOf(recorded);
  const uses = (usedBy: string, objects: KubernetesObject[]): ImageUse[] =>
    objects.flatMap(imagesOf).map((image) => ({ image, usedBy, group: "stack" }));
  const rendered = await Promise.all(
    releases.map(async (release) => {
      const objects = await releaseObjects(release).catch((error: unknown) => {
        throw new UserError(
          `release ${release.name} cannot be rendered, so its images are unknown: ${failureOf(error)}`,
        );
      });
      return uses(release.name, objects);
    }),
  );
  const own = uses("the program", objectsOf(recorded) as KubernetesObject[]);
  const images = byImage([...own, ...rendered.flat(), ...ofCommands, ...ofExample()]);
  const [clash] = clashes(images.map(({ image }) => image));
  if (clash)
    throw new UserError(`one registry cannot hold both ${clash.join(" and ")}: their paths are the same`);
  const sources = chartSources(stack, settings);
  return {
    stack,
    charts: (Object.keys(pins) as ChartName[]).map((name) => ({
      name,
      version: versionOf(name, settings),
      source: sources[name],
      /** Releases of this stack. A mirror in a folder must also have the charts without one. */
      usedBy: releases.filter(({ chart }) => chartOf(chart) === name).map((release) => release.name),
    })),
    images,
    /** Plugins that Grafana downloads when it starts. */
    plugins: settings.grafana.plugins,
  };
}
