/** `obs mirror`: what an air-gapped site needs of a stack, fetched on one side and pushed on the other. */
import { resolve } from "node:path";
import { invalid, UserError, unknown } from "../../../settings";
import { settingAt } from "../../../settings/describe";
import { table } from "../../lib/table";
import { asText, chartsIn, type ImageTool, type Target } from "./commands";
import { type Inventory, inventory } from "./inventory";
import {
  type Chosen,
  digestOf,
  type Item,
  imageTool,
  pullItems,
  pushItems,
  transfer,
  writeShelf,
} from "./transfer";

/** Options of the command line. */
export interface MirrorOptions {
  out?: string;
  from?: string;
  to?: string;
  only?: string;
  plainHttp?: boolean;
  print?: boolean;
  digests?: boolean;
  json?: boolean;
}

/** What `--only` chooses. @throws UserError for another word */
export function chosenBy(only: string | undefined): Chosen {
  if (only !== undefined && only !== "charts" && only !== "images")
    throw new UserError(invalid("--only", only, "charts or images"));
  return { charts: only !== "images", images: only !== "charts" };
}

/** The registry of `--to`. @throws UserError where it is none */
export function targetOf(to: string | undefined, plainHttp: boolean): Target {
  if (to && /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/.test(to))
    return { registry: to.replace(/\/$/, ""), plainHttp };
  throw new UserError(invalid("--to", to, settingAt("images.registry")?.allowed ?? ""));
}

/** How a stack is told to use a mirror; each line a command or a comment. */
export function settingLines(stack: string, places: { charts?: string; registry?: string }): string[] {
  const set = (path: string, value: string) => `pulumi config set --stack ${stack} --path ${path} ${value}`;
  return [
    ...(places.charts ? [set("charts.mirror", places.charts)] : []),
    ...(places.registry
      ? [
          set("images.registry", places.registry),
          "# where the registry asks who pulls, a Secret of that name in every namespace:",
          `# ${set("images.pullSecret", "<name>")}`,
        ]
      : []),
  ];
}

/** What is fetched beside charts and images, in words. */
const pluginLines = ({ plugins }: Pick<Inventory, "plugins">): string[] =>
  plugins.length
    ? [
        `Grafana downloads ${plugins.join(", ")} when it starts. Without a way to grafana.com: grafana.plugins as`,
        "id@version@url with an address of yours, or an empty list.",
      ]
    : [];

/** An inventory for people. */
export function inventoryText({ charts, images, plugins }: Inventory): string {
  const chartRows = charts.map(({ name, version, source, usedBy }) => [
    name,
    version,
    source.repository ?? source.chart,
    usedBy.join(", ") || "-",
  ]);
  const imageRows = images.map(({ image, digest, usedBy }) => [
    image,
    ...(images.some((one) => one.digest) ? [digest ?? "-"] : []),
    usedBy.join(", "),
  ]);
  const imageHead = images.some((one) => one.digest) ? ["image", "digest", "used by"] : ["image", "used by"];
  return [
    table([["chart", "version", "from", "releases"], ...chartRows]),
    table([imageHead, ...imageRows]),
    ...(plugins.length ? [pluginLines({ plugins }).join("\n")] : []),
  ].join("\n\n");
}

/** The tool for images; where nothing runs, or no image is moved, one need not be there. */
const toolFor = (chosen: Chosen, print = false): ImageTool => {
  if (!chosen.images) return "crane";
  try {
    return imageTool();
  } catch (error) {
    if (print) return "crane";
    throw error;
  }
};

async function list(stack: string, { digests, json }: MirrorOptions): Promise<number> {
  const tool = digests ? imageTool() : undefined;
  const found = await inventory(stack);
  for (const image of tool ? found.images : []) {
    const digest = image.digest ?? (await digestOf(tool as ImageTool, image.image));
    if (digest) image.digest = digest;
  }
  console.log(json ? JSON.stringify(found, null, 2) : inventoryText(found));
  return 0;
}

/** Runs items, or prints their commands; then says how the stack is told. */
async function move(items: Item[], print: boolean, next: string[], again: string): Promise<number> {
  if (print) {
    for (const { command } of items) console.log(asText(command));
    return 0;
  }
  const failed = await transfer(items, { tell: (line) => console.error(line) });
  if (failed.length) {
    console.error(
      `\nobs: ${failed.length} of ${items.length} failed:\n${failed.join("\n")}\nOnce mended: ${again}`,
    );
    return 1;
  }
  console.log(["", ...next].join("\n"));
  return 0;
}

async function pull(stack: string, options: MirrorOptions): Promise<number> {
  const chosen = chosenBy(options.only);
  if (!options.out) throw new UserError("mirror pull needs --out <folder>, where charts and images go");
  const folder = resolve(options.out);
  const tool = toolFor(chosen, options.print);
  const found = await inventory(stack);
  const items = pullItems(found, folder, chosen, tool);
  if (!options.print) writeShelf(found, folder);
  const next = [
    ...pluginLines(found),
    "Bring the folder to where the registry is reached, and there:",
    `  ./obs mirror push ${stack} --from <folder> --to <registry>`,
    "Charts can also be used from the folder:",
    ...settingLines(stack, { charts: `${folder}/charts` }).map((line) => `  ${line}`),
  ];
  return move(
    items,
    options.print ?? false,
    next,
    `./obs mirror pull ${stack} --out ${options.out}; what is there stays`,
  );
}

async function push(stack: string, options: MirrorOptions): Promise<number> {
  const chosen = chosenBy(options.only);
  if (!options.from) throw new UserError("mirror push needs --from <folder>, which mirror pull wrote");
  const target = targetOf(options.to, options.plainHttp ?? false);
  const items = pushItems(resolve(options.from), target, chosen, toolFor(chosen, options.print));
  const next = [
    `Settings with which stack ${stack} uses it:`,
    ...settingLines(stack, {
      ...(chosen.charts && { charts: chartsIn(target) }),
      ...(chosen.images && { registry: target.registry }),
    }).map((line) => `  ${line}`),
  ];
  return move(items, options.print ?? false, next, "the same command; what is there is skipped");
}

/** What can be done. */
export const actions = { list, pull, push };

/** @returns the exit code: 0 where all went well, 1 where an item failed */
export async function mirror(action: string, stack: string, options: MirrorOptions): Promise<number> {
  const chosen = actions[action as keyof typeof actions];
  if (!chosen) throw new UserError(unknown(action, "action of mirror", Object.keys(actions)));
  return chosen(stack, options);
}
