/** Services of the gateways with TLS, for other clusters without an ingress controller. */
import { gatewayAccess, type Store, services, stores } from "../names";
import type { Settings } from "../settings";
import { portOf } from "./network-outside";

type Service = NonNullable<Settings["access"]["service"]>;

function service(settings: Settings, store: Store, { type, annotations }: Service, url: string) {
  const { namespace, name } = services(settings)[store];
  const port = portOf(url);
  return {
    store,
    metadata: {
      name: `${name}-tls`,
      namespace,
      // Its pods start later, and depend on objects that are created together with it.
      annotations: { "pulumi.com/skipAwait": "true", ...annotations },
    },
    spec: {
      type,
      selector: { "app.kubernetes.io/component": "gateway" },
      ports: [
        {
          name: "https",
          targetPort: gatewayAccess.tlsPort,
          ...(type === "NodePort" ? { port: 443, nodePort: port } : { port }),
        },
      ],
    },
  };
}

/** One Service for each gateway, if `access.service` is set. */
export function gatewayServices(settings: Settings) {
  const { service: options, endpoints } = settings.access;
  return options && endpoints
    ? stores.map((store) => service(settings, store, options, endpoints[store]))
    : [];
}

/** The host of a gateway's URL, for its certificate; undefined if the stack does not issue one. */
export function gatewayHost({ access }: Settings, store: Store) {
  const url = access.endpoints?.[store];
  if (!access.service || access.service.tlsSecret || !url) return undefined;
  const { hostname } = new URL(url);
  return /^[\d.]+$/.test(hostname) ? { dnsNames: [], ipAddresses: [hostname] } : { dnsNames: [hostname] };
}

/** Secrets that a gateway reads for TLS, by mount folder. */
export const gatewayTlsSecrets = ({ access: { service } }: Settings): Record<string, string> => ({
  ...(service && { [gatewayAccess.tlsFolder]: service.tlsSecret ?? gatewayAccess.tlsSecret }),
  ...(service?.clientCertificates && { [gatewayAccess.clientCaFolder]: gatewayAccess.clientCaSecret }),
});
