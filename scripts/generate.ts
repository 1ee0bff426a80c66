/** `npm run generate`: writes `docs/reference/settings.md` and the `config` block of `Pulumi.yaml` from the schema and the profiles. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { described } from "../settings/describe";
import { flat, settingsDocument } from "./settings-document";

export { settingsDocument } from "./settings-document";

const root = join(__dirname, "..");

/** The generated files. */
export const files = {
  settings: join(root, "docs", "reference", "settings.md"),
  pulumi: join(root, "Pulumi.yaml"),
};

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
    " Written by `npm run generate` from settings/schema.ts; docs/reference/settings.md has the defaults.";
  document.set("config", node);
  return document.toString({ lineWidth: 0 });
}

if (require.main === module) {
  writeFileSync(files.settings, settingsDocument());
  writeFileSync(files.pulumi, pulumiYaml(readFileSync(files.pulumi, "utf8")));
}
