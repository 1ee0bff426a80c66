/** The text of `docs/reference/connections.md`, from the connections that NetworkPolicies allow. */
import { namespaces, smokeTest } from "../names";
import { parseSettings, type Settings } from "../settings";
import { flows } from "../values/network-flows";
import {
  type Flow,
  isNamespace,
  namespaceIn,
  type Outsider,
  type PartName,
  parts,
} from "../values/network-parts";
import { cell, table } from "./markdown";

/** A stack with every part whose connections depend on a setting. */
const settings: Settings = parseSettings("dev", {
  environment: "dev",
  network: { policies: true, tls: { certificates: "ownCa" } },
  otlp: { ingress: { host: "otlp.example.com" } },
  backups: {
    destination: {
      provider: "Other",
      endpoint: "https://s3.example.com",
      region: "region",
      bucket: "copy",
      accessKey: "access-key",
      secretKey: "secret-key",
      password: "password-of-the-copy",
    },
  },
});

const outsiders: Record<Exclude<Outsider, `namespace:${string}`>, string> = {
  pods: "every pod of the cluster",
  clients: 'namespaces labeled `observability/client: "true"`',
  ingress: "`network.ingressNamespaces`, `network.ingressRanges`",
  scrapers: "`network.scraperNamespaces`",
  smokeTest: `\`${smokeTest.namespace}\``,
  nodes: "`network.nodes`",
  metadata: "the metadata service of the node",
  anywhere: "any address",
};

/** A part: its namespace and, if it is not the whole namespace, its name there. */
function nameOf(who: PartName | Outsider): string {
  if (isNamespace(who)) return `\`${namespaceIn(who)}\``;
  if (who in outsiders) return outsiders[who as keyof typeof outsiders];
  const part = parts[who as PartName];
  const namespace = namespaces(settings)[part.namespace];
  return "labels" in part ? `\`${namespace}/${Object.values(part.labels).join(" ")}\`` : `\`${namespace}\``;
}

const target = ({ to, ports, udp }: Flow) =>
  `${nameOf(to)} ${ports === "all" ? "(all ports)" : ports.join(" ")}${udp ? " (UDP too)" : ""}`;

/** Groups texts by a key, in the order in which the keys appear. */
function grouped<T>(items: T[], key: (item: T) => string, text: (item: T) => string): [T, string][] {
  const groups = new Map<string, { first: T; texts: Set<string> }>();
  for (const item of items) {
    const group = groups.get(key(item)) ?? { first: item, texts: new Set() };
    group.texts.add(text(item));
    groups.set(key(item), group);
  }
  return [...groups.values()].map(({ first, texts }) => [first, [...texts].join("; ")]);
}

/** The text of `docs/reference/connections.md`. */
export function connectionsDocument(): string {
  const bySource = grouped(flows(settings), ({ from, why }) => `${from} ${why}`, target);
  const rows = grouped(
    bySource,
    ([{ why }, targets]) => `${targets} ${why}`,
    ([{ from }]) => nameOf(from),
  ).map(([[{ why }, targets], sources]) => [sources, targets, why].map(cell));
  return [
    "# Connections",
    "",
    "<!-- Written by `npm run generate` from values/network-flows.ts. -->",
    "",
    "The connections that `network.policies` allows, in addition to DNS (ports 53 and 5353), for a stack with MinIO, backups, TLS and an",
    "Ingress for OTLP. A name is a namespace, or a component in it; ports are those of pods. Addresses in settings (external S3, receivers,",
    "identity provider, database, proxy) add their ports. [Network](../guides/network.md) describes how to allow more.",
    "",
    ...table(["from", "to", "purpose"], rows),
    "",
  ].join("\n");
}
