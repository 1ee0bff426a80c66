/** `npm run generate`: writes `docs/settings.md` and the `config` block of `Pulumi.yaml` from the schema and the profiles. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { type Described, described } from "../settings/describe";
import { dev } from "../settings/dev";
import { prod } from "../settings/prod";

const root = join(__dirname, "..");

/** The generated files. */
export const files = { settings: join(root, "docs", "settings.md"), pulumi: join(root, "Pulumi.yaml") };

/** A setting and all that is in it, in the schema's order; what has no description of its own is left out. */
const flat = (setting: Described): Described[] => [
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

function row(setting: Described): string {
  const { path, what, allowed, secret, group } = setting;
  if (group) return `| **${cell(path)}** | ${cell(what)} | | | |`;
  // An item of a list has no default of its own; the list's row shows it.
  const values = path.includes("[") ? ["", ""] : [dev, prod].map((p) => valueCell(valueAt(p, path)));
  const about = [`\`${cell(path)}\``, cell(secret ? `**Secret.** ${what}` : what), cell(allowed), ...values];
  return `| ${about.join(" | ")} |`;
}

/** The text of `docs/settings.md`. */
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
    "Every setting with its defaults; – means that there is none. A stack changes single ones:",
    "",
    "```",
    "pulumi config set --stack prod --path loki.querier.replicas 4",
    "pulumi config set --stack prod --path 'loki.retention.namespaces.payments' 90d",
    "pulumi config set --stack prod --secret --path objectStorage.minio.encryptionKey <value>",
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
    ...sections,
  ].join("\n");
}

/** `Pulumi.yaml` with its `config` block written anew and all else as it is. */
export function pulumiYaml(current: string): string {
  const document = parseDocument(current);
  const config = Object.fromEntries(
    [...described.children].map(([key, setting]) => {
      const [, ...nested] = flat(setting).filter((one) => one === setting || !one.group);
      const lines = nested.map(
        ({ path, what, allowed, secret }) => `${path}: ${what} (${secret ? "secret, " : ""}${allowed})`,
      );
      if (!setting.group)
        return [key, { type: "string", description: `${setting.what}: ${setting.allowed}` }];
      // Without a default Pulumi would demand that a stack sets it.
      return [key, { type: "object", description: [setting.what, ...lines].join("\n"), default: {} }];
    }),
  );
  const node = document.createNode(config);
  node.commentBefore =
    " Written by `npm run generate` from settings/schema.ts; docs/settings.md has the defaults.";
  document.set("config", node);
  return document.toString({ lineWidth: 0 });
}

if (require.main === module) {
  writeFileSync(files.settings, settingsDocument());
  writeFileSync(files.pulumi, pulumiYaml(readFileSync(files.pulumi, "utf8")));
}
