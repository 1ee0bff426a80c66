/** Commands and queries of the runbook's pages, which tests check and run. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../cli/lib/stack-config";
import type { Language } from "./queries";

/** A command for readers to copy and run. */
export interface Command {
  /** Page from the project's root, and line. */
  where: string;
  /** Its text, without the trailing comment. */
  text: string;
  /** The mark of its block, or `inline` for a command in a sentence or table. */
  mark: "reads" | "changes" | "script" | "inline";
}

/** A query, and its data source. */
export interface Query {
  where: string;
  text: string;
  language: Language;
  /** `mimir` if its comment names it, otherwise PromQL is for Prometheus. */
  datasource: "prometheus" | "mimir" | "loki" | "tempo";
}

/** Marks of blocks with commands, after the three backticks. */
const marks: Record<string, Command["mark"]> = { "": "reads", changes: "changes", script: "script" };
const languages: Record<string, Language> = { promql: "prometheus", logql: "loki", traceql: "tempo" };

/** Programs that commands begin with; other texts in backticks are names or messages. */
const programs = /^(\.\/obs \w|(kubectl|helm|git|pulumi config) \S+ \S)/;

/** Placeholders of pages, and the values that a test uses. */
export const placeholders: Record<string, string[]> = {
  "<namespace>": ["${PREFIX}loki", "${PREFIX}mimir", "${PREFIX}tempo"],
  "my-team": ["default"],
};

/** Pages whose commands are run. */
export const runbookPages = (): string[] => [
  "docs/operations/runbook.md",
  ...readdirSync(join(root, "docs", "operations", "runbooks"))
    .sort()
    .map((file) => `docs/operations/runbooks/${file}`),
];

const withoutComment = (line: string) => line.replace(/\s+# .*$/, "").trimEnd();

const inlineCommands = (line: string): string[] =>
  [...line.matchAll(/`([^`]+)`/g)]
    .map(([, text = ""]) => text.replaceAll("\\|", "|")) // in tables, a bar is written \|
    .filter((text) => programs.test(text));

/** Commands and queries of a page. @throws if a block has an unknown mark */
export function read(page: string): { commands: Command[]; queries: Query[] } {
  const commands: Command[] = [];
  const queries: Query[] = [];
  let block: { mark: string; from: number; lines: string[] } | undefined;
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const add = (mark: string, line: string, number: number) => {
    const where = `${page}:${number}`;
    const text = withoutComment(line);
    const language = languages[mark];
    const command = marks[mark];
    if (!text) return;
    if (language)
      queries.push({
        where,
        text,
        language,
        datasource: /# .*in data source Mimir/.test(line) ? "mimir" : language,
      });
    else if (command) commands.push({ where, text, mark: command });
    else throw new Error(`${where}: the mark ${mark} is none of ${Object.keys({ ...marks, ...languages })}`);
  };
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (fence && !block) block = { mark: fence[1]?.trim() ?? "", from: index + 1, lines: [] };
    else if (fence && block) {
      if (marks[block.mark] === "script") add(block.mark, block.lines.join("\n"), block.from);
      else for (const [n, each] of block.lines.entries()) add(block.mark, each, block.from + n + 1);
      block = undefined;
    } else if (block) block.lines.push(line);
    else
      for (const text of inlineCommands(line))
        commands.push({ where: `${page}:${index + 1}`, text, mark: "inline" });
  }
  return { commands, queries };
}

/** The commands and queries of all pages. */
export function runbook(): { commands: Command[]; queries: Query[] } {
  const pages = runbookPages().map(read);
  return { commands: pages.flatMap((page) => page.commands), queries: pages.flatMap((page) => page.queries) };
}

/** The commands of a line with placeholders, in a stack with that `namespaces.prefix`. */
export const filled = (text: string, prefix = ""): string[] =>
  Object.entries(placeholders)
    .reduce(
      (texts, [name, values]) =>
        texts.flatMap((each) =>
          each.includes(name) ? values.map((value) => each.replaceAll(name, value)) : [each],
        ),
      [text],
    )
    .map((each) => each.replaceAll("${PREFIX}", prefix));

/** The stages of a pipeline; bars in quotes are not separators. */
export function stages(text: string): string[] {
  const parts = text.match(/(?:"[^"]*"|'[^']*'|[^|"'])+/g) ?? [];
  return parts.map((part) => part.trim());
}

const reading = [
  /^kubectl (-n \S+ )?(get|describe|logs|exec|top|port-forward|rollout status|rollout history) /,
  /^helm (ls|list|history|status|get) /,
  /^\.\/obs (doctor|smoke|storage|size|preview|get)\b/,
];

/** Whether a command only reads; programs run by `exec` are read-only here. */
export const readsOnly = (text: string): boolean => reading.some((pattern) => pattern.test(text));
