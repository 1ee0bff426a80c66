import { CoreV1Api, DiscoveryV1Api, type V1EndpointSlice, type V1Pod } from "@kubernetes/client-node";
import { servedUrls, urls } from "../../../../names";
import type { Settings } from "../../../../settings";
import { inContainer } from "../../../lib/exec";
import type { Check, Finding } from "../check";
import type { ContainerLog } from "../logs";

const page = "docs/operations/runbook.md#network";
/** How long a name may take to resolve, in seconds. */
const answerWithin = 5;

const base = { layer: "cluster", page } as const;

/** Whether anyone serves the cluster's DNS. */
export function serverFindings(slices: V1EndpointSlice[]): Finding[] {
  const ready = slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap((e) => e.addresses),
  );
  if (ready.length) return [];
  return [
    {
      ...base,
      severity: "critical",
      what: "DNS of the cluster has no server: Service kube-system/kube-dns has no ready endpoint",
      evidence: `${slices.length} EndpointSlices, no ready address`,
      fix: "kubectl -n kube-system get pods -l k8s-app=kube-dns; mend CoreDNS",
    },
  ];
}

/** Lines that say that the DNS server gave no answer, and those that say that a name of the stack is unknown to it. */
const noAnswer =
  /(lookup [\w.-]+(?: on [\d.:]+)?: .*(?:i\/o timeout|connection refused|no route to host|server misbehaving|operation not permitted)|could not be resolved \(\d+: Operation timed out\))/i;
const noName =
  /(lookup [\w.-]*(?:svc\.cluster\.local|\.svc)[\w.-]*(?: on [\d.:]+)?: no such host|could not be resolved \(3: Host not found\))/i;

/** What recent logs say of DNS. One container's word is not enough: a name may be gone with what it belonged to. */
export function logFindings(logs: ContainerLog[]): Finding[] {
  return [noAnswer, noName].flatMap((pattern): Finding[] => {
    const said = logs.flatMap(({ namespace, pod, text }) => {
      const found = pattern.exec(text)?.[0];
      return found ? [{ who: `${namespace}/${pod}`, found }] : [];
    });
    const [first] = said;
    if (said.length < 2 || !first) return [];
    return [
      {
        ...base,
        severity: "warning",
        what:
          pattern === noAnswer
            ? "DNS of the cluster gives pods no answer"
            : "DNS of the cluster does not know names of the stack's Services",
        evidence: `${said.length} containers wrote so in the last minute; ${first.who}: ${first.found.slice(0, 200)}`,
        fix: "kubectl -n kube-system logs -l k8s-app=kube-dns; check that NetworkPolicies let the stack's pods reach port 53",
      },
    ];
  });
}

/**
 * Resolves a name with the tools of the container; prints `no tool` if it has none. nslookup of busybox ignores the search
 * domains for a name with dots, so it gets the whole name.
 */
export const script = (host: string, domain: string) =>
  `limit=; command -v timeout >/dev/null && limit="timeout ${answerWithin}"; ` +
  `if command -v getent >/dev/null; then $limit getent hosts ${host} || echo unknown; ` +
  `elif command -v nslookup >/dev/null; then $limit nslookup ${host}.${domain} 2>&1 || echo timed out; ` +
  "else echo no tool; fi";

/** What a resolver's words mean. */
export const resolved = (words: string): "yes" | "no" | "no tool" =>
  /no tool/.test(words)
    ? "no tool"
    : /unknown|can't (resolve|find)|NXDOMAIN|SERVFAIL|timed out|no servers/i.test(words)
      ? "no"
      : /\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]+/.test(words)
        ? "yes"
        : "no";

/** Where not even the script's words come, the pod or the way to it is slow; that says nothing of DNS. */
const late = (seconds: number) =>
  new Promise<string>((done) => setTimeout(() => done("no tool"), seconds * 1000).unref());

/** The Service whose name is resolved. An agent has no gateways, and its hub's are not in this cluster. */
export const resolvedHost = (settings: Settings): string =>
  new URL(settings.hub ? servedUrls(settings).otlpHttp : urls(settings).loki).hostname;

/** A Service's name resolves in pods of the stack; nothing is started for that. */
export const check: Check = {
  name: "DNS",
  async look({ config, cluster, settings }) {
    const { items } = await config.makeApiClient(DiscoveryV1Api).listNamespacedEndpointSlice({
      namespace: "kube-system",
      labelSelector: "kubernetes.io/service-name=kube-dns",
    });
    const core = config.makeApiClient(CoreV1Api);
    const hasService = await core
      .readNamespacedService({ namespace: "kube-system", name: "kube-dns" })
      .then(() => true)
      .catch(() => false);
    // Some clusters name the Service otherwise (rke2-coredns, coredns): there the lookup alone tells.
    const servers = hasService ? serverFindings(items) : [];
    const host = resolvedHost(settings);
    const pods = (await cluster.pods()).filter(canBeAsked);
    const asked = await ask(config, pods, host, settings.cluster.domain);
    const failed = asked.filter(({ answer }) => resolved(answer) === "no");
    const [first] = failed;
    const unresolved: Finding[] =
      first && failed.length === asked.filter(({ answer }) => resolved(answer) !== "no tool").length
        ? [
            {
              ...base,
              severity: "critical",
              what: `DNS inside the cluster does not resolve ${host}`,
              evidence: `${first.who}: ${first.answer.trim().slice(0, 200)}`,
              fix: "kubectl -n kube-system get endpointslices,pods -l k8s-app=kube-dns; mend CoreDNS, or the NetworkPolicy that keeps pods from it",
            },
          ]
        : [];
    const direct = [...servers, ...unresolved];
    // A name that resolves now is worth more than a line of a minute ago.
    const works = asked.some(({ answer }) => resolved(answer) === "yes");
    return direct.length ? direct : works ? [] : logFindings(await cluster.logs());
  },
};

/** Pods whose images have a shell with a resolver, at least in the official ones. */
const canBeAsked = ({ metadata, status }: V1Pod): boolean =>
  status?.phase === "Running" &&
  !metadata?.deletionTimestamp &&
  /^(grafana|alloy-metrics|alloy-traces|loki-gateway|mimir-gateway|tempo-gateway)-/.test(
    metadata?.name ?? "",
  );

async function ask(config: Parameters<typeof inContainer>[0], pods: V1Pod[], host: string, domain: string) {
  return Promise.all(
    pods.slice(0, 8).map(async ({ metadata, spec, status }) => {
      const { namespace = "", name: pod = "" } = metadata ?? {};
      const running = status?.containerStatuses?.find(
        ({ state, name: one }) => state?.running && spec?.containers.some((c) => c.name === one),
      );
      const container = running?.name ?? "";
      // Who cannot be asked says nothing of DNS.
      const answer = await Promise.race([
        inContainer(config, { namespace, pod, container }, script(host, domain)).catch(() => "no tool"),
        late(2 * answerWithin),
      ]);
      return { who: `${namespace}/${pod}`, answer };
    }),
  );
}
