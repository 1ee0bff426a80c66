/**
 * `npm run pictures -- [stack] [uid...]`: takes a picture of every dashboard of a running stack, or of the
 * named ones, with headless Chromium. It fails if a dashboard does not finish loading, or has a truncated
 * title or a panel with an error. `--expand` opens the collapsed rows, and takes the whole dashboard.
 *
 * OBS_CHROMIUM selects the browser; the default is `chromium` or `google-chrome` on PATH.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { launch, type Page } from "puppeteer-core";
import { connect } from "../cli/lib/cluster";
import { type Grafana, withGrafana } from "../cli/lib/grafana";
import { onPath } from "../cli/lib/pulumi";
import { dashboards } from "../dashboards";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: "string", default: "1600" },
    height: { type: "string", default: "1400" },
    from: { type: "string", default: "now-30m" },
    theme: { type: "string", default: "dark" },
    folder: { type: "string", default: join("docs", "pictures") },
    expand: { type: "boolean", default: false },
  },
});
const { width, height, from, theme, folder, expand } = options;

/** Timeout for a dashboard to finish drawing, in milliseconds. */
const drawnWithin = 120_000;

/**
 * Time without a loading panel after which a dashboard counts as drawn, in milliseconds: panels can start
 * after others.
 */
const quietFor = 3000;

const panel = "[data-testid^='data-testid Panel header']";

/**
 * Waits until no panel is loading. It does not wait for an idle network: the browser keeps requests open
 * after the panels have their data.
 */
async function drawn(page: Page): Promise<void> {
  const deadline = Date.now() + drawnWithin;
  await page.waitForSelector(panel, { timeout: drawnWithin });
  let quietSince = Date.now();
  while (Date.now() - quietSince < quietFor) {
    const loading = await page.$$eval(`${panel}:has([aria-label='Panel loading bar']) h2`, (titles) =>
      titles.map(({ textContent }) => textContent),
    );
    if (loading.length) quietSince = Date.now();
    if (Date.now() > deadline)
      throw new Error(`still loading after ${drawnWithin / 1000} s: ${loading.join(", ")}`);
    await setTimeout(200);
  }
}

/** Opens the collapsed rows, and makes the page high enough for all panels: Grafana draws only rows and panels in view. */
async function expandRows(page: Page): Promise<void> {
  await page.waitForSelector(panel, { timeout: drawnWithin });
  const heightOf = async () => Number(await page.evaluate("document.documentElement.scrollHeight"));
  for (let shown = 0, whole = await heightOf(); whole > shown; whole = await heightOf()) {
    shown = whole;
    await page.setViewport({ width: Number(width), height: whole, deviceScaleFactor: 1 });
    await setTimeout(quietFor);
    for (const row of await page.$$("button[aria-label='Expand row']")) await row.click();
    await setTimeout(quietFor);
  }
}

/** Waits until the dashboard is drawn, and returns the problems of the page. */
async function flaws(page: Page): Promise<string[]> {
  if (expand) await expandRows(page);
  await drawn(page);
  const truncated = await page.$$eval(`${panel} h2`, (titles) =>
    titles
      .filter((title) => {
        // scrollWidth is rounded, and a truncated title may lack less than a pixel.
        const text = title.ownerDocument.createRange();
        text.selectNodeContents(title);
        return text.getBoundingClientRect().width > title.getBoundingClientRect().width;
      })
      .map(({ textContent }) => textContent),
  );
  const failed = await page.$$eval(
    `${panel}:has([data-testid='data-testid Panel status error']) h2`,
    (titles) => titles.map(({ textContent }) => textContent),
  );
  return [
    ...truncated.map((title) => `truncated title: ${title}`),
    ...failed.map((title) => `panel with an error: ${title}`),
  ];
}

/** @returns the problems of the dashboards */
async function take(grafana: Grafana, executablePath: string, only: string[]): Promise<string[]> {
  const found: string[] = [];
  mkdirSync(folder, { recursive: true });
  const { version } = await grafana.json("/api/health");
  const browser = await launch({ executablePath, args: ["--no-sandbox", "--hide-scrollbars"] });
  try {
    for (const { uid, title } of Object.values(dashboards).flat()) {
      if (only.length && !only.includes(uid)) continue;
      const page = await browser.newPage();
      await page.setExtraHTTPHeaders({
        authorization: `Basic ${Buffer.from(`${grafana.user}:${grafana.password}`).toString("base64")}`,
      });
      await page.setViewport({ width: Number(width), height: Number(height), deviceScaleFactor: 1 });
      // A dashboard that fails does not hide the flaws of the others.
      const wrong = await (async () => {
        await page.goto(`${grafana.url}/d/${uid}?kiosk&from=${from}&to=now&theme=${theme}`, {
          timeout: drawnWithin,
        });
        const seen = await flaws(page).catch(({ message }: Error) => [`not loaded: ${message}`]);
        await page.screenshot({ path: join(folder, `${uid}.png`) as `${string}.png` });
        return seen;
      })().catch(({ message }: Error) => [`no picture: ${message}`]);
      found.push(...wrong.map((flaw) => `${uid}: ${flaw}`));
      console.log(`${folder}/${uid}.png  ${title}${wrong.length ? `  ${wrong.join(", ")}` : ""}`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
  writeFileSync(
    join(folder, "README.md"),
    `The dashboards of a running stack, drawn by Grafana ${version}. \`npm run pictures\` retakes them.\n`,
  );
  return found;
}

async function main(): Promise<void> {
  const [stack = "dev", ...only] = positionals;
  const chromium = process.env["OBS_CHROMIUM"] ?? onPath("chromium") ?? onPath("google-chrome");
  if (!chromium) throw new Error("there is no chromium on PATH; OBS_CHROMIUM may name one");
  const found = await withGrafana(await connect(stack), (grafana) => take(grafana, chromium, only));
  if (found.length) throw new Error(found.join("\n"));
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
