import type { KubeConfig, V1Pod } from "@kubernetes/client-node";
import { servedUrls, urls } from "../../../../names";
import type { Settings } from "../../../../settings";
import { inContainer } from "../../../lib/exec";
import { within } from "../../../lib/poll";
import { type Check, findingIn } from "../check";

/** Seconds that a name may take to resolve. */
const answerWithin = 5;

/**
 * Resolves a name with the tools of the container; prints `no tool` if it has none. nslookup of busybox ignores the search
 * domains for a name with dots, so it gets the whole name.
 */
export const script = (host: string, domain: string) =>
  `limit=; command -v timeout >/dev/null && limit="timeout ${answerWithin}"; ` +
  `if command -v getent >/dev/null; then $limit getent hosts ${host} || echo unknown; ` +
  `elif command -v nslookup >/dev/null; then $limit nslookup ${host}.${domain} 2>&1 || echo timed out; ` +
  "else echo no tool; fi";

/** The result of a lookup, from the output of the script. */
export function resolved(output: string): "yes" | "no" | "no tool" {
  if (/no tool/.test(output)) return "no tool";
  if (/unknown|can't (resolve|find)|NXDOMAIN|SERVFAIL|timed out|no servers/i.test(output)) return "no";
  return /\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]+/.test(output) ? "yes" : "no";
}

/** The Service whose name is resolved. An agent has no gateways, and its hub's are not in this cluster. */
export const resolvedHost = (settings: Settings): string =>
  new URL(settings.hub ? servedUrls(settings).otlpHttp : urls(settings).loki).hostname;

/** Whether the official image of a pod has a shell with a resolver. */
const hasResolver = ({ metadata, status }: V1Pod): boolean =>
  status?.phase === "Running" &&
  !metadata?.deletionTimestamp &&
  /^(grafana|alloy-metrics|alloy-traces|loki-gateway|mimir-gateway|tempo-gateway)-/.test(
    metadata?.name ?? "",
  );

/** The output of the script in a pod. A pod that does not run it says nothing about DNS. */
async function lookUp(config: KubeConfig, { metadata, spec, status }: V1Pod, command: string) {
  const { namespace = "", name: pod = "" } = metadata ?? {};
  const running = status?.containerStatuses?.find(
    ({ state, name }) => state?.running && spec?.containers.some((one) => one.name === name),
  );
  const output = inContainer(config, { namespace, pod, container: running?.name ?? "" }, command);
  return {
    pod: `${namespace}/${pod}`,
    output: await within(2 * answerWithin, output).catch(() => "no tool"),
  };
}

/** Whether the name of a Service resolves in pods of the stack. */
export const check: Check = {
  name: "DNS",
  async look({ config, cluster, settings }) {
    const host = resolvedHost(settings);
    const pods = (await cluster.pods()).filter(hasResolver).slice(0, 8);
    const command = script(host, settings.cluster.domain);
    const all = await Promise.all(pods.map((pod) => lookUp(config, pod, command)));
    const known = all.filter(({ output }) => resolved(output) !== "no tool");
    const [first] = known;
    if (!first || known.some(({ output }) => resolved(output) === "yes")) return [];
    return [
      findingIn("cluster", "docs/operations/runbook.md#network").critical(
        `DNS inside the cluster does not resolve ${host}`,
        `${first.pod}: ${first.output.trim().slice(0, 200)}`,
        "fix CoreDNS (kubectl -n kube-system get endpointslices,pods -l k8s-app=kube-dns), or the NetworkPolicy that blocks port 53",
      ),
    ];
  },
};
