/** Connections from the stack to addresses in the settings. */
import type { Settings } from "../settings";
import { insideCluster, namespaceOf } from "../settings/cold-tier";
import type { Flow, OneNamespace, Outsider, PartName } from "./network-parts";

/** The port of an address, or the default port of its scheme. */
export const portOf = (address: string): number => {
  const { port, protocol } = new URL(address.includes("://") ? address : `https://${address}`);
  return port ? Number(port) : ({ "http:": 80, "ldap:": 389, "ldaps:": 636 }[protocol] ?? 443);
};

const isAddress = (address: string | undefined): address is string =>
  address !== undefined && URL.canParse(address.includes("://") ? address : `https://${address}`);

/** Address of the proxy for connections to other addresses. */
const proxyAddresses = ({ network }: Settings): string[] => (network.proxy ? [network.proxy.url] : []);

/** Addresses of alert receivers, except public services on the internet. */
export const receiverAddresses = (settings: Settings): string[] => {
  const { alerting } = settings;
  return [
    ...proxyAddresses(settings),
    ...Object.values(alerting.receivers).flatMap(({ webhookUrl, slackUrl, teamsUrl }) =>
      [webhookUrl, slackUrl, teamsUrl].map((secret) => secret?.reveal()),
    ),
    alerting.smtp?.host,
  ].filter(isAddress);
};

/** Address of the dead man's switch. */
export const heartbeatAddresses = ({ alerting }: Settings): string[] =>
  [alerting.heartbeat?.url.reveal()].filter(isAddress);

/**
 * Addresses that Grafana connects to: identity provider, database, receivers, plugins that do not come from
 * grafana.com.
 */
export function grafanaAddresses(settings: Settings): string[] {
  const { auth, database, plugins } = settings.grafana;
  const urls = [auth.oauth?.authUrl, auth.oauth?.tokenUrl, auth.oauth?.apiUrl, database?.host];
  return [
    ...receiverAddresses(settings),
    ...[...urls, ...plugins.map((plugin) => plugin.split("@")[2])].filter(isAddress),
    ...(auth.ldap ? [`${auth.ldap.host}:${auth.ldap.port}`] : []),
  ];
}

/** The destination for an address in the settings: the pods of a Service's namespace, or any address. */
export function sideOf(address: string): OneNamespace | (Outsider & "anywhere") {
  const namespace = namespaceOf(address);
  return namespace ? `namespace:${namespace}` : "anywhere";
}

/**
 * Connections to addresses in the settings, and to any address over HTTPS. Some network plugins do not match pods by
 * address, so Services of the cluster have their own rule.
 */
export function leaving(from: PartName, addresses: string[], why: string): Flow[] {
  const ports = (list: string[]) => [...new Set(list.map(portOf))];
  const inside = [...new Set(addresses.filter(insideCluster).map(sideOf))];
  const outside = addresses.filter((address) => !insideCluster(address));
  return [
    { from, to: "anywhere", ports: [...new Set([443, ...ports(outside)])], why },
    // A NetworkPolicy cannot select a Service, and a Service may map its port to any port of its pods.
    ...inside.map((to): Flow => ({ from, to, ports: "all", why })),
  ];
}
