/**
 * Checks the terms of the Markdown files against `prose-terms.json` with textlint; `npm run check` runs it.
 *
 * Code, links and names in backticks are not prose. A term is a pattern and the term to use instead.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TextlintKernel } from "@textlint/kernel";
import markdown from "@textlint/textlint-plugin-markdown";
// @ts-expect-error: the package has no types.
import terminology from "textlint-rule-terminology";
import terms from "./prose-terms.json";

const root = join(__dirname, "..");
const kernel = new TextlintKernel();

/** The wrong terms in a Markdown text, each with its line. */
export async function wrongTerms(text: string): Promise<string[]> {
  const { messages } = await kernel.lintText(text, {
    ext: ".md",
    plugins: [{ pluginId: "markdown", plugin: markdown }],
    rules: [{ ruleId: "terminology", rule: terminology, options: { defaultTerms: false, terms } }],
  });
  return messages.map(({ message, loc }) => `${loc.start.line}: ${message}`);
}

async function main(): Promise<void> {
  const listed = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" });
  const files = listed.split("\n").filter((file) => file && existsSync(join(root, file)));
  for (const file of files)
    for (const wrong of await wrongTerms(readFileSync(join(root, file), "utf8"))) {
      console.error(`${file}:${wrong}`);
      process.exitCode = 1;
    }
}

if (require.main === module) void main();
