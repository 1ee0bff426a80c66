/** Runbook pages as Grafana dashboards, one click from the alert. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DashboardBuilder, type Dashboard as Model } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Text, TextMode } from "@grafana/grafana-foundation-sdk/text";
import { projectFile } from "../files";
import { runbookUid } from "./kit";

const folder = projectFile("docs", "operations", "runbooks");

/** The note on a page about the variable in its commands; pages in Grafana have the value instead. */
export const prefixHint =
  "If the stack has a `namespaces.prefix`, such as `b-`, run `PREFIX=b-` first and add it to the namespaces in queries.";

/**
 * A page for each file of `docs/operations/runbooks`.
 *
 * @param prefix `namespaces.prefix`, for the commands
 */
export const runbooks = (prefix: string): Model[] =>
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
            .content(
              readFileSync(join(folder, file), "utf8")
                .replace(`${prefixHint}\n\n`, "")
                .replaceAll("${PREFIX}", prefix),
            )
            .gridPos({ x: 0, y: 0, w: 24, h: 28 }),
        )
        .build();
    });
