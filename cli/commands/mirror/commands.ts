/** The commands of helm, crane and skopeo that fetch and push, as data. */
import type { ChartSource } from "../../../charts";
import { partsOf, pathInMirror } from "./images";

/** A program and its arguments. */
export type Command = [program: string, ...args: string[]];

export type ImageTool = "crane" | "skopeo";

/** A registry that one pushes to. */
export interface Target {
  /** Host, optionally with a path, as `images.registry` has it. */
  registry: string;
  /** Whether it speaks HTTP, not HTTPS. */
  plainHttp: boolean;
}

/** A command as one would type it. */
export const asText = (command: Command): string =>
  command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");

/** An image by its digest where it has one: skopeo takes no tag beside it. */
function pulled(image: string): string {
  const { registry, path, digest } = partsOf(image);
  return digest ? `${registry}/${path}@${digest}` : image;
}

/** Fetches an image for all platforms into a folder, as an OCI layout. */
export const pullImage = (tool: ImageTool, image: string, folder: string): Command =>
  tool === "crane"
    ? ["crane", "pull", "--format=oci", pulled(image), folder]
    : ["skopeo", "copy", "--all", "--preserve-digests", `docker://${pulled(image)}`, `oci:${folder}`];

/** Where an image is in a registry. */
export const inRegistry = (image: string, { registry }: Target): string =>
  `${registry}/${pathInMirror(image)}`;

/** Pushes an OCI layout. */
export function pushImage(tool: ImageTool, image: string, folder: string, target: Target): Command {
  const to = inRegistry(image, target);
  return tool === "crane"
    ? ["crane", "push", ...(target.plainHttp ? ["--insecure"] : []), folder, to]
    : [
        "skopeo",
        "copy",
        "--all",
        "--preserve-digests",
        ...(target.plainHttp ? ["--dest-tls-verify=false"] : []),
        `oci:${folder}`,
        `docker://${to}`,
      ];
}

/** Asks a registry for an image's digest: that of the index where it is for several platforms. */
export const askDigest = (tool: ImageTool, image: string, plainHttp: boolean): Command =>
  tool === "crane"
    ? ["crane", "digest", ...(plainHttp ? ["--insecure"] : []), image]
    : [
        "skopeo",
        "inspect",
        "--no-tags",
        ...(plainHttp ? ["--tls-verify=false"] : []),
        "--format",
        "{{.Digest}}",
        `docker://${image}`,
      ];

/** Fetches a chart as a package; a chart that is a folder is packed. */
export function pullChart({ chart, version, repository }: ChartSource, folder: string): Command {
  if (version)
    return [
      "helm",
      "pull",
      chart,
      ...(repository ? ["--repo", repository] : []),
      "--version",
      version,
      "--destination",
      folder,
    ];
  return chart.endsWith(".tgz") ? ["cp", chart, folder] : ["helm", "package", chart, "--destination", folder];
}

/** Where charts are pushed to in a registry. */
export const chartsIn = ({ registry }: Target): string => `oci://${registry}/charts`;

/** Pushes a chart's package. */
export const pushChart = (file: string, target: Target): Command => [
  "helm",
  "push",
  file,
  chartsIn(target),
  ...(target.plainHttp ? ["--plain-http"] : []),
];

/** Ends with 0 where the registry has that chart. */
export const askChart = (name: string, version: string, target: Target): Command => [
  "helm",
  "show",
  "chart",
  `${chartsIn(target)}/${name}`,
  "--version",
  version,
  ...(target.plainHttp ? ["--plain-http"] : []),
];
