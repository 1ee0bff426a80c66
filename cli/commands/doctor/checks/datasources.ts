import { CoreV1Api } from "@kubernetes/client-node";
import { parse } from "yaml";
import { datasources, namespaces, releases } from "../../../../names";
import { grafanaDatasources } from "../../../../values/grafana-datasources";
import { type Datasource, health, withGrafana } from "../../../lib/grafana";
import { isReady } from "../../../lib/objects";
import { type Check, type Context, type Finding, findingIn } from "../check";
import { age, settling } from "../cluster-state";

/** A datasource's identifier and name. */
export interface Known {
  uid: string;
  name: string;
}

const finding = (what: string, evidence: string, fix: string): Finding =>
  findingIn("components").critical(what, evidence, fix, "docs/operations/troubleshooting.md");

/** Datasources of the stack that Grafana or its ConfigMap lacks. */
export function judgeMissing(expected: Known[], found: Known[], where: "Grafana" | "ConfigMap"): Finding[] {
  return expected
    .filter(({ uid }) => !found.some((one) => one.uid === uid))
    .map(({ uid, name }) =>
      where === "Grafana"
        ? finding(
            `Grafana has no data source ${name}`,
            `GET /api/datasources: none has the uid ${uid}`,
            "Grafana creates it when it starts: kubectl -n grafana rollout restart deployment grafana",
          )
        : finding(
            `data source ${name} is not among those that Grafana is provisioned with`,
            `ConfigMap grafana/grafana, datasources.yaml: none has the uid ${uid}`,
            "./obs up restores the ConfigMap",
          ),
    );
}

/** Datasources that Grafana lacks, or that do not work. */
const failing = (context: Context, expected: Known[]): Promise<Finding[]> =>
  withGrafana(context, async (grafana) => {
    const all: Datasource[] = await grafana.json("/api/datasources");
    // Datasources of single tenants use the same stores; the check of gateways tries their passwords.
    const own = all.filter(({ uid }) => Object.values(datasources).some((one) => one.uid === uid));
    const found = judgeMissing(expected, all, "Grafana");
    for (const one of own)
      await health(grafana, one).catch(({ message }: Error) =>
        found.push(
          finding(
            `Grafana's data source ${one.name} does not work`,
            message.slice(0, 300),
            "fix its store; check that its password is the one that the gateway accepts",
          ),
        ),
      );
    return found;
  });

/**
 * Grafana's datasources: those in its ConfigMap, and in dev, where the admin user may log in, those that Grafana has and
 * whether they work.
 */
export const check: Check = {
  name: "datasources",
  async look(context) {
    const { config, settings, cluster } = context;
    const expected = grafanaDatasources(settings)["datasources"] as Known[];
    const { grafana: namespace } = namespaces(settings);
    const core = config.makeApiClient(CoreV1Api);
    const { data } = await core.readNamespacedConfigMap({ namespace, name: releases.grafana });
    const provisioned: Known[] = parse(data?.["datasources.yaml"] ?? "")?.datasources ?? [];
    const missing = judgeMissing(expected, provisioned, "ConfigMap");
    // If none is ready, the check of pods reports it.
    const pods = (await cluster.pods()).filter(
      (pod) => pod.metadata?.namespace === namespace && isReady(pod),
    );
    if (settings.environment !== "dev" || !pods.length) return missing;
    const found = await failing(context, expected);
    // The stores of a Grafana that has just started may have done so, too.
    const young = pods.every((pod) => age(pod) < settling / 3);
    return [...missing, ...found.map((one): Finding => (young ? { ...one, severity: "note" } : one))];
  },
};
