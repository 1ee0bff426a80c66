import { type Check, warning } from "../check";

/** Somebody is told about the alerts of a prod stack, and that alerting itself works. */
export const check: Check<never> = {
  name: "receivers of alerts",
  needs: [],
  applies: ({ environment }) => environment === "prod",
  find: ({ settings: { alerting } }) => [
    ...(Object.keys(alerting.receivers).length
      ? []
      : [
          warning({
            path: "alerting.receivers",
            was: undefined,
            allowed: "at least one receiver: without it no alert of this stack reaches anybody",
          }),
        ]),
    ...(alerting.heartbeat
      ? []
      : [
          warning({
            path: "alerting.heartbeat",
            was: undefined,
            allowed: "a dead man's switch: without it nobody notices that alerting itself has stopped",
          }),
        ]),
  ],
};
