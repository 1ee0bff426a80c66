/** Certificates: their DNS names, the pods that trust the CA, and cert-manager's objects. */
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

/** Validity of a certificate in hours, and hours before its expiry from which an `up` renews it. */
export const lifetimes = {
  /** Ten years; a renewed CA certificate has the same key, so existing signatures stay valid. */
  ca: { validityPeriodHours: 10 * 8760, earlyRenewalHours: 2 * 8760 },
  /** Intermediate CAs, of cert-manager's issuers. */
  issuer: { validityPeriodHours: 5 * 8760, earlyRenewalHours: 2 * 8760 },
  /** A year, renewed half a year early: with two updates a year, no certificate expires. */
  server: { validityPeriodHours: 8760, earlyRenewalHours: 4380 },
} as const;

/** Validity of cert-manager's certificates, and time before the expiry at which it renews them. */
const managed = { duration: "2160h", renewBefore: "720h" };

/** Name of the Issuer, and of its Secret, that this stack creates for cert-manager in a namespace. */
export const ownIssuer = "observability-issuer";

/** Servers that need a certificate and that this stack installs. */
export const served = (settings: Settings): Served[] => {
  if (!usesTls(settings)) return [];
  if (settings.hub) return ["alloyTraces"];
  return (Object.keys(certificates) as Served[]).filter(
    (who) => who !== "minio" || settings.objectStorage.kind === "minio",
  );
};

/**
 * The DNS names of a certificate: each of its Services from the short name to the full one, MinIO's servers by their
 * peer names, and `localhost` for `kubectl port-forward`.
 */
export function dnsNames(settings: Settings, who: Served): string[] {
  // Alloy's Service also has the prefix.
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

/** cert-manager's Certificate of a server. */
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

/** cert-manager's Issuer in the namespace of a server; it signs with an intermediate CA of this stack. */
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

/** Scrape settings for a server with TLS, as fields of a ServiceMonitor; empty without TLS. */
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
