/** Settings of who in the cluster may connect to whom. */
import { dnsName, group, list, text, yesNo } from "./fields";

const cidrs = (what: string) =>
  list(
    text("an address range such as 10.0.0.0/16", /^[0-9a-fA-F.:]+\/\d{1,3}$/),
    "a list of address ranges",
  ).describe(what);

/** NetworkPolicies; they hold where the cluster's network plugin enforces them. */
export const network = group({
  policies: yesNo().describe(
    "Whether the stack's namespaces refuse every connection that the stack does not need; docs/network.md lists those it does",
  ),
  nodes: cidrs(
    "Addresses of nodes, of the API server and of what asks the stack's webhooks for it; narrow it where they are known",
  ),
  ingressNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of ingress controllers, which may reach Grafana and the gateways",
  ),
  scraperNamespaces: list(dnsName(), "a list of namespaces").describe(
    "Namespaces of other monitoring, which may read the stack's own metrics",
  ),
}).describe("Connections inside the cluster");
