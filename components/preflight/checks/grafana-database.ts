import { type Check, warning } from "../check";

/** A prod stack's Grafana survives the loss of its node only with an external database. */
export const check: Check<never> = {
  name: "Grafana's database",
  needs: [],
  find: ({ settings: { environment, grafana } }) =>
    environment === "prod" && !grafana.database
      ? [
          warning({
            path: "grafana.database",
            was: undefined,
            allowed:
              "a PostgreSQL database in production: SQLite on one volume allows one replica, which is unavailable while its node is lost",
          }),
        ]
      : [],
};
