/** Ingresses of the gateways for clients outside this cluster. */
import { type Store, services, stores } from "../names";
import type { Settings } from "../settings";
import { answerTimeout } from "../settings/queries";
import { ingressTls } from "./ingress-tls";

/**
 * By default ingress-nginx rejects bodies above 1 MB, and collectors drop rejected data. It also answers 504 after a
 * minute without a response. Other controllers ignore the annotations.
 */
const limits = (settings: Settings) => ({
  "nginx.ingress.kubernetes.io/proxy-body-size": "100m",
  "nginx.ingress.kubernetes.io/proxy-read-timeout": String(answerTimeout(settings)),
});

function ingress(settings: Settings, store: Store, options: Ingress) {
  const { domain, className, annotations } = options;
  const { namespace, name, port } = services(settings)[store];
  const host = `${store}.${domain}`;
  const service = { name, port: { number: port } };
  return {
    metadata: { name, namespace, annotations: { ...limits(settings), ...annotations } },
    spec: {
      ...(className && { ingressClassName: className }),
      tls: ingressTls(settings, host, options),
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
