import { datasources, namespaces } from "../../../../names";
import { grafanaDatasources } from "../../../../values/grafana-datasources";
import { type Datasource, grafanaToken, health, withGrafana } from "../../../lib/grafana";
import { isReady } from "../../../lib/objects";
import { type Check, type Finding, findingIn } from "../check";
import { age, settling } from "../cluster-state";

/** A datasource's identifier and name. */
export type Known = Pick<Datasource, "uid" | "name">;

const finding = (what: string, evidence: string, fix: string): Finding =>
  findingIn("components").critical(what, evidence, fix, "docs/operations/troubleshooting.md");

/** Datasources of the stack that Grafana lacks. */
export const judgeMissing = (expected: Known[], found: Known[]): Finding[] =>
  expected
    .filter(({ uid }) => !found.some((one) => one.uid === uid))
    .map(({ uid, name }) =>
      finding(
        `Grafana has no data source ${name}`,
        `GET /api/datasources: none has the uid ${uid}`,
        "Grafana creates it when it starts: kubectl -n grafana rollout restart deployment grafana",
      ),
    );

/**
 * Datasources that Grafana lacks, or that do not work: in dev, where the admin user may log in, or with the token of a
 * service account. The check of drift compares the ConfigMap that Grafana is provisioned with.
 */
export const check: Check = {
  name: "datasources",
  async look(context) {
    const { settings, cluster } = context;
    const { grafana: namespace } = namespaces(settings);
    // If none is ready, the check of pods reports it.
    const pods = (await cluster.pods()).filter(
      (pod) => pod.metadata?.namespace === namespace && isReady(pod),
    );
    if ((settings.environment !== "dev" && !grafanaToken()) || !pods.length) return [];
    const found = await withGrafana(context, async (grafana) => {
      const all: Datasource[] = await grafana.json("/api/datasources");
      const missing = judgeMissing(grafanaDatasources(settings)["datasources"] as Known[], all);
      // Datasources of single tenants use the same stores; the check of gateways compares their passwords.
      const own = all.filter(({ uid }) => Object.values(datasources).some((one) => one.uid === uid));
      const failed = own.map((one) =>
        health(grafana, one).then(
          () => [],
          ({ message }: Error) => [
            finding(
              `Grafana's data source ${one.name} does not work`,
              message.slice(0, 300),
              "fix its store; check that its password is the one that the gateway accepts",
            ),
          ],
        ),
      );
      return [...missing, ...(await Promise.all(failed)).flat()];
    });
    // The stores of a Grafana that has just started may have done so, too.
    const young = pods.every((pod) => age(pod) < settling / 3);
    return found.map((one): Finding => (young ? { ...one, severity: "note" } : one));
  },
};
