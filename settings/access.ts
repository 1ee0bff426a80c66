/** Settings of the gateways' users, and of the addresses at which other clusters reach the gateways. */
import type { z } from "zod";
import { group, ingressFields, list, text, wholeNumber } from "./fields";
import { caCertificates } from "./network";

const gatewayUrl = (store: string) =>
  text(
    "an http:// or https:// URL without a slash at its end",
    /^https?:\/\/[\w.-]+(:\d{1,5})?(\/[\w./-]*[\w.-])?$/,
  ).describe(`URL of ${store}'s gateway`);

/** Addresses of the three gateways. */
export const gatewayUrls = () =>
  group({ loki: gatewayUrl("Loki"), mimir: gatewayUrl("Mimir"), tempo: gatewayUrl("Tempo") });

/** Users of the gateways, and addresses outside the cluster. */
export const access = group({
  generations: list(wholeNumber(1, 1_000_000), "one or two integers").describe(
    "Generations of the gateways' passwords that are taken; the stack's own clients use the first. `./obs rotate` changes it",
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
      "Where other clusters reach the gateways, if not through access.ingress: HTTPRoutes of your own, load balancers, node ports",
    ),
  caCertificate: caCertificates()
    .optional()
    .describe("CA certificates that verify those addresses, unless a public CA issued theirs"),
}).describe("Access to the gateways of Loki, Mimir and Tempo");

type Access = z.output<typeof access>;
/** URLs of the gateways. */
export type GatewayUrls = NonNullable<Access["endpoints"]>;

/** Where other clusters reach the gateways; nothing if they do not. */
export function reachableGateways({
  access: { ingress, endpoints },
}: {
  access: Access;
}): GatewayUrls | undefined {
  const host = (store: string) => `https://${store}.${ingress?.domain}`;
  return endpoints ?? (ingress && { loki: host("loki"), mimir: host("mimir"), tempo: host("tempo") });
}
