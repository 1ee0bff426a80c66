/** Clients that a gateway rejects, from the end of its log: nginx logs every answer that is not 2xx or 3xx. */
import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { namespaces, type Store } from "../../../names";
import type { Settings } from "../../../settings";
import { grouped } from "../../lib/text";
import { type Context, type Finding, findingIn } from "./check";

/** Seconds of the log that are read: clients write all the time, and what was fixed before does not matter. */
const past = 60;

/** The page about a store that accepts nothing. */
export const page = (store: Store): string =>
  ({
    loki: "docs/operations/runbooks/LogsDropped.md",
    mimir: "docs/operations/runbooks/AlloyRemoteWriteErrors.md",
    tempo: "docs/operations/runbooks/TracesDropped.md",
  })[store];

/** A rejected pod: its namespace, and the finding. */
export interface Refused {
  client: string;
  finding: Finding;
}

/** As nginx writes it: address [time] status "METHOD path" bytes user "program". */
const line = /^(\S+) \[[^\]]*\] (401|403) "(\S+) ([^\s?"]+)[^"]*" \d+ (\S*) "([^"]*)"/;

/** Pods of the stack that a gateway rejected, by pod and reason. */
export function judgeLog(settings: Settings, store: Store, log: string, pods: V1Pod[]): Refused[] {
  const ours = new Set(Object.values(namespaces(settings)));
  const requests = log.split("\n").flatMap((text) => {
    const [, address = "", ...parts] = line.exec(text) ?? [];
    const pod = pods.find(({ status, spec }) => address && status?.podIP === address && !spec?.hostNetwork);
    return pod && ours.has(pod.metadata?.namespace ?? "") ? [{ pod, address, parts }] : [];
  });
  const groups = grouped(requests, ({ address, parts }) => `${address} ${parts.join(" ")}`);
  return [...groups.values()].map(([{ pod, parts }, ...others]) => {
    const count = others.length + 1;
    const [status = "", method = "", path = "", user = ""] = parts;
    const { namespace = "", name = "" } = pod.metadata ?? {};
    const finding = findingIn("components")(
      "critical",
      status === "401"
        ? `the gateway of ${store} does not know as whom ${namespace}/${name} comes: a wrong user, tenant or password`
        : `the gateway of ${store} rejects ${namespace}/${name} as ${user}, which may not do that or not for that tenant`,
      `${count} times ${status} to ${method} ${path} within ${past} s, in the log of its gateway`,
      `compare its user with docs/guides/access.md: ./obs diff, then ./obs up, restores changes; a pod that has an old password: kubectl -n ${namespace} delete pod ${name}`,
      page(store),
    );
    return { client: namespace, finding };
  });
}

/** The end of the logs of gateways. */
export async function readLogs({ config }: Context, gateways: V1Pod[]): Promise<string> {
  const core = config.makeApiClient(CoreV1Api);
  const logs = gateways.map(({ metadata }) => {
    const pod = { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
    return core.readNamespacedPodLog({ ...pod, sinceSeconds: past, limitBytes: 512 * 1024 }).catch(() => "");
  });
  return (await Promise.all(logs)).join("\n");
}
