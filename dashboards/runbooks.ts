/** Runbook pages as Grafana dashboards, one click from the alert. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DashboardBuilder, type Dashboard as Model } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Text, TextMode } from "@grafana/grafana-foundation-sdk/text";
import { runbookUid } from "./kit";

const folder = join("docs", "operations", "runbooks");

/** A page for each file of `docs/operations/runbooks`, from the project's folder. */
export const runbooks = (): Model[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => {
      const alert = file.replace(".md", "");
      return new DashboardBuilder(`Runbook: ${alert}`)
        .uid(runbookUid(alert))
        .description(`What ${alert} means and what to do about it.`)
        .tags(["runbook"])
        .readonly()
        .withPanel(
          new Text()
            .id(1)
            .title(alert)
            .mode(TextMode.Markdown)
            .content(readFileSync(join(folder, file), "utf8"))
            .gridPos({ x: 0, y: 0, w: 24, h: 28 }),
        )
        .build();
    });
