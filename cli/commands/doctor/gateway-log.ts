/** Whom a gateway turns away, from the end of its log: nginx tells what it did not answer with 2xx or 3xx. */
import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { podsOf } from "../../../components/port-forward";
import { namespaces, type Store } from "../../../names";
import type { Settings } from "../../../settings";
import type { Context, Finding } from "./check";

/** Seconds of the log that are read: who writes does so all the time, and what was mended is soon forgotten. */
const past = 60;

/** Where to read on about a store that takes nothing. */
export const page = (store: Store): string =>
  ({
    loki: "docs/operations/runbooks/LogsDropped.md",
    mimir: "docs/operations/runbooks/AlloyRemoteWriteErrors.md",
    tempo: "docs/operations/runbooks/TracesDropped.md",
  })[store];

/** A pod that was turned away, and what to say of it. */
export interface Refused {
  /** Its namespace. */
  client: string;
  finding: Finding;
}

/** As nginx writes it: address [time] status "METHOD path" bytes user "program". */
const line = /^(\S+) \[[^\]]*\] (401|403) "(\S+) ([^\s?"]+)[^"]*" \d+ (\S*) "([^"]*)"/;

/** Whom a gateway turned away, by pod and reason; only pods of the stack, as whom else is not the stack's affair. */
export function judgeLog(settings: Settings, store: Store, log: string, pods: V1Pod[]): Refused[] {
  const ours = new Set(Object.values(namespaces(settings)));
  const by = new Map<string, { count: number; pod: V1Pod; parts: string[] }>();
  for (const text of log.split("\n")) {
    const [, address = "", ...parts] = line.exec(text) ?? [];
    const pod = pods.find(({ status, spec }) => address && status?.podIP === address && !spec?.hostNetwork);
    if (!pod || !ours.has(pod.metadata?.namespace ?? "")) continue;
    const key = `${address} ${parts.join(" ")}`;
    by.set(key, { count: (by.get(key)?.count ?? 0) + 1, pod, parts });
  }
  return [...by.values()].map(({ count, pod, parts }) => {
    const [status = "", method = "", path = "", user = ""] = parts;
    const { namespace = "", name = "" } = pod.metadata ?? {};
    return {
      client: namespace,
      finding: {
        severity: "critical",
        layer: "components",
        what:
          status === "401"
            ? `the gateway of ${store} does not know as whom ${namespace}/${name} comes: a wrong user, tenant or password`
            : `the gateway of ${store} lets ${namespace}/${name} in as ${user}, who may not do that or not as that tenant`,
        evidence: `${count} times ${status} to ${method} ${path} within ${past} s, in the log of its gateway`,
        fix: `compare its user with docs/guides/access.md: obs diff, then obs up, puts back what was changed; a pod that has an old password: kubectl -n ${namespace} delete pod ${name}`,
        page: page(store),
      },
    };
  });
}

/** Reads the log of a store's gateways. */
export async function refusals({ config, settings, cluster }: Context, store: Store): Promise<Refused[]> {
  const namespace = namespaces(settings)[store];
  const gateways = await podsOf(config, {
    namespace,
    selector: "app.kubernetes.io/component=gateway",
  });
  const core = config.makeApiClient(CoreV1Api);
  const logs = await Promise.all(
    gateways.map(({ metadata }) =>
      core
        .readNamespacedPodLog({
          namespace,
          name: metadata?.name ?? "",
          sinceSeconds: past,
          limitBytes: 512 * 1024,
        })
        .catch(() => ""),
    ),
  );
  return judgeLog(settings, store, logs.join("\n"), await cluster.pods());
}
