import { X509Certificate } from "node:crypto";
import {
  AdmissionregistrationV1Api,
  type V1MutatingWebhook,
  type V1Secret,
  type V1ValidatingWebhook,
} from "@kubernetes/client-node";
import { certificates, namespaceKey, type Served } from "../../../../names";
import type { Settings } from "../../../../settings";
import type { Check, Finding } from "../check";

/** How long before its end a certificate is told, in days; those of cert-manager later, because it renews them 30 days before. */
export const soonDays = 30;
const soonDaysOfCertManager = 25;
const day = 24 * 3600 * 1000;
const base = { layer: "network", page: "docs/guides/tls.md" } as const;

/** What renews a Secret's certificate. */
export function renewal(settings: Settings, { metadata }: V1Secret): string {
  const { namespace = "", name = "", annotations = {}, labels = {} } = metadata ?? {};
  const key = namespaceKey(settings, namespace);
  if (annotations["cert-manager.io/certificate-name"])
    return `cert-manager renews it: kubectl -n ${namespace} describe certificate ${annotations["cert-manager.io/certificate-name"]}`;
  if (key && key in certificates && certificates[key as Served].secret === name)
    return "./obs refresh, then ./obs up: it issues a new one (docs/guides/tls.md)";
  if (name.endsWith("-admission") || labels["app.kubernetes.io/managed-by"] === "Helm")
    return `kubectl -n ${namespace} delete secret ${name}, then ./obs refresh and ./obs up: the chart makes a new one`;
  return "whoever made this Secret renews it; no part of this stack does";
}

/** Certificates in a Secret, under whatever key: kube-prometheus-stack's webhook has `cert` and `ca`. */
export function certificatesIn({ data = {} }: V1Secret): { key: string; certificate: X509Certificate }[] {
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

/** Certificates of a Secret that have ended, soon will, or do not hold yet. */
export function dateFindings(settings: Settings, secret: V1Secret, now: number): Finding[] {
  const who = `${secret.metadata?.namespace}/${secret.metadata?.name}`;
  const soon = secret.metadata?.annotations?.["cert-manager.io/certificate-name"]
    ? soonDaysOfCertManager
    : soonDays;
  return certificatesIn(secret).flatMap(({ key, certificate }): Finding[] => {
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    const evidence = `${key}: ${certificate.subject.replaceAll("\n", ", ")}, from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
    const found = (severity: Finding["severity"], what: string): Finding[] => [
      {
        ...base,
        severity,
        what: `certificate ${who} (${key}) ${what}`,
        evidence,
        fix: renewal(settings, secret),
      },
    ];
    if (to <= now) return found("critical", `expired ${Math.floor((now - to) / day)} days ago`);
    if (from > now)
      return found("critical", `is not valid before ${new Date(from).toISOString()}; is a clock wrong?`);
    if (to - now < soon * day) return found("warning", `expires in ${Math.floor((to - now) / day)} days`);
    return [];
  });
}

/** A webhook, and the API server's way to it. */
type Webhook = Pick<V1MutatingWebhook | V1ValidatingWebhook, "name" | "clientConfig" | "failurePolicy">;

/** Whether the API server trusts what a webhook of the stack is served with: one of the certificates in its namespace. */
export function trustFinding(
  configuration: string,
  { name, clientConfig, failurePolicy }: Webhook,
  secrets: V1Secret[],
): Finding | undefined {
  const { caBundle, service } = clientConfig;
  if (!service) return undefined;
  const own = secrets
    .filter(({ metadata }) => metadata?.namespace === service.namespace)
    // Only pairs of certificate and key are served.
    .filter(({ data }) => Object.keys(data ?? {}).some((key) => /^(tls\.)?key$/.test(key)))
    .flatMap((secret) => certificatesIn(secret).filter(({ key }) => /^(tls\.crt|cert)$/.test(key)));
  if (!own.length) return undefined;
  const text = Buffer.from(caBundle ?? "", "base64").toString();
  const authorities = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );
  const trusted = own.some(({ certificate }) =>
    authorities.some(
      (ca) => certificate.fingerprint256 === ca.fingerprint256 || certificate.verify(ca.publicKey),
    ),
  );
  if (trusted) return undefined;
  return {
    ...base,
    severity: failurePolicy === "Ignore" ? "warning" : "critical",
    what: `the API server does not trust the webhook ${name} of ${service.namespace}/${service.name}`,
    evidence: `caBundle of ${configuration} has ${authorities.length} certificates; none signed what the Secrets of ${service.namespace} hold`,
    fix: "./obs refresh, then ./obs up: the chart makes certificate and caBundle anew",
  };
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
    const distrusted = [...mutating.items, ...validating.items].flatMap(({ metadata, webhooks }) =>
      (webhooks ?? [])
        .filter(({ clientConfig }) => namespaces.has(clientConfig.service?.namespace))
        // A configuration's webhooks have one certificate in common.
        .slice(0, 1)
        .map((webhook) => trustFinding(metadata?.name ?? "", webhook, secrets)),
    );
    return [
      ...secrets.flatMap((secret) => dateFindings(settings, secret, Date.now())),
      ...distrusted.filter((finding) => finding !== undefined),
    ];
  },
};
