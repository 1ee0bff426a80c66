/**
 * Contact points and notification policy for alerts that Grafana itself evaluates: the same receivers and routes as
 * Alertmanager's.
 */
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { matchersOf } from "./alertmanager";
import { absentIntegrations, grafanaIntegrations } from "./receivers";
import type { Values } from "./shared";

/** Name of the mute timing for alerts without notifications. */
const always = "always";

/** A matcher in Grafana's format: `severity =~ "critical"` in three parts. */
const inParts = (matcher: string) => {
  const [, label, operator, value] = /^(\S+) (\S+) "(.*)"$/.exec(matcher) ?? [];
  return [label, operator, value];
};

/** Provisioning files by name; none without receivers. */
export function grafanaAlerting(settings: Settings): Record<string, Values> {
  const { alerting } = settings;
  const names = Object.keys(alerting.receivers);
  const [first] = names;
  if (!first) return {};
  const toAll = (receivers: string[]) => receivers.map((receiver) => ({ receiver, continue: true }));
  const contactPoints = Object.entries(alerting.receivers).map(([name, receiver]) => ({
    orgId: 1,
    name,
    receivers: grafanaIntegrations(name, receiver),
  }));
  // Grafana would keep an integration that a receiver no longer has, and notify it.
  const deleteContactPoints = Object.entries(alerting.receivers).flatMap(([name, receiver]) =>
    absentIntegrations(name, receiver).map((uid) => ({ orgId: 1, uid })),
  );
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
    "contactpoints.yaml": { apiVersion: 1, contactPoints, deleteContactPoints },
    "mutetimes.yaml": { apiVersion: 1, muteTimes: [{ orgId: 1, name: always, time_intervals: [{}] }] },
    "policies.yaml": { apiVersion: 1, policies: [policy] },
  };
}
