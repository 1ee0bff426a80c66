/**
 * `npm run pictures [stack]`: a picture of every dashboard of a running dev stack, with headless Chromium, into docs/pictures.
 *
 * Chromium is the one that OBS_CHROMIUM names, else `chromium` or `google-chrome` on PATH.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "puppeteer-core";
import { locate } from "../cli/cluster";
import { type Grafana, withGrafana } from "../cli/grafana";
import { onPath } from "../cli/pulumi";
import { kubeConfig } from "../components/kube-config";
import { dashboards } from "../dashboards";

const folder = join("docs", "pictures");

/** How long a dashboard may take to draw everything, in milliseconds. */
const drawnWithin = 60_000;

async function take(grafana: Grafana, executablePath: string, only: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { version } = await grafana.json("/api/health");
  const browser = await launch({ executablePath, args: ["--no-sandbox", "--hide-scrollbars"] });
  try {
    const page = await browser.newPage();
    await page.setExtraHTTPHeaders({
      authorization: `Basic ${Buffer.from(`${grafana.user}:${grafana.password}`).toString("base64")}`,
    });
    for (const { uid, title } of Object.values(dashboards).flat()) {
      if (only.length && !only.includes(uid)) continue;
      await page.setViewport({ width: 1600, height: 1400, deviceScaleFactor: 1 });
      await page.goto(`${grafana.url}/d/${uid}?kiosk&from=now-30m&to=now&theme=dark`, {
        timeout: drawnWithin,
      });
      await page.waitForNetworkIdle({ idleTime: 3000, timeout: drawnWithin }).catch(() => undefined);
      await page.screenshot({ path: join(folder, `${uid}.png`) as `${string}.png` });
      console.log(`${folder}/${uid}.png  ${title}`);
    }
  } finally {
    await browser.close();
  }
  writeFileSync(
    join(folder, "README.md"),
    `The dashboards of a dev stack, drawn by Grafana ${version}. \`npm run pictures\` takes them anew.\n`,
  );
}

async function main(): Promise<void> {
  const [stack = "dev", ...only] = process.argv.slice(2);
  const chromium = process.env["OBS_CHROMIUM"] ?? onPath("chromium") ?? onPath("google-chrome");
  if (!chromium) throw new Error("there is no chromium on PATH; OBS_CHROMIUM may name one");
  const { settings, environment } = await locate(stack);
  Object.assign(process.env, environment);
  await withGrafana(kubeConfig(settings), (grafana) => take(grafana, chromium, only));
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
