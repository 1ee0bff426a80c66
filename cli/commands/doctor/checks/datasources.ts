import { CoreV1Api } from "@kubernetes/client-node";
import { parse } from "yaml";
import { datasources, namespaces, releases } from "../../../../names";
import { grafanaDatasources } from "../../../../values/grafana-datasources";
import { type Datasource, health, withGrafana } from "../../../lib/grafana";
import type { Check, Context, Finding } from "../check";
import { age, settling, talkers } from "../readings";

/** A datasource's identifier and name. */
export interface Known {
  uid: string;
  name: string;
}

const page = "docs/operations/troubleshooting.md";

/** Datasources that the stack has and somebody's list lacks: what is read through them cannot be read. */
export function judgeMissing(
  expected: Known[],
  there: Known[],
  where: "Grafana" | "its provisioning",
): Finding[] {
  return expected
    .filter(({ uid }) => !there.some((one) => one.uid === uid))
    .map(({ uid, name }) => ({
      severity: "critical" as const,
      layer: "components" as const,
      what:
        where === "Grafana"
          ? `Grafana has no datasource ${name}`
          : `datasource ${name} is not among those that Grafana is provisioned with`,
      evidence:
        where === "Grafana"
          ? `GET /api/datasources: none has the uid ${uid}`
          : `ConfigMap grafana/grafana, datasources.yaml: none has the uid ${uid}`,
      fix:
        where === "Grafana"
          ? "it is made anew when Grafana starts: kubectl -n grafana rollout restart deployment grafana"
          : "obs up puts the ConfigMap back",
      page,
    }));
}

/** Datasources that are there and do not work. */
async function sick(context: Context, expected: Known[]): Promise<Finding[]> {
  return withGrafana(context.config, context.settings, async (grafana) => {
    const there: Datasource[] = await grafana.json("/api/datasources");
    const ill: Finding[] = [];
    // Those of single tenants ask the same stores; `gateways` tries their passwords.
    for (const one of there.filter(({ uid }) => Object.values(datasources).some((own) => own.uid === uid))) {
      const error = await health(grafana, one).then(
        () => undefined,
        ({ message }: Error) => message,
      );
      if (error !== undefined)
        ill.push({
          severity: "critical",
          layer: "components",
          what: `Grafana's datasource ${one.name} does not work`,
          evidence: error.slice(0, 300),
          fix: "mend what it asks; is its password the one that the gateway takes?",
          page,
        });
    }
    return [...judgeMissing(expected, there, "Grafana"), ...ill];
  });
}

/** Those that Grafana's ConfigMap names. */
async function provisioned({ config, settings }: Context): Promise<Known[]> {
  const { data } = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedConfigMap({ namespace: namespaces(settings).grafana, name: releases.grafana });
  return parse(data?.["datasources.yaml"] ?? "")?.datasources ?? [];
}

/**
 * Grafana's datasources: those that are provisioned, and in dev, where the admin user may log in, those that Grafana has
 * and whether they work. In prod nobody logs in but people.
 */
export const check: Check = {
  name: "datasources",
  async look(context) {
    const expected = grafanaDatasources(context.settings)["datasources"] as Known[];
    const missing = judgeMissing(expected, await provisioned(context), "its provisioning");
    if (context.settings.environment !== "dev") return missing;
    const own = (await talkers(context)).filter(({ key }) => key === "grafana");
    // Why none is ready is said elsewhere; one that just started asks stores that may have done so, too.
    if (!own.some(({ ready }) => ready)) return missing;
    const found = await sick(context, expected);
    const young = own.every((one) => age(one) < settling / 3);
    return [...missing, ...found.map((one) => (young ? { ...one, severity: "note" as const } : one))];
  },
};
