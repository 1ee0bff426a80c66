/** The text of `docs/reference/alerts.md`, from the rules in `alerts/`. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { cell, table } from "./markdown";

const folder = join(__dirname, "..", "alerts");

interface Rule {
  alert?: string;
  for?: string;
  labels?: { severity: string };
  annotations?: { summary: string };
}

const alertsOf = (file: string): string[][] =>
  (parse(readFileSync(join(folder, file), "utf8")) as { groups: { rules: Rule[] }[] }).groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ alert, for: pending = "", labels, annotations }) =>
      alert
        ? [
            [
              `[${alert}](../operations/runbooks/${alert}.md)`,
              labels?.severity ?? "",
              pending,
              cell(
                annotations?.summary?.replaceAll(/\{\{ \$labels\.(\w+)(?: \| \w+)? \}\}/g, "`<$1>`") ?? "",
              ),
            ],
          ]
        : [],
    );

/** The text of `docs/reference/alerts.md`. */
export function alertsDocument(): string {
  const files = readdirSync(folder).filter((file) => /^[a-z-]+\.yaml$/.test(file));
  return [
    "# Alerts",
    "",
    "<!-- Written by `npm run generate` from alerts/. -->",
    "",
    "The stack's own alerts, with their runbooks. kube-prometheus-stack adds the alerts of Kubernetes, Prometheus and",
    "Alertmanager; `Watchdog` always fires as a [dead man's switch](../operations/runbooks/Watchdog.md).",
    "",
    ...files.flatMap((file) => [
      `## ${basename(file, ".yaml")}`,
      "",
      ...table(["alert", "severity", "for", "summary"], alertsOf(file)),
      "",
    ]),
  ].join("\n");
}
