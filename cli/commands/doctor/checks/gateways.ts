import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { gatewayAccess, type NamespaceKey, namespaces, type Store, stores } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Credential, credentialKeys, gatewayClients, gatewayUsers } from "../../../../values/gateway";
import { basicAuth, gatewayPods } from "../../../lib/gateway";
import { ifThere, isReady, secretText } from "../../../lib/objects";
import { grouped } from "../../../lib/text";
import { askPod } from "../../../lib/tunnel";
import { type Check, type Context, type Finding, findingIn } from "../check";
import { podsOf } from "../cluster-state";

/** A path for each role. A POST-only path answers 405 to a GET, so that nothing is written. */
const paths: Record<Store, { read: string; write: string; rules?: string }> = {
  loki: { read: "/loki/api/v1/status/buildinfo", write: "/loki/api/v1/push" },
  mimir: {
    read: "/api/v1/status/buildinfo",
    write: "/api/v1/push",
    rules: "/prometheus/config/v1/rules",
  },
  tempo: { read: "/api/echo", write: "/v1/traces" },
};

/** The page about a store that accepts nothing. */
const pages: Record<Store, string> = {
  loki: "docs/operations/runbooks/LogsDropped.md",
  mimir: "docs/operations/runbooks/AlloyRemoteWriteErrors.md",
  tempo: "docs/operations/runbooks/TracesDropped.md",
};

/** A client of a gateway. */
interface Client {
  /** Its namespace. */
  client: string;
  credential: Credential;
  /** The password in its Secret; empty if there is none. */
  password: string;
}

/** A client with the gateway's status code; none if its Secret has no password. */
export type Asked = Omit<Client, "password"> & { status?: number };

/** Credentials that a gateway rejects: one finding for each client and gateway. */
export function judgeUsers(settings: Settings, all: Asked[]): Finding[] {
  const refused = all.filter(({ status = 401 }) => status === 401 || status === 403);
  const groups = grouped(refused, ({ client, credential, status }) => `${client} ${credential[0]} ${status}`);
  return [...groups.values()].map((group): Finding => {
    const [{ client, credential, status }] = group;
    const [store] = credential;
    const users = group.map(({ credential: [, user] }) => user).join(", ");
    const secret = `${client}/${gatewayAccess.credentialsSecret}`;
    return findingIn("components").critical(
      status === undefined
        ? `Secret ${secret} lacks the password of ${users} for the gateway of ${store}`
        : `the gateway of ${store} rejects ${users} with the password that ${client} has`,
      status === undefined
        ? "the key does not exist"
        : `it answers ${status} to ${users}, as in Secret ${secret}`,
      `./obs up restores the passwords on both sides; gateways read theirs when they start: kubectl -n ${namespaces(settings)[store]} rollout restart deployment ${store}-gateway`,
      pages[store],
    );
  });
}

/** Seconds of a gateway's log that are read: clients write all the time, and what was fixed before does not matter. */
const past = 60;

/** A rejected pod: its namespace, and the finding. */
interface Refused {
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
    const finding = findingIn("components").critical(
      status === "401"
        ? `the gateway of ${store} does not know as whom ${namespace}/${name} comes: a wrong user, tenant or password`
        : `the gateway of ${store} rejects ${namespace}/${name} as ${user}, which may not do that or not for that tenant`,
      `${count} times ${status} to ${method} ${path} within ${past} s, in the log of its gateway`,
      `compare its user with docs/guides/access.md: ./obs diff, then ./obs up, restores changes; a pod that has an old password: kubectl -n ${namespace} delete pod ${name}`,
      pages[store],
    );
    return { client: namespace, finding };
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

/** The clients of all gateways, with the passwords in their namespaces. */
async function clientsOf({ config, settings }: Context): Promise<Client[]> {
  const core = config.makeApiClient(CoreV1Api);
  const all = Object.entries(gatewayClients(settings)).map(async ([key, credentials]) => {
    const client = namespaces(settings)[key as NamespaceKey];
    const name = gatewayAccess.credentialsSecret;
    const secret = await ifThere(core.readNamespacedSecret({ namespace: client, name }));
    return credentials.map((credential) => ({
      client,
      credential,
      password: secretText(secret, credentialKeys(...credential).password),
    }));
  });
  return (await Promise.all(all)).flat();
}

/** Sends a gateway a request as each of its clients; the same user and password only once. */
async function askAs({ config, settings }: Context, store: Store, clients: Client[]): Promise<Asked[]> {
  const roles = new Map(gatewayUsers(store, settings).map(({ name, role }) => [name, role]));
  const pods = gatewayPods(namespaces(settings)[store]);
  const answers = new Map<string, Promise<number>>();
  const statusOf = ([, user]: Credential, password: string): Promise<number> => {
    const authorization = basicAuth(user, password);
    const path = paths[store][roles.get(user) ?? "read"] ?? paths[store].read;
    const answer =
      answers.get(authorization) ??
      askPod(config, pods, path, { headers: { authorization } }).then(({ status }) => status);
    answers.set(authorization, answer);
    return answer;
  };
  return Promise.all(
    clients.map(async ({ client, credential, password }) => ({
      client,
      credential,
      ...(password && { status: await statusOf(credential, password) }),
    })),
  );
}

/** Whether the gateways of Loki, Mimir and Tempo accept every client's password, and the requests that they rejected. */
export const check: Check = {
  name: "gateways",
  async look(context) {
    const { settings, cluster } = context;
    const [clients, pods] = await Promise.all([clientsOf(context), cluster.pods()]);
    const judged = stores.map(async (store) => {
      // If none is ready, the check of pods reports it.
      const gateways = podsOf(pods, namespaces(settings)[store], "gateway");
      if (!gateways.some(isReady)) return [];
      const own = clients.filter(({ credential }) => credential[0] === store);
      const [asked, log] = await Promise.all([askAs(context, store, own), readLogs(context, gateways)]);
      const users = judgeUsers(settings, asked);
      // A client with a wrong password is in the log, too.
      const others = judgeLog(settings, store, log, pods).filter(
        ({ client }) => !users.some(({ what }) => what.includes(`that ${client} has`)),
      );
      return [...users, ...others.map(({ finding }) => finding)];
    });
    return (await Promise.all(judged)).flat();
  },
};
