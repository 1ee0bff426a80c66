/** Services that are reachable from outside the cluster. */
import { at, isTree, places, valuesOf } from "../pods";
import { always, type SubjectRule, type Tree } from "../rule";

const open = ["NodePort", "LoadBalancer"];

export const servicesInternal: SubjectRule = {
  id: "services-internal",
  requires:
    "Services are reached from inside the cluster only: no NodePort, LoadBalancer or external address.",
  why: "external access bypasses NetworkPolicies for pods, and the Ingress with its TLS and login",
  level: always,
  check: (subject) => {
    const fix = "Set its type to ClusterIP and use an Ingress, or list it in policies/exceptions.ts.";
    const values = valuesOf(subject);
    if (values)
      return places({ values })
        .filter(
          ({ path, key, value }) => key === "type" && /service/i.test(path) && open.includes(String(value)),
        )
        .map(({ path, value }) => ({ what: `${path} is ${value}`, fix }));
    if (subject.kind !== "Service") return [];
    const { type, externalIPs } = (subject.object["spec"] ?? {}) as Tree;
    return [
      ...(open.includes(type) ? [{ what: `its type is ${type}`, fix }] : []),
      ...(externalIPs?.length ? [{ what: `it has external addresses ${externalIPs.join(", ")}`, fix }] : []),
    ];
  },
};

export const ingressTls: SubjectRule = {
  id: "ingress-tls",
  requires: "Every Ingress has TLS for each of its hosts.",
  why: "passwords and session cookies would be sent in plain text",
  level: always,
  check: (subject) => {
    const fix = "Name the Secret with the certificate, as grafana.ingress.tlsSecret does.";
    const values = valuesOf(subject);
    if (values)
      return places({ values })
        .filter(
          ({ key, value }) =>
            key === "ingress" && isTree(value) && value["enabled"] === true && !value["tls"]?.length,
        )
        .map(({ path }) => ({ what: `${path} is enabled without tls`, fix }));
    if (subject.kind !== "Ingress") return [];
    const { tls = [], rules = [], defaultBackend } = (subject.object["spec"] ?? {}) as Tree;
    // OpenShift's routers use their own certificate for each host.
    if (tls.some((entry: Tree) => Object.keys(entry).length === 0)) return [];
    const covered = tls.flatMap(({ hosts }: Tree) => hosts ?? []);
    // Without rules, the default backend serves every host.
    const served: Tree[] = defaultBackend && rules.length === 0 && tls.length === 0 ? [{}] : rules;
    return served
      .filter(({ host }) => !covered.includes(host))
      .map(({ host }) => ({ what: `host ${host ?? "(any)"} has no TLS`, fix }));
  },
};

/** The values of each release that enable TLS. */
const listeners: Record<string, { path: string[]; tls: unknown; carries: string }> = {
  grafana: { path: ["grafana.ini", "server", "protocol"], tls: "https", carries: "logins and sessions" },
  minio: { path: ["tls", "enabled"], tls: true, carries: "objects and the console's login" },
};

export const tlsInside: SubjectRule = {
  id: "tls-inside",
  requires: "In production, Grafana and MinIO use TLS inside the cluster.",
  why: "anyone with access to the network between nodes can read them",
  level: { dev: "disabled", prod: "advisory" },
  check: (subject) => {
    const listener = listeners[subject.name];
    const values = valuesOf(subject);
    if (!listener || !values || at(values, ...listener.path) === listener.tls) return [];
    return [
      {
        what: `${listener.carries} are sent unencrypted`,
        fix: "Set network.tls.certificates to ownCa or certManager, or encrypt the network between nodes (docs/guides/tls.md).",
      },
    ];
  },
};

export const noAnonymousAccess: SubjectRule = {
  id: "no-anonymous-access",
  requires: "Grafana requires a login.",
  why: "data sources answer every query that Grafana forwards with its own credentials",
  level: always,
  check: (subject) =>
    places(valuesOf(subject))
      .filter(
        ({ path, value }) =>
          (/(auth\.anonymous\.enabled|GF_AUTH_ANONYMOUS_ENABLED)$/.test(path) && String(value) === "true") ||
          (isTree(value) &&
            value["name"] === "GF_AUTH_ANONYMOUS_ENABLED" &&
            String(value["value"]) === "true"),
      )
      .map(({ path }) => ({ what: `values.${path} is true`, fix: "Remove it." })),
};
