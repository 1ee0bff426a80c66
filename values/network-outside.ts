/** Connections that leave the stack for addresses of the settings. */
import type { Settings } from "../settings";
import { insideCluster, namespaceOf } from "../settings/cold-tier";
import type { Flow, OneNamespace, Outsider, PartName } from "./network-parts";

/** The port that an address says, or that its scheme stands for. */
export const portOf = (address: string): number => {
  const { port, protocol } = new URL(address.includes("://") ? address : `https://${address}`);
  return port ? Number(port) : ({ "http:": 80, "ldap:": 389, "ldaps:": 636 }[protocol] ?? 443);
};

const isAddress = (address: string | undefined): address is string =>
  address !== undefined && URL.canParse(address.includes("://") ? address : `https://${address}`);

/** Address of the proxy, through which others are reached. */
const proxyAddresses = ({ network }: Settings): string[] => (network.proxy ? [network.proxy.url] : []);

/** Addresses of receivers of alerts, beyond those of services on the internet. */
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

/** Addresses that Grafana connects to: identity provider, database, receivers, plugins that do not come from grafana.com. */
export function grafanaAddresses(settings: Settings): string[] {
  const { auth, database, plugins } = settings.grafana;
  const urls = [auth.oauth?.authUrl, auth.oauth?.tokenUrl, auth.oauth?.apiUrl, database?.host];
  return [
    ...receiverAddresses(settings),
    ...[...urls, ...plugins.map((plugin) => plugin.split("@")[2])].filter(isAddress),
    ...(auth.ldap ? [`${auth.ldap.host}:${auth.ldap.port}`] : []),
  ];
}

/** The other side of a connection to an address of the settings: the pods of a Service's namespace, or any address. */
export function sideOf(address: string): OneNamespace | (Outsider & "anywhere") {
  const namespace = namespaceOf(address);
  return namespace ? `namespace:${namespace}` : "anywhere";
}

/**
 * Connections to addresses of the settings, and to any address by HTTPS. Some network plugins do not count pods among
 * addresses, so that Services of the cluster have a rule of their own.
 */
export function leaving(from: PartName, addresses: string[], why: string): Flow[] {
  const ports = (list: string[]) => [...new Set(list.map(portOf))];
  const inside = [...new Set(addresses.filter(insideCluster).map(sideOf))];
  const outside = addresses.filter((address) => !insideCluster(address));
  return [
    { from, to: "anywhere", ports: [...new Set([443, ...ports(outside)])], why },
    // A NetworkPolicy cannot name a Service, and a Service may send its port on to any port of its pods.
    ...inside.map((to): Flow => ({ from, to, ports: "all", why })),
  ];
}
