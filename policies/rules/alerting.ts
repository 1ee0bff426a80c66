/** Delivery of alerts. */
import { parse } from "yaml";
import type { SubjectRule, Tree } from "../rule";

const file = "alertmanager.yaml";

/** Whether a receiver sends any notifications. */
const sends = (receiver: Tree | undefined): boolean =>
  Object.entries(receiver ?? {}).some(([key, value]) => key.endsWith("_configs") && value?.length > 0);

export const alertsDelivered: SubjectRule = {
  id: "alerts-delivered",
  requires: "Production's Alertmanagers have a receiver and a dead man's switch.",
  why: "an outage that pages no one lasts until a user reports it",
  level: { dev: "disabled", prod: "advisory" },
  check: ({ kind, object }) => {
    const text: unknown = object["stringData"]?.[file];
    if (kind !== "Secret" || typeof text !== "string") return [];
    const { receivers = [], route = {} } = parse(text) as { receivers?: Tree[]; route?: Tree };
    const watchdog = ((route["routes"] ?? []) as Tree[]).find(({ matchers }) =>
      matchers?.includes('alertname = "Watchdog"'),
    );
    const beats = sends(receivers.find(({ name }) => name === watchdog?.["receiver"]));
    // Names in parentheses belong to the stack's own receivers: values/alertmanager.ts.
    const paged = receivers.some((receiver) => !/^\(.*\)$/.test(receiver["name"]) && sends(receiver));
    return [
      ...(paged ? [] : [{ what: "no receiver gets alerts", fix: "Set alerting.receivers." }]),
      ...(beats ? [] : [{ what: "it has no dead man's switch", fix: "Set alerting.heartbeat." }]),
    ];
  },
};
