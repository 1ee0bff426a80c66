/** Certificates: who needs one for which names, who trusts the CA, and cert-manager's objects. */
import {
  caBundle,
  certificates,
  type NamespaceKey,
  namespaces,
  prefixed,
  type Served,
  serverName,
  usesTls,
} from "../names";
import type { Settings } from "../settings";

/** Hours that a certificate holds, and hours before its end from which on an `up` makes a new one. */
export const lifetimes = {
  /** Ten years; a new certificate of the CA has the same key, so that what was signed before stays good. */
  ca: { validityPeriodHours: 10 * 8760, earlyRenewalHours: 2 * 8760 },
  /** CAs below it, of cert-manager's issuers. */
  issuer: { validityPeriodHours: 5 * 8760, earlyRenewalHours: 2 * 8760 },
  /** A year, half of it early: who updates twice a year never has an expired one. */
  server: { validityPeriodHours: 8760, earlyRenewalHours: 4380 },
} as const;

/** Hours that cert-manager's certificates hold, and before whose end it renews them by itself. */
const managed = { duration: "2160h", renewBefore: "720h" };

/** Name of the Issuer, and of its Secret, that this stack makes for cert-manager in a namespace. */
export const ownIssuer = "observability-issuer";

/** Those who need a certificate: all who are installed by this stack. */
export const served = (settings: Settings): Served[] => {
  if (!usesTls(settings)) return [];
  if (settings.hub) return ["alloyTraces"];
  return (Object.keys(certificates) as Served[]).filter(
    (who) => who !== "minio" || settings.objectStorage.kind === "minio",
  );
};

/**
 * The DNS names of a certificate: each of its Services from the short name to the full one, MinIO's servers by which
 * they find each other, and `localhost`, by which people come through `kubectl port-forward`.
 */
export function dnsNames(settings: Settings, who: Served): string[] {
  // Alloy's Service has the prefix, too.
  const services = new Set(certificates[who].services.flatMap((name) => [name, prefixed(settings, name)]));
  const namespace = namespaces(settings)[who];
  const domains = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.${settings.cluster.domain}`];
  return [
    ...[...services].flatMap((service) => domains.map((domain) => service + domain)),
    ...(who === "minio" ? domains.slice(1).map((domain) => `*.minio-svc${domain}`) : []),
    "localhost",
  ];
}

/** Namespaces whose pods verify such a certificate, by their keys. */
export const trusting = (settings: Settings): NamespaceKey[] => {
  const { hub, objectStorage, backups } = settings;
  const collectors = ["alloyTraces", "opentelemetry", "monitoring"] as const;
  if (!usesTls(settings)) return [];
  if (hub) return [...collectors];
  return [
    ...(objectStorage.kind === "minio" ? (["loki", "mimir", "tempo", "minio"] as const) : []),
    ...(objectStorage.kind === "minio" && backups.destination ? (["backup"] as const) : []),
    "grafana",
    ...collectors,
  ];
};

/** cert-manager's Certificate of who is served. */
export function certificateObject(settings: Settings, who: Served) {
  const { tls } = settings.network;
  const { secret } = certificates[who];
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: secret, namespace: namespaces(settings)[who] },
    spec: {
      secretName: secret,
      commonName: certificates[who].services[0],
      dnsNames: dnsNames(settings, who),
      usages: ["digital signature", "server auth"],
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      ...managed,
      issuerRef: { group: "cert-manager.io", ...(tls.issuer ?? { name: ownIssuer, kind: "Issuer" }) },
    },
  };
}

/** cert-manager's Issuer in the namespace of who is served; it signs with a CA below this stack's own. */
export const issuerObject = (settings: Settings, who: Served) => ({
  apiVersion: "cert-manager.io/v1",
  kind: "Issuer",
  metadata: { name: ownIssuer, namespace: namespaces(settings)[who] },
  spec: { ca: { secretName: ownIssuer } },
});

/** The CA certificate in pods: a volume and its mount, or nothing without TLS. */
export const trustedCa = (settings: Settings) =>
  usesTls(settings)
    ? {
        volumes: [{ name: caBundle.name, configMap: { name: caBundle.name } }],
        mounts: [{ name: caBundle.name, mountPath: caBundle.path.replace(/\/[^/]*$/, ""), readOnly: true }],
      }
    : { volumes: [], mounts: [] };

/** How Prometheus scrapes a server with TLS, as fields of a ServiceMonitor; nothing without TLS. */
export const scrapedByTls = (settings: Settings, who: Served) =>
  usesTls(settings)
    ? {
        scheme: "https",
        tlsConfig: {
          ca: { configMap: { name: caBundle.name, key: caBundle.file } },
          serverName: serverName(who, namespaces(settings)[who]),
        },
      }
    : {};
