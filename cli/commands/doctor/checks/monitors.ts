import { namespaces, owner, tenants } from "../../../../names";
import { isReady, type Json } from "../../../lib/objects";
import { podText } from "../../../lib/tunnel";
import { customObjects } from "../../coverage/read";
import { type Check, type Finding, findingIn } from "../check";

const finding = findingIn("components", "docs/guides/metrics.md#what-is-scraped");

/** The kinds of monitors, and the component of Alloy that reads each. */
const kinds = {
  ServiceMonitor: "servicemonitors",
  PodMonitor: "podmonitors",
  Probe: "probes",
  ScrapeConfig: "scrapeconfigs",
} as const;
type Kind = keyof typeof kinds;

/** A block or attribute of the state that a component of Alloy reports. */
interface Part {
  name: string;
  /** The parts of a block. */
  body?: Part[];
  /** The value of an attribute. */
  value?: { value?: unknown };
}

/** Monitors of a kind that Alloy cannot convert to scrape configurations. */
function judgeMonitors(kind: Kind, state: Part[]): Finding[] {
  const monitors = state.filter(({ name }) => name === "crds");
  return monitors.flatMap(({ body = [] }) => {
    const {
      namespace,
      name,
      reconcile_error: reason,
    } = Object.fromEntries(body.map((attribute) => [attribute.name, attribute.value?.value]));
    if (!reason) return [];
    return finding.warning(
      `${kind} ${namespace}/${name} is not scraped: Alloy rejects it`,
      String(reason),
      `kubectl -n ${namespace} edit ${kind.toLowerCase()} ${name}; if it references a Secret, Alloy needs a Role for it`,
    );
  });
}

/**
 * ScrapeConfigs with discovery that Alloy ignores without an error. It supports static targets and HTTP.
 *
 * @param prometheus whether the cluster has this stack's Prometheus; agents have none
 */
export const judgeDiscovery = (scrapeConfigs: Json[], prometheus: boolean): Finding[] =>
  scrapeConfigs
    .filter(({ metadata }) => metadata.labels?.[owner.scraper] !== "prometheus")
    .flatMap(({ metadata: { namespace, name }, spec }) => {
      const ignored = Object.keys(spec).filter((key) => /SDConfigs$/.test(key) && key !== "httpSDConfigs");
      if (!ignored.length) return [];
      const what = `Alloy ignores targets of ScrapeConfig ${namespace}/${name}`;
      const use = "use staticConfigs or httpSDConfigs";
      return prometheus
        ? finding.note(
            `${what}; Prometheus scrapes them`,
            ignored.join(", "),
            `none if Prometheus is enough: label it ${owner.scraper}=prometheus; otherwise ${use}`,
          )
        : finding.warning(`${what}, and nothing else scrapes them`, ignored.join(", "), use);
    });

/** Monitors that an Alloy for metrics rejects. @param read a page of its API */
export async function rejectedMonitors(read: (path: string) => Promise<string>): Promise<Finding[]> {
  const findings = (Object.keys(kinds) as Kind[]).map(async (kind) => {
    const component = `tenant.${tenants.pods}/prometheus.operator.${kinds[kind]}.all`;
    const { debugInfo } = JSON.parse(await read(`/api/v0/web/components/${component}`));
    return judgeMonitors(kind, debugInfo ?? []);
  });
  return (await Promise.all(findings)).flat();
}

/** Whether Alloy for metrics can use all monitors. Each replica reads all, and only logs an error. */
export const check: Check = {
  name: "monitors",
  async look({ config, settings, cluster }) {
    const namespace = namespaces(settings).alloyMetrics;
    const pods = await cluster.pods();
    const pod = pods.find((one) => one.metadata?.namespace === namespace && isReady(one))?.metadata?.name;
    if (!pod) return []; // reported by the check of pods
    const read = (path: string) => podText(config, { namespace, selector: "", pod, port: 12345 }, path);
    const scrapeConfigs = await customObjects(config, "monitoring.coreos.com/v1alpha1", "ScrapeConfig");
    return [...(await rejectedMonitors(read)), ...judgeDiscovery(scrapeConfigs, !settings.hub)];
  },
};
