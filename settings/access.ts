/** Settings of gateway passwords, and of the addresses at which other clusters reach the gateways. */
import type { z } from "zod";
import { dnsName, group, ingressFields, list, oneOf, text, wholeNumber, yesNo } from "./fields";
import { caCertificates } from "./network";

const gatewayUrl = (store: string) =>
  text(
    "an http:// or https:// URL without a slash at its end",
    /^https?:\/\/[\w.-]+(:\d{1,5})?(\/[\w./-]*[\w.-])?$/,
  ).describe(`URL of ${store}'s gateway`);

/** Addresses of the three gateways. */
export const gatewayUrls = () =>
  group({ loki: gatewayUrl("Loki"), mimir: gatewayUrl("Mimir"), tempo: gatewayUrl("Tempo") });

const service = group({
  type: oneOf("NodePort", "LoadBalancer").describe(
    "Type of the Services; each has the port of its URL in access.endpoints, as node port or as port of the load balancer",
  ),
  tlsSecret: dnsName()
    .optional()
    .describe(
      "Secret with the certificate, in each of the namespaces loki, mimir and tempo; without it, a CA of the stack issues certificates for the hosts of access.endpoints, and agents trust it",
    ),
  annotations: ingressFields("Annotations, such as those of a cloud's load balancer").annotations,
  clientCertificates: yesNo()
    .optional()
    .describe(
      "Whether the gateways require client certificates on these Services (mutual TLS): the stack issues one to each agent",
    ),
}).describe(
  "A Service for each gateway, with TLS in the gateway itself, for clusters without an ingress controller; without it there are none",
);

/** Passwords of the gateways, and addresses outside the cluster. */
export const access = group({
  generations: list(wholeNumber(1, 1_000_000), "one or two integers").describe(
    "Generations of gateway passwords that are accepted; the stack's own clients use the first. `./obs rotate` changes it",
  ),
  ingress: group({
    domain: text("a domain such as hub.example.com", /^[\w-]+(\.[\w-]+)+$/).describe(
      "Domain of the hosts loki.<domain>, mimir.<domain> and tempo.<domain>",
    ),
    ...ingressFields("Annotations, such as cert-manager.io/cluster-issuer"),
  })
    .optional()
    .describe(
      "An Ingress with TLS for each gateway; without it only pods of the cluster reach the gateways. tlsSecret is a Secret in each of the namespaces loki, mimir and tempo",
    ),
  endpoints: gatewayUrls()
    .optional()
    .describe(
      "URLs at which other clusters reach the gateways, if not through access.ingress: access.service, or your own HTTPRoutes",
    ),
  service: service.optional(),
  caCertificate: caCertificates()
    .optional()
    .describe("CA certificates that verify those addresses, unless a public CA issued theirs"),
}).describe("Access to the gateways of Loki, Mimir and Tempo");

type Access = z.output<typeof access>;
/** URLs of the gateways. */
export type GatewayUrls = NonNullable<Access["endpoints"]>;

/** URLs at which other clusters reach the gateways; undefined if the gateways are not exposed. */
export function reachableGateways({
  access: { ingress, endpoints },
}: {
  access: Access;
}): GatewayUrls | undefined {
  const host = (store: string) => `https://${store}.${ingress?.domain}`;
  return endpoints ?? (ingress && { loki: host("loki"), mimir: host("mimir"), tempo: host("tempo") });
}
