import { X509Certificate } from "node:crypto";
import {
  AdmissionregistrationV1Api,
  type V1MutatingWebhook,
  type V1Secret,
  type V1ValidatingWebhook,
} from "@kubernetes/client-node";
import { certificates, gatewayAccess, namespaceKey, releases, type Served } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn, type Severity } from "../check";

/** Days before its end from which a certificate is reported; cert-manager renews its own 30 days before. */
const soonDays = { certManager: 25, others: 30 };
const day = 24 * 3600 * 1000;

const finding = findingIn("network", "docs/guides/tls.md");

/** The Certificate of cert-manager that a Secret belongs to. */
const managedBy = ({ metadata }: V1Secret) => metadata?.annotations?.["cert-manager.io/certificate-name"];

/**
 * How Helm creates the certificate of a webhook again. `up` runs Helm only if a value has changed, and a refresh does
 * not see objects that hooks create.
 */
function madeAgain(name: string): string {
  const annotation = name.includes(releases.openTelemetryOperator)
    ? `${releases.openTelemetryOperator}.values.manager`
    : `${releases.kubePrometheusStack}.values.prometheusOperator`;
  return `pulumi config set --path helm.${annotation}.podAnnotations.renewed "$(date +%F)" and ./obs up: the chart creates certificate and caBundle again`;
}

/** What renews a Secret's certificate. */
export function renewal(settings: Settings, secret: V1Secret): string {
  const { namespace = "", name = "", labels = {} } = secret.metadata ?? {};
  const key = namespaceKey(settings, namespace);
  const managed = managedBy(secret);
  if (managed) return `cert-manager renews it: kubectl -n ${namespace} describe certificate ${managed}`;
  if (settings.hub && name === gatewayAccess.credentialsSecret)
    return `./obs up for ${settings.hub.stack}, then for this stack: the hub issues a new one (docs/guides/many-clusters.md#mutual-tls)`;
  const ofGateway = name === gatewayAccess.tlsSecret || name === gatewayAccess.clientCaSecret;
  if (ofGateway || (key && key in certificates && certificates[key as Served].secret === name))
    return "./obs refresh, then ./obs up: it issues a new one (docs/guides/tls.md)";
  if (name.endsWith("-admission") || labels["app.kubernetes.io/managed-by"] === "Helm")
    return `kubectl -n ${namespace} delete secret ${name}, then ${madeAgain(name)}`;
  return "the owner of this Secret renews it; no part of this stack does";
}

/** Certificates in a Secret, with any key: kube-prometheus-stack's webhook has `cert` and `ca`. */
function certificatesIn({ data = {} }: V1Secret): { key: string; certificate: X509Certificate }[] {
  return Object.entries(data).flatMap(([key, value]) => {
    const text = Buffer.from(value, "base64").toString();
    if (!text.startsWith("-----BEGIN CERTIFICATE")) return [];
    try {
      return [{ key, certificate: new X509Certificate(text) }];
    } catch {
      return [];
    }
  });
}

/** Certificates of a Secret that expired, soon will, or are not valid yet. */
export function dateFindings(settings: Settings, secret: V1Secret, now: number): Finding[] {
  const soon = managedBy(secret) ? soonDays.certManager : soonDays.others;
  return certificatesIn(secret).flatMap(({ key, certificate }): Finding[] => {
    const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    const found = (severity: Severity, what: string): Finding[] => [
      finding[severity](
        `certificate ${secret.metadata?.namespace}/${secret.metadata?.name} (${key}) ${what}`,
        `${certificate.subject.replaceAll("\n", ", ")}, from ${from.toISOString()} to ${to.toISOString()}`,
        renewal(settings, secret),
      ),
    ];
    const left = Math.floor((to.getTime() - now) / day);
    const past = Math.floor((now - to.getTime()) / day);
    if (to.getTime() <= now) return found("critical", `expired ${past} days ago`);
    if (from.getTime() > now)
      return found("critical", `is not valid before ${from.toISOString()}; check the clocks`);
    return left < soon ? found("warning", `expires in ${left} days`) : [];
  });
}

type Webhook = Pick<V1MutatingWebhook | V1ValidatingWebhook, "name" | "clientConfig" | "failurePolicy">;

/** Whether the API server trusts one of the certificates in the namespace of a webhook of the stack. */
export function trustFinding(
  configuration: string,
  { name, clientConfig, failurePolicy }: Webhook,
  secrets: V1Secret[],
): Finding | undefined {
  const { caBundle = "", service } = clientConfig;
  const served = secrets
    .filter(({ metadata }) => metadata?.namespace === service?.namespace)
    // Only pairs of certificate and key are served.
    .filter(({ data }) => Object.keys(data ?? {}).some((key) => /^(tls\.)?key$/.test(key)))
    .flatMap((secret) => certificatesIn(secret).filter(({ key }) => /^(tls\.crt|cert)$/.test(key)));
  if (!service || !served.length) return undefined;
  const bundle = Buffer.from(caBundle, "base64").toString();
  const texts = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const authorities = texts.map((one) => new X509Certificate(one));
  const trusted = served.some(({ certificate }) =>
    authorities.some(
      (ca) => certificate.fingerprint256 === ca.fingerprint256 || certificate.verify(ca.publicKey),
    ),
  );
  if (trusted) return undefined;
  return finding[failurePolicy === "Ignore" ? "warning" : "critical"](
    `the API server does not trust the webhook ${name} of ${service.namespace}/${service.name}`,
    `caBundle of ${configuration} has ${authorities.length} certificates; none signed the certificates in the Secrets of ${service.namespace}`,
    madeAgain(service.name),
  );
}

/** Dates of certificates in the stack's namespaces, and trust in its webhooks. */
export const check: Check = {
  name: "certificates",
  async look({ config, settings, cluster }) {
    const api = config.makeApiClient(AdmissionregistrationV1Api);
    const [secrets, mutating, validating] = await Promise.all([
      cluster.secrets(),
      api.listMutatingWebhookConfiguration(),
      api.listValidatingWebhookConfiguration(),
    ]);
    const namespaces = new Set(secrets.map(({ metadata }) => metadata?.namespace));
    const distrusted = [...mutating.items, ...validating.items].flatMap(({ metadata, webhooks = [] }) => {
      // The webhooks of a configuration have one certificate in common.
      const own = webhooks.find(({ clientConfig }) => namespaces.has(clientConfig.service?.namespace));
      return (own && trustFinding(metadata?.name ?? "", own, secrets)) ?? [];
    });
    return [...secrets.flatMap((secret) => dateFindings(settings, secret, Date.now())), ...distrusted];
  },
};
