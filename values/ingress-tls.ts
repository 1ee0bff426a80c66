/** TLS of Ingresses: to their clients, and to the pods behind them. */
import { caBundle, type NamespaceKey, usesTls } from "../names";
import type { Settings } from "../settings";

interface Options {
  className?: string | undefined;
  tlsSecret?: string | undefined;
}

/** Classes of OpenShift's routers begin with this; an Ingress without a class is theirs, too. */
const routers = "openshift-";

/**
 * Whether OpenShift creates a Route for an Ingress:
 * https://github.com/openshift/route-controller-manager/blob/main/pkg/route/ingress/ingress.go
 */
const isRouted = ({ cluster }: Settings, { className }: Options): boolean =>
  cluster.platform === "openshift" && (className ?? routers).startsWith(routers);

/**
 * TLS of an Ingress with one host. Without a Secret, the controller uses its own certificate. OpenShift's routers do so
 * only for an empty entry: with a host, they wait for a Secret, and the Ingress has no Route.
 */
export function ingressTls(settings: Settings, host: string, options: Options): object[] {
  if (options.tlsSecret) return [{ hosts: [host], secretName: options.tlsSecret }];
  return [isRouted(settings, options) ? {} : { hosts: [host] }];
}

/**
 * Annotations of an Ingress whose pods serve TLS with `network.tls`; controllers use plain HTTP by default. A Route reads
 * the CA certificate from the Secret that `routedNamespaces` get.
 */
export function backendAnnotations(settings: Settings, options: Options): Record<string, string> {
  if (!usesTls(settings)) return {};
  return isRouted(settings, options)
    ? {
        "route.openshift.io/termination": "reencrypt",
        "route.openshift.io/destination-ca-certificate-secret": caBundle.name,
      }
    : { "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" };
}

/** Namespaces with a Route to pods that serve TLS, by their keys. */
export const routedNamespaces = (settings: Settings): NamespaceKey[] => {
  const { grafana, otlp } = settings;
  const ingresses = { grafana: grafana.ingress, alloyTraces: otlp.ingress };
  return (["grafana", "alloyTraces"] as const).filter((key) => {
    const ingress = ingresses[key];
    return usesTls(settings) && ingress && isRouted(settings, ingress);
  });
};
