import { CoreV1Api } from "@kubernetes/client-node";
import { gatewayAccess, type NamespaceKey, namespaces, type Store, stores } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Credential, credentialKeys, gatewayClients, gatewayUsers } from "../../../../values/gateway";
import { throughTunnel } from "../../../lib/tunnel";
import type { Check, Context, Finding } from "../check";
import { page, refusals } from "../gateway-log";

/** What a user is asked for: who may write gets 405 where only POST is served, so that nothing is written. */
const question = {
  loki: { read: "/loki/api/v1/status/buildinfo", write: "/loki/api/v1/push" },
  mimir: { read: "/api/v1/status/buildinfo", write: "/api/v1/push" },
  tempo: { read: "/api/echo", write: "/v1/traces" },
} as const;

/** A client of a gateway and the answer that its user and password got; no status where its Secret lacks them. */
export interface Asked {
  /** Namespace of the client. */
  client: string;
  credential: Credential;
  status?: number;
}

/** Which clients' users and passwords a gateway does not take: one finding for each client and gateway. */
export function judgeUsers(settings: Settings, all: Asked[]): Finding[] {
  const bad = all.filter(({ status }) => status === undefined || status === 401 || status === 403);
  const groups = new Map<string, Asked[]>();
  for (const one of bad) {
    const name = `${one.client} ${one.credential[0]} ${one.status}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()].map((group): Finding => {
    const [{ client, credential, status }] = group as [Asked];
    const [store] = credential;
    const users = group.map(({ credential: [, user] }) => user).join(", ");
    const secret = `${client}/${gatewayAccess.credentialsSecret}`;
    return {
      severity: "critical",
      layer: "components",
      what:
        status === undefined
          ? `Secret ${secret} lacks the password of ${users} for the gateway of ${store}`
          : `the gateway of ${store} refuses ${users} with the password that ${client} has`,
      evidence:
        status === undefined
          ? "the key is not there"
          : `it answers ${status} to ${users}, as in Secret ${secret}`,
      fix: `obs up puts passwords back on both sides; gateways read theirs at the start: kubectl -n ${namespaces(settings)[store]} rollout restart deployment ${store}-gateway`,
      page: page(store),
    };
  });
}

/** A Secret's texts; none where there is no such Secret. */
async function texts({ config }: Context, namespace: string): Promise<Record<string, string>> {
  const { data = {} } = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace, name: gatewayAccess.credentialsSecret })
    .catch((error: { code?: number }) => {
      if (error.code === 404) return {} as { data?: Record<string, string> };
      throw error;
    });
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

/** Asks one gateway as each of its clients; the same user and password only once. */
async function askAs(
  { config, settings }: Context,
  store: Store,
  clients: { client: string; credential: Credential; password: string | undefined }[],
): Promise<Asked[]> {
  const roles = new Map(gatewayUsers(store, settings).map(({ name, role }) => [name, role]));
  const pods = {
    namespace: namespaces(settings)[store],
    selector: "app.kubernetes.io/component=gateway",
    port: 8080,
  };
  return throughTunnel(config, pods, async (port) => {
    const answers = new Map<string, number>();
    const asked: Asked[] = [];
    // One after another over one connection: each costs milliseconds, each connection far more.
    for (const { client, credential, password } of clients) {
      if (!password) {
        asked.push({ client, credential });
        continue;
      }
      const [, user] = credential;
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      let status = answers.get(authorization);
      if (status === undefined) {
        const answer = await fetch(`http://127.0.0.1:${port}${question[store][roles.get(user) ?? "read"]}`, {
          headers: { authorization },
          signal: AbortSignal.timeout(8000),
        });
        await answer.arrayBuffer();
        status = answer.status;
        answers.set(authorization, status);
      }
      asked.push({ client, credential, status });
    }
    return asked;
  });
}

/** Whether the gateways of Loki, Mimir and Tempo take everybody's password, and whom they turned away just now. */
export const check: Check = {
  name: "gateways",
  async look(context) {
    const clients = await Promise.all(
      Object.entries(gatewayClients(context.settings)).map(async ([key, credentials]) => {
        const client = namespaces(context.settings)[key as NamespaceKey];
        const secret = await texts(context, client);
        return credentials.map((credential) => ({
          client,
          credential,
          password: secret[credentialKeys(...credential).password],
        }));
      }),
    );
    const pods = await context.cluster.pods();
    const judged = await Promise.all(
      stores.map(async (store) => {
        const gateway = pods.find(
          ({ metadata, status }) =>
            metadata?.namespace === namespaces(context.settings)[store] &&
            metadata.labels?.["app.kubernetes.io/component"] === "gateway" &&
            status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
        );
        // Why none is ready is said elsewhere.
        if (!gateway) return [];
        const [asked, refused] = await Promise.all([
          askAs(
            context,
            store,
            clients.flat().filter(({ credential }) => credential[0] === store),
          ),
          refusals(context, store),
        ]);
        const users = judgeUsers(context.settings, asked);
        // Who has a wrong password is turned away: once is enough.
        return [
          ...users,
          ...refused
            .filter(({ client }) => !users.some(({ what }) => what.includes(`that ${client} has`)))
            .map(({ finding }) => finding),
        ];
      }),
    );
    return judged.flat();
  },
};
