/** Ingresses of the gateways, by which other clusters and programs outside this one reach them. */
import { type Store, services, stores } from "../names";
import type { Settings } from "../settings";

/** ingress-nginx refuses bodies above 1 MB otherwise, and collectors drop what is refused; other controllers ignore it. */
const bodySize = { "nginx.ingress.kubernetes.io/proxy-body-size": "100m" };

function ingress(settings: Settings, store: Store, options: Ingress) {
  const { domain, className, tlsSecret, annotations } = options;
  const { namespace, name, port } = services(settings)[store];
  const host = `${store}.${domain}`;
  const service = { name, port: { number: port } };
  return {
    metadata: { name, namespace, annotations: { ...bodySize, ...annotations } },
    spec: {
      ...(className && { ingressClassName: className }),
      tls: [{ hosts: [host], ...(tlsSecret && { secretName: tlsSecret }) }],
      rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend: { service } }] } }],
    },
  };
}

type Ingress = NonNullable<Settings["access"]["ingress"]>;

/** One Ingress for each gateway, if `access.ingress` is set. */
export const gatewayIngresses = (settings: Settings) => {
  const options = settings.access.ingress;
  return options ? stores.map((store) => ({ store, ...ingress(settings, store, options) })) : [];
};
