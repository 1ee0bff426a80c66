/** Contact points and notification policy of alerts that Grafana itself evaluates: the same receivers and routes as Alertmanager's. */
import { grafanaEnv } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { matchersOf } from "./alertmanager";
import type { Values } from "./shared";

type Way = keyof Settings["alerting"]["receivers"][string];

/** How Grafana calls a way, and under which key it has its secret. */
const kinds: Record<Way, { type: string; key: string }> = {
  webhookUrl: { type: "webhook", key: "url" },
  slackUrl: { type: "slack", key: "url" },
  pagerdutyKey: { type: "pagerduty", key: "integrationKey" },
};

/** Each way of each receiver: the variable that holds its secret, and the secret. */
export const receiverSecrets = ({
  alerting,
}: Settings): { name: string; way: Way; variable: string; value: string }[] =>
  Object.entries(alerting.receivers).flatMap(([name, ways]) =>
    (Object.keys(kinds) as Way[]).flatMap((way) => {
      const value = ways[way]?.reveal();
      return value === undefined ? [] : [{ name, way, variable: grafanaEnv.receiver(name, way), value }];
    }),
  );

/** Name of the mute timing for alerts that nobody is told about. */
const always = "always";

/** A matcher in Grafana's form: `severity =~ "critical"` in three parts. */
const inParts = (matcher: string) => {
  const [, label, operator, value] = /^(\S+) (\S+) "(.*)"$/.exec(matcher) ?? [];
  return [label, operator, value];
};

/** Provisioning files by name; none where nobody is to be told. */
export function grafanaAlerting(settings: Settings): Record<string, Values> {
  const { alerting } = settings;
  const names = Object.keys(alerting.receivers);
  const [first] = names;
  if (!first) return {};
  const toAll = (receivers: string[]) => receivers.map((receiver) => ({ receiver, continue: true }));
  const contactPoints = names.map((name) => ({
    orgId: 1,
    name,
    receivers: receiverSecrets(settings)
      .filter((secret) => secret.name === name)
      .map(({ way, variable }) => ({
        uid: `${name}-${kinds[way].type}`,
        type: kinds[way].type,
        // Without braces: with them Grafana would take a dollar in the secret for another variable.
        settings: { [kinds[way].key]: `$${variable}` },
      })),
  }));
  const policy = {
    orgId: 1,
    receiver: first,
    group_by: ["cluster", "namespace", "alertname"],
    group_wait: goDuration(alerting.groupWait),
    group_interval: "5m",
    repeat_interval: goDuration(alerting.repeatInterval),
    routes: [
      ...alerting.routes.map((route) => ({
        receiver: first,
        object_matchers: matchersOf(route).map(inParts),
        ...(route.receivers.length ? { routes: toAll(route.receivers) } : { mute_time_intervals: [always] }),
      })),
      ...toAll(names),
    ],
  };
  return {
    "contactpoints.yaml": { apiVersion: 1, contactPoints },
    "mutetimes.yaml": { apiVersion: 1, muteTimes: [{ orgId: 1, name: always, time_intervals: [{}] }] },
    "policies.yaml": { apiVersion: 1, policies: [policy] },
  };
}
