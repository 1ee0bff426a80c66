/** Settings of who in the cluster may connect to whom. */
import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { dnsName, group, list, oneOf, text, wholeNumber, yesNo } from "./fields";

const range = "an address range such as 10.0.0.0/16";

/** Whether a text is an address range as the API server takes it. */
const isRange = (text: string): boolean =>
  [z.cidrv4(), z.cidrv6()].some((form) => form.safeParse(text).success);

const cidrs = (what: string) =>
  list(text(range).refine(isRange, { error: range }), "a list of address ranges").describe(what);

/** Whether a PEM text holds certificates of CAs and nothing else. */
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

/** TLS inside the cluster; docs/guides/tls.md says which connections it covers. */
const tls = group({
  certificates: oneOf("none", "ownCa", "certManager").describe(
    "Who makes the certificates with which MinIO, Grafana and Alloy's OTLP ports are served: a CA of this stack's own, the cert-manager that the cluster has, or nobody, which leaves them without TLS",
  ),
  issuer: group({
    name: dnsName().describe("Name of the issuer"),
    kind: oneOf("Issuer", "ClusterIssuer").describe(
      "Its kind; an Issuer has to be in each of the namespaces minio, grafana and alloy-traces",
    ),
  })
    .optional()
    .describe(
      "The issuer that cert-manager is to use; without it, issuers below this stack's own CA are made",
    ),
  caCertificate: caCertificates()
    .optional()
    .describe("CA certificates that the issuer's are verified with; needed with an issuer, and only there"),
  clientNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of applications, which exist already and get the CA certificate as a ConfigMap",
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
    .describe("Hosts that are reached without the proxy, in addition to those of the cluster"),
}).describe("HTTP proxy through which Grafana and the Alertmanagers reach servers outside the cluster");

/** NetworkPolicies; they hold where the cluster's network plugin enforces them. */
export const network = group({
  policies: yesNo().describe(
    "Whether the stack's namespaces refuse every connection that the stack does not need; docs/guides/network.md lists those it does",
  ),
  nodes: cidrs(
    "Addresses of nodes, of the API server and of what asks the stack's webhooks for it; narrow it where they are known",
  ),
  ipFamily: oneOf("IPv4", "IPv6").describe(
    "IP family of the cluster's Services, the first one of a dual-stack cluster: kubectl get service kubernetes -o jsonpath='{.spec.ipFamilies[0]}'",
  ),
  cilium: oneOf("auto", "on", "off").describe(
    "Whether CiliumNetworkPolicies allow the connections with nodes and the API server, which Cilium does not match by address: `auto` creates them if the cluster has Cilium's custom resource definitions",
  ),
  apiServerPorts: list(wholeNumber(1, 65535), "a list of ports").describe(
    "Ports on which the endpoints of the API server listen, which NetworkPolicies allow: kubectl get endpointslices -l kubernetes.io/service-name=kubernetes",
  ),
  ingressNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of ingress controllers, which may reach Grafana and the gateways",
  ),
  ingressRanges: cidrs(
    "Addresses of load balancers and ingress controllers that are not pods of the cluster, which may reach Grafana and the gateways",
  ),
  scraperNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of other monitoring, which may read the stack's own metrics",
  ),
  tls,
  privateCa: caCertificates()
    .optional()
    .describe(
      "CA certificates of servers outside the cluster, trusted in addition to the public ones: object storage, identity provider, directory, database, mail server, receivers of alerts",
    ),
  proxy: proxy.optional(),
}).describe("Connections inside the cluster");
