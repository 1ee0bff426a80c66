/** Fetching charts and images into a folder, and pushing them from there: one after the other, what is there is skipped. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../../settings";
import { onPath } from "../../lib/pulumi";
import {
  askChart,
  askDigest,
  asText,
  type Command,
  chartsIn,
  type ImageTool,
  inRegistry,
  pullChart,
  pullImage,
  pushChart,
  pushImage,
  type Target,
} from "./commands";
import type { Inventory } from "./inventory";
import { chartFile, imageFolder, layoutDigest, readShelf, shelfFile, shelfOf } from "./shelf";

const run = promisify(execFile);

/** What is moved. */
export interface Chosen {
  charts: boolean;
  images: boolean;
}

/** One thing to move. */
export interface Item {
  name: string;
  command: Command;
  /** Whether it is there already. */
  there(): Promise<boolean>;
  /** What comes before the command, and after it went well. */
  before?(): void;
  after?(): void;
}

/** Who is told. */
export interface Teller {
  tell(line: string): void;
}

/** crane or skopeo, whichever is there. @throws UserError where neither is */
export function imageTool(find: (program: string) => string | undefined = onPath): ImageTool {
  const tool = (["crane", "skopeo"] as const).find((name) => find(name));
  if (tool) return tool;
  throw new UserError(
    "neither crane nor skopeo is on PATH, and images are moved by one of them:\n" +
      "  crane    https://github.com/google/go-containerregistry/releases\n" +
      "  skopeo   https://github.com/containers/skopeo/blob/main/install.md\n" +
      "Charts alone: --only charts. The images' names for another tool: ./obs mirror list --json",
  );
}

/** What a program printed; undefined where it failed. */
const asked = async ([program, ...args]: Command): Promise<string | undefined> =>
  run(program, args).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );

/** An image's digest in its registry; undefined where it is not there, or the registry does not answer. */
export const digestOf = (tool: ImageTool, image: string, plainHttp = false): Promise<string | undefined> =>
  asked(askDigest(tool, image, plainHttp));

/** What `pull` does, in its order. Each is fetched beside its place first, so that half of one is never taken for it. */
export function pullItems(inventory: Inventory, folder: string, chosen: Chosen, tool: ImageTool): Item[] {
  const place = (name: string, to: string, command: (partial: string) => Command, inside?: string): Item => {
    const partial = `${to}.partial`;
    return {
      name,
      command: command(partial),
      there: async () => existsSync(to),
      before: () => {
        rmSync(partial, { recursive: true, force: true });
        mkdirSync(inside ? partial : dirname(to), { recursive: true });
      },
      after: () => {
        renameSync(inside ? join(partial, inside) : partial, to);
        if (inside) rmSync(partial, { recursive: true });
      },
    };
  };
  const charts = inventory.charts.map((chart) =>
    place(
      `chart ${chart.name} ${chart.version}`,
      chartFile(folder, chart),
      (partial) => pullChart(chart.source, partial),
      `${chart.name}-${chart.version}.tgz`,
    ),
  );
  const images = inventory.images.map(({ image }) =>
    place(image, imageFolder(folder, image), (partial) => pullImage(tool, image, partial)),
  );
  return [...(chosen.charts ? charts : []), ...(chosen.images ? images : [])];
}

/**
 * What `push` does, in its order.
 *
 * @throws UserError naming what the folder lacks
 */
export function pushItems(folder: string, target: Target, chosen: Chosen, tool: ImageTool): Item[] {
  const shelf = readShelf(folder);
  const charts = chosen.charts ? shelf.charts : [];
  const images = chosen.images ? shelf.images : [];
  const lacking = [
    ...charts.filter((chart) => !existsSync(chartFile(folder, chart))).map(({ name }) => `chart ${name}`),
    ...images.filter((image) => !layoutDigest(imageFolder(folder, image))),
  ];
  if (lacking.length)
    throw new UserError(
      `${folder} lacks ${lacking.join(", ")}: run ./obs mirror pull again, it goes on where it ended`,
    );
  return [
    ...charts.map((chart) => ({
      name: `${chartsIn(target)}/${chart.name}:${chart.version}`,
      command: pushChart(chartFile(folder, chart), target),
      there: async () => (await asked(askChart(chart.name, chart.version, target))) !== undefined,
    })),
    ...images.map((image) => {
      const layout = imageFolder(folder, image);
      const to = inRegistry(image, target);
      return {
        name: to,
        command: pushImage(tool, image, layout, target),
        there: async () => (await digestOf(tool, to, target.plainHttp)) === layoutDigest(layout),
      };
    }),
  ];
}

/** Writes what a folder is to hold; what it is to hold already for another stack stays. */
export function writeShelf(inventory: Inventory, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const shelf = shelfOf(inventory);
  const before = existsSync(shelfFile(folder)) ? readShelf(folder) : undefined;
  const images = [...new Set([...(before?.images ?? []), ...shelf.images])].sort();
  writeFileSync(shelfFile(folder), `${JSON.stringify({ ...shelf, images }, null, 2)}\n`);
}

/**
 * Moves items one after the other, past those that fail.
 *
 * @returns those that failed, with the program's own words
 */
export async function transfer(items: Item[], { tell }: Teller): Promise<string[]> {
  const failed: string[] = [];
  for (const [index, { name, command, there, before, after }] of items.entries()) {
    const number = `${index + 1}/${items.length}`.padStart(7);
    if (await there()) {
      tell(`${number} there    ${name}`);
      continue;
    }
    const started = Date.now();
    try {
      before?.();
      const [program, ...args] = command;
      await run(program, args, { maxBuffer: 64 * 1024 ** 2 });
      after?.();
      tell(`${number} done     ${name} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    } catch (error) {
      const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
      const why =
        code === "ENOENT"
          ? `${command[0]} is not on PATH`
          : (stderr?.trim().split("\n").at(-1) ?? message) || message;
      tell(`${number} FAILED   ${name}: ${why}`);
      failed.push(`${name}\n  ${asText(command)}\n  ${why}`);
    }
  }
  return failed;
}
