import { type Check, warning } from "../check";

/** A prod stack has backups. */
export const check: Check<never> = {
  name: "backups",
  needs: [],
  applies: ({ environment }) => environment === "prod",
  find: ({ settings: { backups } }) =>
    backups.destination
      ? []
      : [
          warning({
            path: "backups.destination",
            was: undefined,
            allowed:
              "set to another S3: without it, there are no backups, and logs, metrics, traces and dashboards are lost with the object storage (docs/guides/backup.md)",
          }),
        ],
};
