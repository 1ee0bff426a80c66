/** Settings of connections inside the cluster: NetworkPolicies, TLS, proxy. */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { dnsName, group, list, oneOf, text, wholeNumber, yesNo } from "./fields";

const range = "an address range such as 10.0.0.0/16";

/** Whether a text is an address range in the form that the API server accepts. */
const isRange = (text: string): boolean =>
  [z.cidrv4(), z.cidrv6()].some((form) => form.safeParse(text).success);

const cidrs = (what: string) =>
  list(text(range).refine(isRange, { error: range }), "a list of address ranges").describe(what);

/** Whether a PEM text contains CA certificates and nothing else. */
export function isCa(pem: string): boolean {
  try {
    const blocks = pem.match(/-----BEGIN [\s\S]*?-----END [^-]*-----/g) ?? [];
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).ca);
  } catch {
    return false;
  }
}

export const caCertificates = () =>
  text(
    "CA certificates as PEM text",
    /^(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/,
  );

/** TLS inside the cluster; docs/guides/tls.md lists the connections it covers. */
const tls = group({
  certificates: oneOf("none", "ownCa", "certManager").describe(
    "Issuer of the certificates of MinIO, Grafana and Alloy's OTLP ports: `ownCa` is a CA of this stack, `certManager` the cluster's cert-manager; `none` disables TLS",
  ),
  issuer: group({
    name: dnsName().describe("Name of the issuer"),
    kind: oneOf("Issuer", "ClusterIssuer").describe(
      "Its kind; an Issuer must exist in each of the namespaces minio, grafana and alloy-traces",
    ),
  })
    .optional()
    .describe("The issuer that cert-manager uses; without it, the stack creates issuers with its own CA"),
  caCertificate: caCertificates()
    .optional()
    .describe("CA certificates that verify those of the issuer; required with an issuer, and only then"),
  clientNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Existing namespaces of applications, which get the CA certificate as a ConfigMap",
  ),
}).describe("TLS between components");

const proxy = group({
  url: text("an http:// or https:// URL without a path and credentials", /^https?:\/\/[^\s@/]+$/).describe(
    "URL of the proxy",
  ),
  noProxy: list(
    text("a host, a domain such as .example.com, or an address range", /^[\w.:/*-]+$/),
    "a list of hosts, domains and address ranges",
  )
    .optional()
    .describe(
      "Hosts that Grafana and the Alertmanagers reach without the proxy, in addition to those of the cluster",
    ),
}).describe(
  "HTTP proxy through which Grafana and the Alertmanagers reach servers outside the cluster, and collectors of an agent its hub",
);

/** NetworkPolicies; they take effect if the cluster's network plugin enforces them. */
export const network = group({
  policies: yesNo().describe(
    "Whether the stack's namespaces block every connection that the stack does not need; docs/guides/network.md lists the allowed ones",
  ),
  nodes: cidrs(
    "Addresses of nodes, of the API server and of the clients of the stack's webhooks; restrict it if you know them",
  ),
  ipFamily: oneOf("IPv4", "IPv6").describe(
    "IP family of the cluster's Services, the first one of a dual-stack cluster: kubectl get service kubernetes -o jsonpath='{.spec.ipFamilies[0]}'",
  ),
  cilium: oneOf("auto", "on", "off").describe(
    "Whether CiliumNetworkPolicies allow the connections with nodes and the API server, which Cilium does not match by address: `auto` creates them if the cluster has Cilium's CRDs",
  ),
  apiServerPorts: list(wholeNumber(1, 65535), "a list of ports").describe(
    "Ports of the API server's endpoints, which NetworkPolicies allow: kubectl get endpointslices -l kubernetes.io/service-name=kubernetes",
  ),
  ingressNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of ingress controllers, which may reach Grafana and the gateways",
  ),
  ingressRanges: cidrs(
    "Addresses of load balancers and ingress controllers that are not pods of the cluster, which may reach Grafana and the gateways",
  ),
  scraperNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of other monitoring systems, which may scrape the stack's own metrics",
  ),
  tls,
  privateCa: caCertificates()
    .optional()
    .describe(
      "CA certificates of servers outside the cluster, trusted in addition to public CAs: object storage, identity provider, directory, database, mail server, receivers of alerts",
    ),
  proxy: proxy.optional(),
}).describe("Connections inside the cluster");
