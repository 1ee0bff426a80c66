import { CoreV1Api } from "@kubernetes/client-node";
import { gatewayAccess, type NamespaceKey, namespaces, type Store, stores } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Credential, credentialKeys, gatewayClients, gatewayUsers } from "../../../../values/gateway";
import { basicAuth, gatewayPods } from "../../../lib/gateway";
import { ifThere, isReady, secretText } from "../../../lib/objects";
import { grouped } from "../../../lib/text";
import { askPod } from "../../../lib/tunnel";
import { type Check, type Context, type Finding, findingIn } from "../check";
import { judgeLog, page, readLogs } from "../gateway-log";
import { podsOf } from "../instances";

/** Paths that a user may read or write. A POST-only path answers 405 to a GET, so that nothing is written. */
const paths = {
  loki: { read: "/loki/api/v1/status/buildinfo", write: "/loki/api/v1/push" },
  mimir: { read: "/api/v1/status/buildinfo", write: "/api/v1/push" },
  tempo: { read: "/api/echo", write: "/v1/traces" },
} as const;

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
    return findingIn("components")(
      "critical",
      status === undefined
        ? `Secret ${secret} lacks the password of ${users} for the gateway of ${store}`
        : `the gateway of ${store} refuses ${users} with the password that ${client} has`,
      status === undefined
        ? "the key does not exist"
        : `it answers ${status} to ${users}, as in Secret ${secret}`,
      `./obs up restores the passwords on both sides; gateways read theirs when they start: kubectl -n ${namespaces(settings)[store]} rollout restart deployment ${store}-gateway`,
      page(store),
    );
  });
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
    const path = paths[store][roles.get(user) ?? "read"];
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
