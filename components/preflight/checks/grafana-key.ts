import { grafana, keyOrigin, namespaces } from "../../../names";
import { type Check, error } from "../check";

/** Grafana's secret key stays: with another one, Grafana cannot decrypt the secrets in its database. */
export const check: Check<"grafanaKey"> = {
  name: "Grafana's secret key",
  needs: ["grafanaKey"],
  find({ settings, facts: { grafanaKey: live } }) {
    const given = settings.grafana.secretKey?.reveal();
    const changed = live && (given ? given !== live.key : live.origin === keyOrigin.given);
    if (!changed) return [];
    const secret = `${namespaces(settings).grafana}/${grafana.secret}`;
    return [
      error({
        path: "grafana.secretKey",
        was: given && "[secret]",
        allowed:
          live.origin === keyOrigin.given
            ? `the key in Secret ${secret}, which encrypted the secrets in Grafana's database`
            : `unset, or the generated key in Secret ${secret}, which encrypted the secrets in Grafana's database`,
        change:
          "docs/guides/backup.md#keys reads that key, and explains how to use a database with another key",
      }),
    ];
  },
};
