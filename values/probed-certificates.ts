/** The certificates whose expiry Alloy for metrics reports. */
import { address, gatewayAccess, minio, namespaces, services, webhooks } from "../names";
import type { Settings } from "../settings";
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

/** Host and port of each Ingress. */
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
  ].map(({ namespace, host, port }) => ({ namespace, address: `${host}:${port}`, to: "anywhere", port }));
};

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
  const webhook = (to: keyof ReturnType<typeof webhooks>, port: number): Probed => {
    const { namespace } = webhooks(settings)[to];
    return { namespace, address: address(webhooks(settings)[to]), to, port };
  };
  return [
    ...expiring,
    webhook("prometheusOperator", 10250),
    ...(installsOpenTelemetryOperator(settings) ? [webhook("opentelemetryOperator", 9443)] : []),
  ];
}
