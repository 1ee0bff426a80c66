/** Commands and queries of the runbook's pages, as they stand there: what tests ask about, and run. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../cli/lib/stack-config";
import type { Language } from "./queries";

/** What a reader copies and runs. */
export interface Command {
  /** Page from the project's root, and line. */
  where: string;
  /** As it stands there, without the comment behind it. */
  text: string;
  /** Whether it is in a block of its own, with that block's mark, or in a sentence or table. */
  mark: "reads" | "changes" | "script" | "inline";
}

/** A query, and the datasource that the page means. */
export interface Query {
  where: string;
  text: string;
  language: Language;
  /** `mimir` where its comment says so, for PromQL is Prometheus' otherwise. */
  datasource: "prometheus" | "mimir" | "loki" | "tempo";
}

/** Marks of blocks with commands, as they stand behind the three backticks. */
const marks: Record<string, Command["mark"]> = { "": "reads", changes: "changes", script: "script" };
const languages: Record<string, Language> = { promql: "prometheus", logql: "loki", traceql: "tempo" };

/** Programs that commands begin with; anything else between backticks is a name or a message. */
const programs = /^(\.\/obs \w|(kubectl|helm|git|pulumi config) \S+ \S)/;

/** What a page may leave open, and what a test puts there: the reader's own names. */
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
    .map(([, text = ""]) => text.replaceAll("\\|", "|")) // in tables a bar is written \|
    .filter((text) => programs.test(text));

/** What is in a page. @throws if a block has an unknown mark */
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
        datasource: /# .*in datasource Mimir/.test(line) ? "mimir" : language,
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

/** Everything that the pages hold. */
export function runbook(): { commands: Command[]; queries: Query[] } {
  const pages = runbookPages().map(read);
  return { commands: pages.flatMap((page) => page.commands), queries: pages.flatMap((page) => page.queries) };
}

/** The commands that a line with placeholders stands for, in a stack with that `namespaces.prefix`. */
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

/** The stages of a pipeline; bars in quotes divide nothing. */
export function stages(text: string): string[] {
  const parts = text.match(/(?:"[^"]*"|'[^']*'|[^|"'])+/g) ?? [];
  return parts.map((part) => part.trim());
}

const reading = [
  /^kubectl (-n \S+ )?(get|describe|logs|exec|top|port-forward|rollout status|rollout history) /,
  /^helm (ls|list|history|status|get) /,
  /^\.\/obs (doctor|smoke|storage|size|preview)\b/,
];

/** Whether a command leaves everything as it is; `exec` runs programs that only look. */
export const readsOnly = (text: string): boolean => reading.some((pattern) => pattern.test(text));
