/**
 * The integrations of `alerting.receivers`, in the formats of Alertmanager and Grafana:
 * https://prometheus.io/docs/alerting/latest/configuration/#receiver-integration-settings
 * https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/
 */
import { grafanaEnv } from "../names";
import type { Settings } from "../settings";
import type { Sensitive } from "../settings/sensitive";
import { checksum, type Values } from "./shared";

export type Receiver = Settings["alerting"]["receivers"][string];

/** Writes a secret: its value, or an environment variable named after its setting. */
type Write = (secret: Sensitive, setting: string) => string;

/** Types of integrations in Grafana; a receiver has at most one of each. */
const types = ["email", "webhook", "slack", "teams", "pagerduty", "opsgenie", "sns"] as const;

/** One integration: Alertmanager's list and item, and Grafana's type and settings. */
interface Form {
  list: string;
  item: Values;
  type: (typeof types)[number];
  settings: Values;
}

/** Hosts of Opsgenie's API, by region. */
const opsgenieHost = { us: "https://api.opsgenie.com/", eu: "https://api.eu.opsgenie.com/" } as const;

const sigv4 = ({ topicArn, accessKey, secretKey }: NonNullable<Receiver["sns"]>, write: Write): Values => ({
  region: topicArn.split(":")[3],
  ...(accessKey && { access_key: write(accessKey, "snsAccessKey") }),
  ...(secretKey && { secret_key: write(secretKey, "snsSecretKey") }),
});

/** The integrations of a receiver. */
function formsOf(receiver: Receiver, write: Write): Form[] {
  const forms: Form[] = [];
  const { email, webhookUrl, slackUrl, teamsUrl, pagerdutyKey, opsgenie, sns } = receiver;
  const add = (type: Form["type"], settings: Values, list: string, item: Values) =>
    forms.push({ type, settings, list, item });
  if (email?.length) add("email", { addresses: email.join(";") }, "email_configs", { to: email.join(", ") });
  if (webhookUrl) {
    const url = write(webhookUrl, "webhookUrl");
    add("webhook", { url }, "webhook_configs", { url });
  }
  if (slackUrl) {
    const url = write(slackUrl, "slackUrl");
    add("slack", { url }, "slack_configs", { api_url: url });
  }
  if (teamsUrl) {
    const url = write(teamsUrl, "teamsUrl");
    add("teams", { url }, "msteamsv2_configs", { webhook_url: url });
  }
  if (pagerdutyKey) {
    const key = write(pagerdutyKey, "pagerdutyKey");
    add("pagerduty", { integrationKey: key }, "pagerduty_configs", { routing_key: key });
  }
  if (opsgenie) {
    const key = write(opsgenie.apiKey, "opsgenieApiKey");
    const host = opsgenieHost[opsgenie.region ?? "us"];
    const item = { api_key: key, api_url: host };
    add("opsgenie", { apiKey: key, apiUrl: `${host}v2/alerts` }, "opsgenie_configs", item);
  }
  if (sns) {
    const settings = { topic_arn: sns.topicArn, sigv4: sigv4(sns, write) };
    add("sns", settings, "sns_configs", settings);
  }
  return forms;
}

/** A receiver's integrations in Alertmanager's format; they contain secrets. */
export const alertmanagerIntegrations = (receiver: Receiver): Values =>
  Object.fromEntries(
    formsOf(receiver, (secret) => secret.reveal()).map(({ list, item }) => [
      list,
      [{ ...item, send_resolved: true }],
    ]),
  );

/** Identifier of an integration. Grafana does not start with one of more than 40 characters. */
function uidOf(name: string, type: Form["type"]): string {
  const uid = `${name}-${type}`;
  return uid.length > 40 ? checksum(uid) : uid;
}

/**
 * A receiver's integrations in Grafana's format, with variables for secrets. The variables have no braces: with braces
 * Grafana would also expand a dollar sign in the secret.
 */
export const grafanaIntegrations = (name: string, receiver: Receiver): Values[] =>
  formsOf(receiver, (_, setting) => `$${grafanaEnv.receiver(name, setting)}`).map(({ type, settings }) => ({
    uid: uidOf(name, type),
    type,
    settings,
  }));

/** Identifiers of the integrations that a receiver does not have. */
export function absentIntegrations(name: string, receiver: Receiver): string[] {
  const present = formsOf(receiver, () => "").map(({ type }) => type);
  return types.filter((type) => !present.includes(type)).map((type) => uidOf(name, type));
}

/** The secrets of all receivers, by the environment variable that Grafana reads. */
export function receiverSecrets({ alerting }: Settings): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [name, receiver] of Object.entries(alerting.receivers))
    formsOf(receiver, (secret, setting) => {
      secrets[grafanaEnv.receiver(name, setting)] = secret.reveal();
      return "";
    });
  return secrets;
}
