/** Secrets that the settings name and the user creates. */
import { certificates, grafanaEnv, type NamespaceKey, namespaces, stores } from "../../names";
import type { Settings } from "../../settings";
import { wantedNamespaces } from "../../values/namespaces";

export interface NamedSecret {
  /** Setting that names it. */
  path: string;
  namespace: string;
  name: string;
  /** Keys that it must have. */
  keys: string[];
  /** Whether a controller can create it after the namespace exists, so that it may be missing before the first `up`. */
  mayFollow: boolean;
}

/** Every Secret in the settings, with its required keys. */
export function namedSecrets(settings: Settings): NamedSecret[] {
  const { access, grafana, images, otlp } = settings;
  const { auth, database } = grafana;
  const keys = [
    ...(auth.kind === "oauth" && !auth.oauth?.clientSecret ? [grafanaEnv.oauth] : []),
    ...(auth.kind === "ldap" && !auth.ldap?.bindPassword ? [grafanaEnv.ldap] : []),
    ...(database && !database.password ? [grafanaEnv.database] : []),
  ];
  const inGrafana = (path: string, name: string | undefined, keys: string[], mayFollow: boolean) =>
    name ? [{ path, namespace: namespaces(settings).grafana, name, keys, mayFollow }] : [];
  const certificate = (path: string, key: NamespaceKey, name: string | undefined) =>
    name
      ? [{ path, namespace: namespaces(settings)[key], name, keys: ["tls.crt", "tls.key"], mayFollow: true }]
      : [];
  // With TLS inside the cluster, the stack creates a Secret of that name itself.
  const tls = grafana.ingress?.tlsSecret;
  const own = settings.network.tls.certificates !== "none" && tls === certificates.grafana.secret;
  return [
    ...inGrafana("grafana.existingSecret", grafana.existingSecret, keys, false),
    ...inGrafana("grafana.ingress.tlsSecret", own ? undefined : tls, ["tls.crt", "tls.key"], true),
    ...stores.flatMap((store) => [
      ...certificate("access.service.tlsSecret", store, access.service?.tlsSecret),
      ...certificate("access.ingress.tlsSecret", store, access.ingress?.tlsSecret),
    ]),
    ...certificate("otlp.ingress.tlsSecret", "alloyTraces", otlp.ingress?.tlsSecret),
    ...(images.pullSecret
      ? wantedNamespaces(settings).map((key) => ({
          path: "images.pullSecret",
          namespace: namespaces(settings)[key],
          name: images.pullSecret ?? "",
          keys: [".dockerconfigjson"],
          mayFollow: true,
        }))
      : []),
  ];
}
