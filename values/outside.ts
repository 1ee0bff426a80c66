/** Access to servers outside the cluster: the private CAs that verify them, and the proxy. */
import { createHash } from "node:crypto";
import { type NamespaceKey, privateCa } from "../names";
import type { Settings } from "../settings";

/** Namespaces whose pods connect to servers of the settings, such as an S3, an identity provider or a receiver of alerts. */
export const connectingOutside = ({ hub }: Settings): NamespaceKey[] =>
  hub ? ["alloyLogs", "alloyMetrics", "alloyTraces"] : ["loki", "mimir", "tempo", "grafana", "monitoring"];

/**
 * The ConfigMap with the private CAs. Its name changes with the content, so that pods restart: they read certificates
 * only at startup.
 */
export const privateCaConfigMap = ({ network }: Settings) =>
  network.privateCa && {
    name: `${privateCa.name}-${createHash("sha256").update(network.privateCa).digest("hex").slice(0, 8)}`,
    data: { [privateCa.file]: network.privateCa },
  };

/**
 * Volume and mount of the private CAs. Every program of the stack is written in Go and trusts all files of this folder
 * in addition to the public CAs: https://pkg.go.dev/crypto/x509#SystemCertPool
 */
export function privateCas(settings: Settings) {
  const configMap = privateCaConfigMap(settings);
  if (!configMap) return { volumes: [], mounts: [] };
  return {
    volumes: [{ name: privateCa.name, configMap: { name: configMap.name } }],
    mounts: [{ name: privateCa.name, mountPath: privateCa.path, subPath: privateCa.file, readOnly: true }],
  };
}

/** Hosts that bypass the proxy. */
const direct = ({ cluster, network: { proxy } }: Settings): string =>
  ["localhost", "127.0.0.1", "::1", ".svc", `.${cluster.domain}`, ...(proxy?.noProxy ?? [])].join(",");

/** Environment variables of the proxy: https://pkg.go.dev/golang.org/x/net/http/httpproxy#FromEnvironment */
export const proxyEnvironment = (settings: Settings): Record<string, string> => {
  const { proxy } = settings.network;
  if (!proxy) return {};
  return { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: direct(settings) };
};

/** The proxy of all receivers: https://prometheus.io/docs/alerting/latest/configuration/#http_config */
export const proxyOfReceivers = (settings: Settings) => {
  const { proxy } = settings.network;
  return proxy ? { http_config: { proxy_url: proxy.url, no_proxy: direct(settings) } } : {};
};
