import type { V1Pod } from "@kubernetes/client-node";
import { namespaces, releases } from "../../../names";
import type { Settings } from "../../../settings";
import { type Check, error, warning } from "../check";

/** Whether the running Grafana has its database on a volume; none if no Grafana runs. */
function usesVolume(settings: Settings, pods: V1Pod[]): boolean | undefined {
  const running = pods.filter(
    ({ metadata }) =>
      metadata?.namespace === namespaces(settings).grafana &&
      metadata.labels?.["app.kubernetes.io/name"] === "grafana",
  );
  if (running.length === 0) return undefined;
  return running.some(({ spec }) =>
    spec?.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === releases.grafana),
  );
}

/**
 * A prod stack's Grafana survives the loss of its node only with an external database. Another database is empty:
 * Grafana does not copy users, dashboards and alert rules.
 */
export const check: Check<"pods"> = {
  name: "Grafana's database",
  needs: ["pods"],
  find({ settings, facts }) {
    const { environment, grafana } = settings;
    const volume = usesVolume(settings, facts.pods);
    if (volume !== undefined && volume === (grafana.database !== undefined))
      return [
        error({
          path: "grafana.database",
          was: grafana.database?.host,
          allowed: `${volume ? "unset" : "set"}: users, dashboards and alert rules are in ${volume ? "SQLite on the volume" : "PostgreSQL"}, and Grafana does not move them (docs/guides/grafana.md#another-database)`,
        }),
      ];
    return environment === "prod" && !grafana.database
      ? [
          warning({
            path: "grafana.database",
            was: undefined,
            allowed:
              "a PostgreSQL database in production: SQLite on one volume allows one replica, which is unavailable while its node is lost",
          }),
        ]
      : [];
  },
};
