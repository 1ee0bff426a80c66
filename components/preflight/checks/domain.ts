import { type Check, error } from "../check";

/** Zones that CoreDNS serves from the Kubernetes API: https://coredns.io/plugins/kubernetes/ */
const zones = (corefile: string): string[] =>
  [...corefile.matchAll(/^\s*kubernetes\s+([^{}\n]+)/gm)].flatMap(([, names = ""]) =>
    names
      .trim()
      .split(/\s+/)
      .filter((name) => !name.endsWith(".arpa"))
      .map((name) => name.replace(/\.$/, "")),
  );

/** The cluster's DNS serves the domain in the settings. */
export const check: Check<"corefile"> = {
  name: "DNS domain",
  needs: ["corefile"],
  find({ settings, facts: { corefile = "" } }) {
    const was = settings.cluster.domain;
    const served = zones(corefile);
    if (served.length === 0 || served.includes(was)) return [];
    return [
      error({
        path: "cluster.domain",
        was,
        allowed: `${served.join(" or ")}, which CoreDNS serves`,
      }),
    ];
  },
};
