/** Settings of alerting: receivers, routes, and the dead man's switch. */
import { z } from "zod";
import { dnsName, group, list, oneOf, secret, text, yesNo } from "./fields";
import { duration } from "./units";

const httpUrl = "an http:// or https:// URL";
const url = /^https?:\/\/\S+$/;
const address = () => text("an email address", /^[^\s@,;<>"]+@[^\s@,;<>"]+$/);

const opsgenie = group({
  apiKey: secret("an API key", /^\S+$/).describe("API key of an Opsgenie integration"),
  region: oneOf("us", "eu").optional().describe("Region of the Opsgenie account; default `us`"),
}).describe("Opsgenie");

const sns = group({
  topicArn: text(
    "the ARN of an SNS topic",
    /^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/,
  ).describe("ARN of the topic, which also names the region"),
  accessKey: secret("an access key", /^\S+$/)
    .optional()
    .describe("Access key of an IAM user that may publish to the topic; default the AWS role of the pod"),
  secretKey: secret("a secret key", /^\S+$/).optional().describe("Secret key of that user"),
}).describe("Amazon SNS");

const receiver = group({
  email: list(address(), "a list of email addresses")
    .optional()
    .describe("Email addresses; alerting.smtp is the server that sends"),
  webhookUrl: secret(httpUrl, url)
    .optional()
    .describe("URL that receives alerts in Alertmanager's webhook format"),
  slackUrl: secret(httpUrl, url).optional().describe("URL of a Slack incoming webhook"),
  teamsUrl: secret(httpUrl, url)
    .optional()
    .describe("URL of a Microsoft Teams workflow that posts webhook requests to a channel"),
  pagerdutyKey: secret("an integration key", /^\S+$/)
    .optional()
    .describe("Integration key of PagerDuty's Events API v2"),
  opsgenie: opsgenie.optional(),
  sns: sns.optional(),
});
export const integrations = Object.keys(receiver.shape);

const smtp = group({
  host: text("a host with a port", /^[\w.-]+:\d{1,5}$/).describe("Host and port of the SMTP server"),
  from: address().describe("Sender address"),
  user: text("a user name").optional().describe("User name; default no authentication"),
  password: secret("a password", /^.+$/).optional().describe("Password of that user"),
  tls: yesNo()
    .optional()
    .describe("Whether TLS is required: implicit on port 465, STARTTLS on other ports; default true"),
});

/** Receivers of alerts from three sources: Prometheus' Alertmanager, Mimir's Alertmanager, and Grafana. */
export const alerting = group({
  receivers: z
    .record(dnsName(), receiver, { error: () => "receivers by name" })
    .meta({ allowed: "receivers by name" })
    .describe("Receivers of alerts, each with one or more integrations"),
  smtp: smtp.optional().describe("SMTP server that sends alerts by email"),
  routes: list(
    group({
      severity: list(oneOf("critical", "warning", "info"), "a list of critical, warning, info")
        .optional()
        .describe("Severities that match; default all"),
      team: text("a value of the label team")
        .optional()
        .describe("Value of the label `team` that matches; default all"),
      namespaces: list(dnsName(), "a list of namespaces")
        .optional()
        .describe("Namespaces that match; default all"),
      receivers: list(dnsName(), "a list of alerting.receivers").describe(
        "Receivers; an empty list drops the alert",
      ),
    }),
    "a list of routes",
  ).describe("Routes of alerts: the first match handles an alert; without a match, every receiver gets it"),
  groupWait: duration().describe("How long the first alert of a group waits for others"),
  repeatInterval: duration().describe("How often a firing alert is sent again"),
  heartbeat: group({
    url: secret(httpUrl, url).describe("URL that receives a POST request as long as alerting works"),
    interval: duration().describe("Interval of these requests"),
  })
    .optional()
    .describe("Dead man's switch: an external service that raises an alarm if requests stop"),
  runbooks: text(httpUrl, url)
    .optional()
    .describe("Base URL of runbooks, as <alert>.md; without it Grafana shows this project's"),
}).describe("Alert notifications");
