/** Runbook pages as Grafana dashboards, one click from the alert. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DashboardBuilder, type Dashboard as Model } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Text, TextMode } from "@grafana/grafana-foundation-sdk/text";
import { projectFile } from "../files";
import { runbookUid } from "./kit";

const folder = projectFile("docs", "operations", "runbooks");

/** The note on a page about the variable in its commands; pages in Grafana have the value instead. */
const prefixHint =
  "If the stack has a `namespaces.prefix`, such as `b-`, run `PREFIX=b-` first and add it to the namespaces in queries.";

/**
 * A page as Grafana shows it: names of other alerts link to their pages, and links to the documentation become its paths,
 * which Grafana does not have.
 */
function asPanel(page: string, own: string, alerts: string[]): string {
  const others = alerts.filter((alert) => alert !== own).join("|");
  const named = new RegExp(`(?<![\\w/.\`[])(?:${others})(?![\\w\`\\]])`, "g");
  return page
    .replace(/\[([^\]]+)\]\(\.\.\/\.\.\/([^)]+)\)/g, (_, text: string, path: string) =>
      text.endsWith(".md") ? `docs/${path}` : `${text} (docs/${path})`,
    )
    .split("```")
    .map((part, index) =>
      index % 2 ? part : part.replace(named, (alert) => `[${alert}](/d/${runbookUid(alert)})`),
    )
    .join("```");
}

/**
 * A page for each file of `docs/operations/runbooks`.
 *
 * @param prefix `namespaces.prefix`, for the commands
 */
export function runbooks(prefix: string): Model[] {
  const alerts = readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.replace(".md", ""))
    .sort();
  return alerts.map((alert) => {
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
            asPanel(readFileSync(join(folder, `${alert}.md`), "utf8"), alert, alerts)
              .replace(`${prefixHint}\n\n`, "")
              .replaceAll("${PREFIX}", prefix),
          )
          .gridPos({ x: 0, y: 0, w: 24, h: 28 }),
      )
      .build();
  });
}
