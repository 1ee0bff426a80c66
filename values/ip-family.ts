/**
 * Differences if Services have IPv6 addresses. Sockets of `[::]` also accept IPv4, but cannot be opened on a node
 * without IPv6. They are therefore not the default: https://github.com/grafana/loki/pull/9681
 */
import type { Settings } from "../settings";

export const isIpv6 = ({ network }: Settings): boolean => network.ipFamily === "IPv6";

/** The address to listen on every interface, in front of a port. */
export const everyInterface = (settings: Settings): string => (isIpv6(settings) ? "[::]" : "0.0.0.0");

/** The `server` section of Loki, Mimir and Tempo, which is IPv4 by default. */
export const serverNetwork = (settings: Settings) =>
  isIpv6(settings) ? { http_listen_network: "tcp", grpc_listen_network: "tcp" } : {};

/** The gossip of Loki, Mimir and Tempo, which is IPv4 by default. */
export const gossipNetwork = (settings: Settings) => (isIpv6(settings) ? { bind_addr: ["::"] } : {});

/** A ring member of Loki or Mimir, which has an IPv4 address by default. */
export const ringMember = (settings: Settings) => (isIpv6(settings) ? { instance_enable_ipv6: true } : {});

/** A ring member of Tempo. */
export const tempoRingMember = (settings: Settings) => (isIpv6(settings) ? { enable_inet6: true } : {});
