import type { Settings } from "../../../settings";
import { type Check, type Finding, warning } from "../check";

const missing = (path: string, allowed: string): Finding => ({
  ...warning({ path, was: undefined, allowed }),
  unhealthy: true,
});

/** What keeps the alerts of a prod stack from reaching anybody. */
export const unpaged = ({ environment, alerting }: Settings): Finding[] =>
  environment === "prod"
    ? [
        ...(Object.keys(alerting.receivers).length
          ? []
          : [
              missing(
                "alerting.receivers",
                "at least one receiver: without it no alert of this stack reaches anybody",
              ),
            ]),
        ...(alerting.heartbeat
          ? []
          : [
              missing(
                "alerting.heartbeat",
                "a dead man's switch: without it nobody notices that alerting itself has stopped",
              ),
            ]),
      ]
    : [];

/** Alerts of a prod stack reach a receiver, and an external service notices if alerting stops. */
export const check: Check<never> = {
  name: "receivers of alerts",
  needs: [],
  find: ({ settings }) => unpaged(settings),
};
