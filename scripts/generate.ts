/** `npm run generate`: writes the generated pages of `docs/reference`, and the `config` block of `Pulumi.yaml`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { described } from "../settings/describe";
import { alertsDocument } from "./alerts-document";
import { commandsDocument } from "./commands-document";
import { connectionsDocument } from "./connections-document";
import { policiesDocument } from "./policies-document";
import { flat, settingsDocument } from "./settings-document";

const root = join(__dirname, "..");

const reference = join(root, "docs", "reference");

/** The generated pages and their text. */
export const pages = {
  [join(reference, "settings.md")]: settingsDocument,
  [join(reference, "commands.md")]: commandsDocument,
  [join(reference, "alerts.md")]: alertsDocument,
  [join(reference, "policies.md")]: policiesDocument,
  [join(reference, "connections.md")]: connectionsDocument,
};

/** The file whose `config` block is generated. */
export const pulumiFile = join(root, "Pulumi.yaml");

/** `Pulumi.yaml` with its `config` block regenerated and everything else unchanged. */
export function pulumiYaml(current: string): string {
  const document = parseDocument(current);
  const config = Object.fromEntries(
    [...described.children].map(([key, setting]) => {
      // A table of groups, such as agents, is a setting on its own.
      const nested = flat(setting).filter((one) => !one.group);
      const lines = nested.map(
        ({ path, what, allowed, secret }) => `${path}: ${what} (${secret ? "secret, " : ""}${allowed})`,
      );
      if (setting.children.size === 0)
        return [key, { type: "string", description: `${setting.what}: ${setting.allowed}` }];
      // Without a default Pulumi would require a value from every stack.
      return [key, { type: "object", description: [setting.what, ...lines].join("\n"), default: {} }];
    }),
  );
  const node = document.createNode(config);
  node.commentBefore =
    " Written by `npm run generate` from settings/schema.ts; docs/reference/settings.md has the defaults.";
  document.set("config", node);
  return document.toString({ lineWidth: 0 });
}

if (require.main === module) {
  for (const [file, text] of Object.entries(pages)) writeFileSync(file, text());
  writeFileSync(pulumiFile, pulumiYaml(readFileSync(pulumiFile, "utf8")));
}
