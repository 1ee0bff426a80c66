/** The text of `docs/reference/settings.md`, from the schema and the profiles. */
import { basename } from "node:path";
import { type Described, described } from "../settings/describe";
import { dev } from "../settings/dev";
import { prod } from "../settings/prod";

/** A setting and all that is in it, in the schema's order; what has no description of its own is left out. */
export const flat = (setting: Described): Described[] => [
  ...(setting.what ? [setting] : []),
  ...[...setting.children.values()].flatMap(flat),
];

/** What a profile says at a path; nothing where it leaves the setting out. */
const valueAt = (profile: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], profile);

const cell = (text: string) => text.replaceAll("|", "\\|");

function valueCell(value: unknown): string {
  if (value === undefined) return "–";
  if (Array.isArray(value) && value.every((item) => typeof item === "string"))
    return value.map((item) => `\`${item}\``).join(" ");
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text === "{}" ? "none" : `\`${cell(text)}\``;
}

const kindOf = (allowed: string) => /^(an? [a-zA-Z ]+): (.+)$/.exec(allowed) ?? [];

const everything = [...described.children.values()].flatMap(flat);

/** Kinds of values that several settings have, with how they are written; not those of which there are two by one name. */
const kinds = new Map(
  everything.flatMap(({ allowed }) => {
    const [, kind = ""] = kindOf(allowed);
    const alike = everything.filter((other) => kindOf(other.allowed)[1] === kind);
    return kind && alike.length > 2 && alike.every((other) => other.allowed === allowed)
      ? [[kind, kindOf(allowed)[2] ?? ""] as const]
      : [];
  }),
);

/** What is allowed; kinds that many settings have are explained once, above. */
const allowedCell = (allowed: string) => {
  const [, kind = ""] = kindOf(allowed);
  return kinds.has(kind) ? kind : cell(allowed);
};

function row(setting: Described): string {
  const { path, what, allowed, secret, later, group } = setting;
  if (group) return `| **${cell(path)}** | ${cell(what)} | | | |`;
  // An item of a list has no default of its own; the list's row shows it.
  const values = path.includes("[") ? ["", ""] : [dev, prod].map((p) => valueCell(valueAt(p, path)));
  const marks = `${secret ? "**Secret.** " : ""}${cell(what)}${later ? `. **Later:** ${cell(later)}` : ""}`;
  return `| ${[`\`${cell(path)}\``, marks, allowedCell(allowed), ...values].join(" | ")} |`;
}

/** The page about each section, as a link from the reference. */
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
  otlp: "../guides/traces.md",
  tracing: "../guides/traces.md",
  openTelemetryOperator: "../guides/traces.md",
  kubePrometheusStack: "../guides/metrics.md",
  cadvisor: "../guides/metrics.md",
  metrics: "../guides/metrics.md",
  grafana: "../guides/grafana.md",
  network: "../guides/network.md",
  scaling: "../guides/scaling.md",
  access: "../guides/access.md",
  alerting: "../guides/grafana.md",
  helm: "../guides/customizing.md",
};

const table = (head: string[], rows: string[][]): string[] => [
  `| ${head.join(" | ")} |`,
  `|${"---|".repeat(head.length)}`,
  ...rows.map((row) => `| ${row.join(" | ")} |`),
];

/** What each section is, and the page about it. */
const contents = () =>
  table(
    ["section", "what it is", "how it is used"],
    [...described.children.values()].map(({ path, what }) => [
      `[${path}](#${path.toLowerCase()})`,
      cell(what),
      pages[path] ? `[${basename(pages[path], ".md")}](${pages[path]})` : "",
    ]),
  );

/** What a component gets in a profile: replicas × CPU and memory, and its volume. */
function gets(profile: unknown, path: string): string {
  const { replicas, maxReplicas, servers, cpu, memory, disk } = valueAt(profile, path) as Record<
    string,
    string
  >;
  const most = maxReplicas && maxReplicas !== replicas ? `–${maxReplicas}` : "";
  const count = replicas ?? servers;
  return `${count ? `${count}${most} × ` : ""}${cpu}, ${memory}${disk ? `, ${disk} disk` : ""}`;
}

/** Every component with what it requests, dev beside prod. */
const components = () =>
  table(
    ["component", "dev", "prod"],
    everything
      .filter(({ group, children }) => group && children.has("cpu") && children.has("memory"))
      .map(({ path }) => [`\`${path}\``, gets(dev, path), gets(prod, path)]),
  );

/** Settings that the stack, once installed, does not let go, by what is left of their freedom. */
const kept = () =>
  [...new Set(everything.flatMap(({ later }) => later ?? []))].map((way) => {
    const paths = everything.filter(({ later }) => later === way).map(({ path }) => `\`${path}\``);
    return `- ${way}: ${paths.join(", ")}`;
  });

/** The text of `docs/reference/settings.md`. */
export function settingsDocument(): string {
  const sections = [...described.children.values()].map((setting) => {
    const rows = flat(setting).filter((one) => one !== setting || !setting.group);
    const head = ["| setting | what it is | allowed | dev | prod |", "|---|---|---|---|---|"];
    return [`## ${setting.path}`, "", setting.what, "", ...head, ...rows.map(row), ""].join("\n");
  });
  return [
    "# Settings",
    "",
    "<!-- Written by `npm run generate` from settings/schema.ts, settings/dev.ts and settings/prod.ts. -->",
    "",
    "Every setting with its defaults. A stack starts from those of its `environment` and changes single ones:",
    "",
    "```",
    "pulumi config set --stack prod --path loki.querier.replicas 4",
    "pulumi config set --stack prod --path 'loki.retention.namespaces.payments' 90d",
    "pulumi config set --stack prod --secret --path objectStorage.external.loki.secretKey <value>",
    "```",
    "",
    "or in its `Pulumi.<stack>.yaml`, where groups are merged key by key and a list replaces the default as a whole:",
    "",
    "```yaml",
    "config:",
    "  observability:environment: prod",
    "  observability:loki:",
    "    querier:",
    "      replicas: 4",
    "```",
    "",
    "`./obs preview` tells all mistakes at once, before anything is touched.",
    "",
    "## Contents",
    "",
    ...contents(),
    "",
    "## How to read this page",
    "",
    "– means that there is no default: the setting may be left out, or has to be given with the others of its group. A bold",
    "name is a group. `<name>` stands for a name of yours, `[0]` for any item of a list. **Secret** is set with `--secret`, so",
    "that it is encrypted in the file. **Later** says what cannot be changed once the stack is installed. Kinds of values:",
    "",
    ...table(
      ["kind", "written as"],
      [...kinds].map(([kind, written]) => [kind, cell(written)]),
    ),
    "",
    "## Components at a glance",
    "",
    "Replicas × CPU and memory requested, the volume of each, and between which numbers it scales by itself. For its own load:",
    "[sizing.md](../guides/sizing.md).",
    "",
    ...components(),
    "",
    "## What is fixed later",
    "",
    "A preview refuses it for volumes, buckets and the key. How it is changed all the same: [upgrades.md](../guides/upgrades.md#volumes),",
    "[object-storage.md](../guides/object-storage.md#moving), [logs.md](../guides/logs.md#the-index).",
    "",
    ...kept(),
    "",
    ...sections,
  ].join("\n");
}
