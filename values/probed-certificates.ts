/** The certificates whose expiry Alloy for metrics reports. */
import { address, gatewayAccess, minio, namespaces, services, stores, webhookPort, webhooks } from "../names";
import type { Settings } from "../settings";
import { reachableGateways } from "../settings/access";
import { gatewayServices } from "./gateway-service";
import { portOf } from "./network-outside";
import type { Outsider, PartName } from "./network-parts";
import { installsOpenTelemetryOperator } from "./opentelemetry-operator";
import { served } from "./tls";

/** An endpoint with a certificate. */
export interface Probed {
  namespace: string;
  /** Host and port that Alloy connects to. */
  address: string;
  /** The same destination for NetworkPolicies. */
  to: PartName | Outsider;
  /** Port of the pod, or of the address outside the cluster. */
  port: number;
}

/** Ports of pods with a certificate of `network.tls`: one for each certificate. */
const listeners = (settings: Settings) => ({
  minio: {
    service: { namespace: namespaces(settings).minio, name: minio.service, port: minio.apiPort },
    port: minio.apiPort,
  },
  grafana: { service: services(settings).grafana, port: 3000 },
  alloyTraces: { service: services(settings).otlpHttp, port: 4318 },
});

/** Host and port of each Ingress, and of other servers in front of the gateways. */
const ingresses = (settings: Settings): Probed[] => {
  const { grafana, hub, otlp } = settings;
  const port = portOf(grafana.url);
  return [
    ...(grafana.ingress && !hub
      ? [{ namespace: namespaces(settings).grafana, host: new URL(grafana.url).hostname, port }]
      : []),
    ...(otlp.ingress
      ? [{ namespace: namespaces(settings).alloyTraces, host: otlp.ingress.host, port: 443 }]
      : []),
    ...outsideGateways(settings),
  ].map(({ namespace, host, port }) => ({ namespace, address: `${host}:${port}`, to: "anywhere", port }));
};

/** The addresses of the gateways for other clusters, unless the gateways serve them themselves; each host once. */
function outsideGateways(settings: Settings) {
  const urls = settings.access.service ? undefined : reachableGateways(settings);
  const all = stores.flatMap((store) => {
    const url = urls?.[store];
    if (!url?.startsWith("https:")) return [];
    return [{ namespace: namespaces(settings)[store], host: new URL(url).hostname, port: portOf(url) }];
  });
  return all.filter(
    (one, index) => all.findIndex(({ host, port }) => host === one.host && port === one.port) === index,
  );
}

/** The gateways, at the addresses for other clusters. */
const gateways = (settings: Settings): Probed[] =>
  gatewayServices(settings).map(({ store, metadata, spec }) => ({
    namespace: metadata.namespace,
    address: address({ ...metadata, port: spec.ports[0]?.port ?? 443 }),
    to: `${store}Gateway` as const,
    port: gatewayAccess.tlsPort,
  }));

/**
 * Endpoints with a certificate of `network.tls`, of `access.service` or of an Ingress, and then also the operators'
 * webhooks. Webhooks alone need no probes unless cert-manager issues their certificates: those of the charts are valid
 * for ten years.
 */
export function probedCertificates(settings: Settings): Probed[] {
  const expiring = [
    ...served(settings).map((who): Probed => {
      const { service, port } = listeners(settings)[who];
      return { namespace: service.namespace, address: address(service), to: who, port };
    }),
    ...gateways(settings),
    ...ingresses(settings),
  ];
  if (!expiring.length && !settings.openTelemetryOperator.certManager) return [];
  const webhook = (to: keyof ReturnType<typeof webhooks>): Probed => {
    const { namespace } = webhooks(settings)[to];
    return { namespace, address: address(webhooks(settings)[to]), to, port: webhookPort };
  };
  return [
    ...expiring,
    webhook("prometheusOperator"),
    ...(installsOpenTelemetryOperator(settings) ? [webhook("opentelemetryOperator")] : []),
  ];
}
