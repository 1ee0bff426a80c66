/** `obs mirror list`: the charts and images of a stack, for an air-gapped installation. */
import { UserError, unknown } from "../../../settings";
import { columns, table } from "../../lib/text";
import { pathInMirror } from "./images";
import { type Inventory, inventory } from "./inventory";

/** Name or `oci://` reference, version and repository of each chart, as `helm pull` takes them. */
export const chartLines = ({ charts }: Pick<Inventory, "charts">): string[] =>
  charts.map(({ source: { chart, version = "", repository = "" } }) =>
    [chart, version, repository].join(" ").trim(),
  );

/** Each image, and where `images.registry` looks for it. */
export const imageLines = ({ images }: Pick<Inventory, "images">): string[] =>
  images.map(({ image }) => `${image} ${pathInMirror(image)}`);

/** An inventory as tables. */
export function inventoryText({ charts, images, plugins }: Inventory): string {
  const chartRows = columns(charts, [
    ["chart", ({ name }) => name],
    ["version", ({ version }) => version],
    ["from", ({ source }) => source.repository ?? source.chart],
    ["releases", ({ usedBy }) => usedBy.join(", ") || "-"],
  ]);
  const imageRows = images.map(({ image, usedBy }) => [image, usedBy.join(", ")]);
  return [
    table(chartRows),
    table([["image", "used by"], ...imageRows]),
    ...(plugins.length
      ? [
          `Grafana downloads ${plugins.join(", ")} when it starts. Without internet access, set grafana.plugins to\n` +
            "id@version@url with an internal address, or to an empty list.",
        ]
      : []),
  ].join("\n\n");
}

/** @returns the exit code 0 @throws UserError if a chart cannot be rendered, or the action does not exist */
export async function mirror(
  action: string,
  stack: string,
  options: { charts?: boolean; images?: boolean; json?: boolean },
): Promise<number> {
  if (action !== "list") throw new UserError(unknown(action, "action of mirror", ["list"]));
  const found = await inventory(stack);
  const lines = [...(options.charts ? chartLines(found) : []), ...(options.images ? imageLines(found) : [])];
  const text = lines.length ? lines.join("\n") : inventoryText(found);
  console.log(options.json ? JSON.stringify(found, null, 2) : text);
  return 0;
}
