import { CoreV1Api, type V1Pod, type V1Secret } from "@kubernetes/client-node";
import { gatewayAccess, type NamespaceKey, namespaces, type Store, stores } from "../../../../names";
import type { Settings } from "../../../../settings";
import {
  type Credential,
  credentialKeys,
  gatewayClients,
  gatewayUsersFile,
} from "../../../../values/gateway";
import { secretText } from "../../../lib/objects";
import { grouped } from "../../../lib/text";
import { type Check, type Context, type Finding, findingIn } from "../check";
import { podsOf } from "../cluster-state";

/** The page about a store that accepts nothing. */
const pages: Record<Store, string> = {
  loki: "docs/operations/runbooks/LogsDropped.md",
  mimir: "docs/operations/runbooks/AlloyRemoteWriteErrors.md",
  tempo: "docs/operations/runbooks/TracesDropped.md",
};

/** Clients whose Secret lacks a password, or has one that the gateway does not accept: one finding for each client and gateway. */
export function judgeClients(settings: Settings, secrets: V1Secret[]): (Finding & { client: string })[] {
  const { credentialsSecret: name, usersSecret, usersFile } = gatewayAccess;
  const places = namespaces(settings);
  const textIn = (place: NamespaceKey, secret: string, key: string) =>
    secretText(
      secrets.find(({ metadata }) => metadata?.namespace === places[place] && metadata.name === secret),
      key,
    );
  const clients = Object.entries(gatewayClients(settings)) as [NamespaceKey, Credential[]][];
  const rejected = clients.flatMap(([key, credentials]) =>
    credentials.flatMap(([store, user]) => {
      const password = textIn(key, name, credentialKeys(store, user).password);
      const accepted = textIn(store, usersSecret, usersFile).includes(
        gatewayUsersFile({ [user]: [password] }),
      );
      return accepted ? [] : [{ client: places[key], store, user, lacks: !password }];
    }),
  );
  const groups = grouped(rejected, ({ client, store, lacks }) => `${client} ${store} ${lacks}`);
  return [...groups.values()].map((group) => {
    const [{ client, store, lacks }] = group;
    const users = group.map(({ user }) => user).join(", ");
    const secret = `${client}/${name}`;
    const finding = findingIn("components").critical(
      lacks
        ? `Secret ${secret} lacks the password of ${users} for the gateway of ${store}`
        : `the gateway of ${store} rejects ${users} with the password that ${client} has`,
      lacks
        ? "the key does not exist"
        : `Secret ${places[store]}/${usersSecret} does not have the password in Secret ${secret}`,
      `./obs up restores the passwords on both sides; gateways read theirs when they start: kubectl -n ${places[store]} rollout restart deployment ${store}-gateway`,
      pages[store],
    );
    return { ...finding, client };
  });
}

/** Seconds of a gateway's log that are read: clients write all the time, and what was fixed before does not matter. */
const past = 60;

/** As nginx writes it: address [time] status "METHOD path" bytes user "program". */
const line = /^(\S+) \[[^\]]*\] (401|403) "(\S+) ([^\s?"]+)[^"]*" \d+ (\S*) "([^"]*)"/;

/** Pods of the stack that a gateway rejected, by pod and reason. */
export function judgeLog(store: Store, log: string, pods: V1Pod[]): Finding[] {
  const requests = log.split("\n").flatMap((text) => {
    const [, address = "", ...parts] = line.exec(text) ?? [];
    const pod = pods.find(({ status, spec }) => address && status?.podIP === address && !spec?.hostNetwork);
    return pod ? [{ pod, address, parts }] : [];
  });
  const groups = grouped(requests, ({ address, parts }) => `${address} ${parts.join(" ")}`);
  return [...groups.values()].map(([{ pod, parts }, ...others]) => {
    const count = others.length + 1;
    const [status = "", method = "", path = "", user = ""] = parts;
    const { namespace = "", name = "" } = pod.metadata ?? {};
    return findingIn("components").critical(
      status === "401"
        ? `the gateway of ${store} does not know as whom ${namespace}/${name} comes: a wrong user, tenant or password`
        : `the gateway of ${store} rejects ${namespace}/${name} as ${user}, which may not do that or not for that tenant`,
      `${count} times ${status} to ${method} ${path} within ${past} s, in the log of its gateway`,
      `compare its user with docs/guides/access.md: ./obs diff, then ./obs up, restores changes; a pod that has an old password: kubectl -n ${namespace} delete pod ${name}`,
      pages[store],
    );
  });
}

/** The end of the logs of gateways: nginx logs every answer that is not 2xx or 3xx. */
async function readLogs({ config }: Context, gateways: V1Pod[]): Promise<string> {
  const core = config.makeApiClient(CoreV1Api);
  const logs = gateways.map(({ metadata }) => {
    const pod = { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
    return core.readNamespacedPodLog({ ...pod, sinceSeconds: past, limitBytes: 512 * 1024 }).catch(() => "");
  });
  return (await Promise.all(logs)).join("\n");
}

/** Whether clients have the passwords of the gateways of Loki, Mimir and Tempo, and the requests that those rejected. */
export const check: Check = {
  name: "gateways",
  async look(context) {
    const { settings, cluster } = context;
    const [secrets, pods] = await Promise.all([cluster.secrets(), cluster.pods()]);
    const rejected = judgeClients(settings, secrets);
    // A client with a wrong password is in the log, too.
    const others = pods.filter(
      ({ metadata }) => !rejected.some(({ client }) => client === metadata?.namespace),
    );
    const logs = stores.map(async (store) => {
      const gateways = podsOf(pods, namespaces(settings)[store], "gateway");
      return judgeLog(store, await readLogs(context, gateways), others);
    });
    return [...rejected.map(({ client: _, ...finding }) => finding), ...(await Promise.all(logs)).flat()];
  },
};
