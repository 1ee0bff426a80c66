/**
 * Users of the gateways of Loki, Mimir and Tempo: one for each tenant and role, with HTTP basic auth. Also the delivery
 * of their passwords to the gateways and their clients.
 */
import {
  datasourceTenants,
  gatewayAccess,
  gatewayUrls,
  gatewayUser,
  longRangeTenants,
  mimirTenants,
  type Role,
  rawTenants,
  readerOf,
  readTenants,
  type Store,
  stores,
  tenants,
  writerOf,
} from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { insideCluster } from "../settings/cold-tier";
import { gatewayTlsSecrets } from "./gateway-service";

/** A user of a gateway. */
export interface GatewayUser {
  /** User name. */
  name: string;
  /** The tenant that it reads or writes; a reader may have several, joined by `|`. */
  tenant: string;
  role: Role;
}

/** The tenants of each store. */
const tenantsOf: Record<Store, (settings: Settings) => string[]> = {
  loki: () => [tenants.logs],
  mimir: mimirTenants,
  tempo: ({ tempo }) => Object.keys(tempo.tenants),
};

/**
 * Every user of a store's gateway: a reader and a writer for each tenant, in Mimir also one that changes its rules, and a
 * reader of tenants that are queried as one.
 */
export function gatewayUsers(store: Store, settings: Settings): GatewayUser[] {
  const user = (tenant: string, role: Role) => ({ name: gatewayUser(tenant, role), tenant, role });
  const agents = Object.keys(settings.agents);
  return [
    ...[...tenantsOf[store](settings), ...sendingAgents(settings)].flatMap((tenant) => [
      user(tenant, "read"),
      user(tenant, "write"),
    ]),
    // An agent loads its rules with its only user.
    ...(store === "mimir" ? mimirTenants(settings).map((tenant) => user(tenant, "rules")) : []),
    // Data of a removed cluster stays readable.
    ...agents.filter((agent) => settings.agents[agent]?.removed).map((agent) => user(agent, "read")),
    ...(store === "mimir" ? [datasourceTenants, longRangeTenants].map((all) => user(all, "read")) : []),
    ...(agents.length
      ? [{ name: readerOf(store, settings), tenant: readTenants(store, settings), role: "read" as const }]
      : []),
  ];
}

const basic = (user: string, password: string) =>
  Buffer.from(`${user}:${password}`).toString("base64").replaceAll("+", "\\+");

/**
 * The gateway's file of users.
 *
 * @param passwords all accepted passwords of each user, by name
 */
export const gatewayUsersFile = (passwords: Record<string, string[]>): string =>
  Object.entries(passwords)
    // A regular expression, because nginx compares plain text case-insensitively.
    .flatMap(([user, taken]) => taken.map((password) => `"~^Basic ${basic(user, password)}$" "${user}";\n`))
    .join("");

/** Keys in a Secret, and file names, of the credentials of a user of a store's gateway. */
export const credentialKeys = (store: Store, user: string) => ({
  username: `${store}-${user}.username`,
  password: `${store}-${user}.password`,
});

/**
 * Volumes and annotations of a gateway's pods for its users. A new password version rolls the pods, because nginx reads
 * the passwords at startup. The preflight compares the annotations with the settings.
 */
export const gatewayPods = (settings: Settings) => {
  const agents = sendingAgents(settings);
  const secrets = Object.entries({
    [gatewayAccess.usersFolder]: gatewayAccess.usersSecret,
    ...gatewayTlsSecrets(settings),
  });
  return {
    annotations: {
      [gatewayAccess.generations]: settings.access.generations.join(","),
      ...(agents.length && { [gatewayAccess.agents]: agents.join(",") }),
    },
    volumes: secrets.map(([, secretName]) => ({ name: secretName, secret: { secretName } })),
    mounts: secrets.map(([mountPath, name]) => ({ name, mountPath, readOnly: true })),
  };
};

/**
 * Volume and mount of a gateway client with the passwords of its own users, which change while it runs. For an agent,
 * also its client certificate.
 */
export const clientPasswords = (credentials: Credential[], hub?: Settings["hub"]) => {
  const name = gatewayAccess.credentialsSecret;
  const items = [
    ...credentials.map(([store, user]) => credentialKeys(store, user).password),
    ...(hub ? Object.values(gatewayAccess.clientCertificate) : []),
  ];
  return {
    volume: { name, secret: { secretName: name, items: items.map((key) => ({ key, path: key })) } },
    mount: { name, mountPath: gatewayAccess.folder, readOnly: true },
  };
};

/** Path of a user's password in the pods of a client. */
export const passwordFile = ([store, user]: Credential): string =>
  `${gatewayAccess.folder}/${credentialKeys(store, user).password}`;

/** The proxy between an agent's collectors and a hub outside their cluster; empty if there is none. */
const gatewayProxy = (settings: Settings): string => {
  const { hub, network } = settings;
  return hub && network.proxy && !insideCluster(gatewayUrls(settings).loki) ? network.proxy.url : "";
};

/** Variables for connections to gateways. Only an agent has a client certificate, whose paths they are, and a proxy. */
export const gatewayConnection = (settings: Settings) => {
  const { certificate, key } = gatewayAccess.clientCertificate;
  const file = (name: string) => (settings.hub ? `${gatewayAccess.folder}/${name}` : "");
  return {
    GATEWAY_CERTIFICATE: file(certificate),
    GATEWAY_KEY: file(key),
    GATEWAY_PROXY: gatewayProxy(settings),
  };
};

/** A user of a store's gateway, as a client's identity. */
export type Credential = readonly [store: Store, user: string];

/** User that reads applications' and infrastructure's metrics as one. */
export const datasourceReader = gatewayUser(datasourceTenants, "read");

/** All users with read permission. */
const readers = (settings: Settings): Credential[] =>
  stores.flatMap((store) =>
    gatewayUsers(store, settings)
      .filter(({ role }) => role === "read")
      .map(({ name }) => [store, name] as const),
  );

/** The users that each client in the stack has, by the namespace of the client. */
export function gatewayClients(
  settings: Settings,
): Record<"alloyLogs" | "alloyMetrics" | "alloyTraces" | "tempo" | "monitoring" | "grafana", Credential[]> {
  const { hub, alloyMetrics } = settings;
  const writer = (store: Store, tenant: string): Credential => [store, writerOf(tenant, settings)];
  const logs = writer("loki", tenants.logs);
  const raw = hub ? [writer("mimir", tenants.nodes)] : rawTenants.map((tenant) => writer("mimir", tenant));
  return {
    alloyLogs: [logs],
    alloyMetrics: [
      ...raw,
      ...(hub
        ? []
        : mimirTenants(settings).map((tenant) => ["mimir", gatewayUser(tenant, "rules")] as const)),
      ...(alloyMetrics.kubernetesEvents ? [logs] : []),
      // KEDA reads it to count the targets.
      ...(hub ? [] : [["mimir", datasourceReader] as const]),
    ],
    alloyTraces: [writer("tempo", tenants.traces), ...raw, logs],
    tempo: hub ? [] : [writer("mimir", tenants.pods)],
    monitoring: hub ? [] : [writer("mimir", tenants.prometheus)],
    grafana: hub ? [] : readers(settings),
  };
}
