import { type Check, error, warning } from "../check";

/**
 * Ingress controllers may connect to the pods behind the Ingresses of the stack, and the namespaces of allowed clients
 * exist.
 */
export const check: Check<"namespaces"> = {
  name: "clients that NetworkPolicies allow",
  needs: ["namespaces"],
  applies: ({ network }) => network.policies,
  find({ settings: { access, grafana, otlp, network }, facts: { namespaces } }) {
    const [published] = [
      grafana.ingress && "grafana.ingress",
      otlp.ingress && "otlp.ingress",
      access.ingress && "access.ingress",
    ].filter(Boolean);
    const reachable = network.ingressNamespaces.length > 0 || network.ingressRanges.length > 0;
    const existing = new Set(namespaces.map(({ metadata }) => metadata?.name));
    return [
      ...(published && !reachable
        ? [
            error({
              path: "network.ingressNamespaces",
              was: [],
              allowed: `the namespace of the ingress controller, because ${published} is set and network.policies is true; or set network.ingressRanges to the addresses of its load balancer`,
            }),
          ]
        : []),
      ...(["ingressNamespaces", "scraperNamespaces"] as const).flatMap((key) =>
        network[key].flatMap((name, index) =>
          existing.has(name)
            ? []
            : [
                warning({
                  path: `network.${key}[${index}]`,
                  was: name,
                  allowed: "an existing namespace: until it exists, nothing can connect from it",
                }),
              ],
        ),
      ),
    ];
  },
};
