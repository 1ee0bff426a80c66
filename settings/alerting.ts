/** Settings of alerting: who is told about what. */
import { z } from "zod";
import { dnsName, group, list, oneOf, secret, text } from "./fields";
import { duration } from "./units";

const httpUrl = "an http:// or https:// URL";
const url = /^https?:\/\/\S+$/;

/** Where alerts go: from Prometheus' Alertmanager, from Mimir's, and from Grafana. */
export const alerting = group({
  receivers: z
    .record(
      dnsName(),
      group({
        webhookUrl: secret(httpUrl, url)
          .optional()
          .describe("URL that alerts are posted to, in Alertmanager's webhook form"),
        slackUrl: secret(httpUrl, url).optional().describe("Slack's incoming webhook"),
        pagerdutyKey: secret("an integration key", /^\S+$/)
          .optional()
          .describe("PagerDuty's Events API v2 integration key"),
      }),
      { error: () => "receivers by name" },
    )
    .meta({ allowed: "receivers by name" })
    .describe("Who can be told about alerts, each by one way or several"),
  routes: list(
    group({
      severity: list(oneOf("critical", "warning", "info"), "a list of critical, warning, info")
        .optional()
        .describe("Severities; without it all"),
      team: text("a value of the label team")
        .optional()
        .describe("The team whose alerts they are; without it all"),
      namespaces: list(dnsName(), "a list of namespaces").optional().describe("Namespaces; without it all"),
      receivers: list(dnsName(), "a list of alerting.receivers").describe("Who is told; with none, nobody"),
    }),
    "a list of routes",
  ).describe(
    "Which alerts go to whom: the first route that fits takes an alert; what no route takes goes to every receiver",
  ),
  groupWait: duration().describe("How long the first alert of a group waits for others"),
  repeatInterval: duration().describe("How often an alert that goes on is sent again"),
  heartbeat: group({
    url: secret(httpUrl, url).describe("URL that is posted to as long as alerting works"),
    interval: duration().describe("How often"),
  })
    .optional()
    .describe(
      "A service elsewhere that raises the alarm when it hears nothing any more: who watches the watchers",
    ),
  runbooks: text(httpUrl, url)
    .optional()
    .describe(
      "Address below which runbook pages are found, as <alert>.md; without it Grafana shows this project's",
    ),
}).describe("Where alerts go");
