/** The text of `docs/reference/settings.md`, from the schema and the profiles. */
import { basename } from "node:path";
import { type Described, described } from "../settings/describe";
import { dev } from "../settings/dev";
import { prod } from "../settings/prod";
import { cell, table } from "./markdown";

/** A setting and all settings in it, in the schema's order, without those that have no description. */
export const flat = (setting: Described): Described[] => [
  ...(setting.what ? [setting] : []),
  ...[...setting.children.values()].flatMap(flat),
];

/** A profile's value at a path; undefined without one. */
const valueAt = (profile: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], profile);

function valueCell(value: unknown): string {
  if (value === undefined) return "–";
  if (Array.isArray(value) && value.every((item) => typeof item === "string"))
    return value.map((item) => `\`${item}\``).join(" ");
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text === "{}" ? "none" : `\`${cell(text)}\``;
}

const kindOf = (allowed: string) => /^(an? [a-zA-Z ]+): (.+)$/.exec(allowed) ?? [];

const everything = [...described.children.values()].flatMap(flat);

/** Types of values that several settings share, with their formats; without ambiguous names. */
const kinds = new Map(
  everything.flatMap(({ allowed }) => {
    const [, kind = ""] = kindOf(allowed);
    const alike = everything.filter((other) => kindOf(other.allowed)[1] === kind);
    return kind && alike.length > 2 && alike.every((other) => other.allowed === allowed)
      ? [[kind, kindOf(allowed)[2] ?? ""] as const]
      : [];
  }),
);

/** The allowed values; types of several settings are explained once, at the top. */
const allowedCell = (allowed: string) => {
  const [, kind = ""] = kindOf(allowed);
  return kinds.has(kind) ? kind : cell(allowed);
};

function row(setting: Described): string {
  const { path, what, allowed, secret, later, group } = setting;
  if (group) return `| **${cell(path)}** | ${cell(what)} | | | |`;
  // An item of a list has no default of its own; the row of the list shows it.
  const values = path.includes("[") ? ["", ""] : [dev, prod].map((p) => valueCell(valueAt(p, path)));
  const marks = `${secret ? "**Secret.** " : ""}${cell(what)}${later ? `. **Later:** ${cell(later)}` : ""}`;
  return `| ${[`\`${cell(path)}\``, marks, allowedCell(allowed), ...values].join(" | ")} |`;
}

/** The guide for each section, as a link from the reference. */
export const pages: Record<string, string> = {
  environment: "../concepts/architecture.md",
  cluster: "../guides/scaling.md",
  charts: "../guides/upgrades.md",
  images: "../guides/security.md",
  load: "../guides/sizing.md",
  objectStorage: "../guides/object-storage.md",
  backups: "../guides/backup.md",
  loki: "../guides/logs.md",
  mimir: "../guides/metrics.md",
  queries: "../guides/retention.md",
  tempo: "../guides/traces.md",
  alloyLogs: "../guides/logs.md",
  alloyMetrics: "../guides/metrics.md",
  alloyTraces: "../guides/traces.md",
  otlp: "../guides/send-data.md",
  tracing: "../guides/traces.md",
  openTelemetryOperator: "../guides/traces.md",
  kubePrometheusStack: "../guides/metrics.md",
  cadvisor: "../guides/metrics.md",
  metrics: "../guides/metrics.md",
  grafana: "../guides/grafana.md",
  network: "../guides/network.md",
  scaling: "../guides/scaling.md",
  access: "../guides/access.md",
  agents: "../guides/many-clusters.md",
  hub: "../guides/many-clusters.md",
  alerting: "../guides/grafana.md",
  helm: "../guides/customizing.md",
  namespaces: "../guides/customizing.md",
};

/** The table of sections, with descriptions and guides. */
const contents = () =>
  table(
    ["section", "content", "guide"],
    [...described.children.values()].map(({ path, what }) => [
      `[${path}](#${path.toLowerCase()})`,
      cell(what),
      pages[path] ? `[${basename(pages[path], ".md")}](${pages[path]})` : "",
    ]),
  );

/** Resources of a component in a profile: replicas × CPU and memory, and its volume. */
function gets(profile: unknown, path: string): string {
  const { replicas, maxReplicas, servers, cpu, memory, disk } = valueAt(profile, path) as Record<
    string,
    string
  >;
  const most = maxReplicas && maxReplicas !== replicas ? `–${maxReplicas}` : "";
  const count = replicas ?? servers;
  return `${count ? `${count}${most} × ` : ""}${cpu}, ${memory}${disk ? `, ${disk} disk` : ""}`;
}

/** The table of components with their requests, in dev and prod. */
const components = () =>
  table(
    ["component", "dev", "prod"],
    everything
      .filter(({ group, children }) => group && children.has("cpu") && children.has("memory"))
      .map(({ path }) => [`\`${path}\``, gets(dev, path), gets(prod, path)]),
  );

/** The table of settings that are restricted after the installation, by kind of restriction. */
const kept = () =>
  [...new Set(everything.flatMap(({ later }) => later ?? []))].map((way) => {
    const paths = everything.filter(({ later }) => later === way).map(({ path }) => `\`${path}\``);
    return `- ${way}: ${paths.join(", ")}`;
  });

/** The text of `docs/reference/settings.md`. */
export function settingsDocument(): string {
  const sections = [...described.children.values()].map((setting) => {
    const rows = flat(setting).filter((one) => one !== setting || !setting.group);
    const head = ["| setting | description | allowed | dev | prod |", "|---|---|---|---|---|"];
    return [`## ${setting.path}`, "", setting.what, "", ...head, ...rows.map(row), ""].join("\n");
  });
  return [
    "# Settings",
    "",
    "<!-- Written by `npm run generate` from settings/schema.ts, settings/dev.ts and settings/prod.ts. -->",
    "",
    "Every setting with its defaults. A stack starts from the defaults of its `environment` and overrides single settings:",
    "",
    "```",
    "pulumi config set --stack prod --path loki.querier.replicas 4",
    "pulumi config set --stack prod --path 'loki.retention.namespaces.payments' 90d",
    "pulumi config set --stack prod --secret --path objectStorage.external.loki.secretKey <value>",
    "```",
    "",
    "or in `Pulumi.<stack>.yaml`. Groups are merged key by key; a list replaces the default list:",
    "",
    "```yaml",
    "config:",
    "  observability:environment: prod",
    "  observability:loki:",
    "    querier:",
    "      replicas: 4",
    "```",
    "",
    "`./obs preview` reports all invalid settings together, before any change.",
    "",
    "## Contents",
    "",
    ...contents(),
    "",
    "## How to read this page",
    "",
    "– means no default: the setting is optional, or required together with its group. A bold name is a group. `<name>` is a",
    "name that you choose, `[0]` any item of a list. Set a **Secret** with `--secret`, so that the file has it encrypted.",
    "**Later** names the changes that are impossible once the stack is installed. Types of values:",
    "",
    ...table(
      ["type", "format"],
      [...kinds].map(([kind, written]) => [kind, cell(written)]),
    ),
    "",
    "## Components at a glance",
    "",
    "Replicas (with the range of autoscaling) × CPU and memory requests, and the volume of each replica. To calculate them for",
    "your load: [sizing](../guides/sizing.md).",
    "",
    ...components(),
    "",
    "## Immutable settings",
    "",
    "A preview rejects changes of volumes, buckets and the encryption key. To migrate: [volumes](../guides/upgrades.md#volumes),",
    "[object storage](../guides/object-storage.md#moving), [Loki's index](../guides/logs.md#the-index).",
    "",
    ...kept(),
    "",
    ...sections,
  ].join("\n");
}
