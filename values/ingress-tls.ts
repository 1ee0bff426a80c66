import type { Settings } from "../settings";

interface Options {
  className?: string | undefined;
  tlsSecret?: string | undefined;
}

/** Classes of OpenShift's routers begin with this; an Ingress without a class is theirs, too. */
const routers = "openshift-";

/**
 * TLS of an Ingress with one host. Without a Secret, the controller uses its own certificate. OpenShift's routers do so
 * only for an empty entry: with a host, they wait for a Secret, and the Ingress has no Route.
 * https://github.com/openshift/route-controller-manager/blob/main/pkg/route/ingress/ingress.go
 */
export function ingressTls({ cluster }: Settings, host: string, { className, tlsSecret }: Options): object[] {
  if (tlsSecret) return [{ hosts: [host], secretName: tlsSecret }];
  const byRouter = cluster.platform === "openshift" && (className ?? routers).startsWith(routers);
  return [byRouter ? {} : { hosts: [host] }];
}
