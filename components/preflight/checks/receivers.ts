import type { Settings } from "../../../settings";
import { type Check, type Finding, warning } from "../check";

const missing = (path: string, allowed: string): Finding => ({
  ...warning({ path, was: undefined, allowed }),
  unhealthy: true,
});

/** Missing settings without which the alerts of a prod stack reach no one. */
export const unpaged = ({ environment, alerting }: Settings): Finding[] =>
  environment === "prod"
    ? [
        ...(Object.keys(alerting.receivers).length
          ? []
          : [
              missing(
                "alerting.receivers",
                "at least one receiver: without it, alerts of this stack are not delivered",
              ),
            ]),
        ...(alerting.heartbeat
          ? []
          : [
              missing(
                "alerting.heartbeat",
                "a dead man's switch: without it, a failure of alerting itself goes unnoticed",
              ),
            ]),
      ]
    : [];

/** Alerts of a prod stack reach a receiver, and an external service raises an alarm if alerting stops. */
export const check: Check<never> = {
  name: "receivers of alerts",
  needs: [],
  find: ({ settings }) => unpaged(settings),
};
