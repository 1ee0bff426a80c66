/** The documentation in a form for tests: pages, their links, headings and code. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = join(__dirname, "..", "..");

/** A page of the documentation. */
export interface Page {
  /** Its path below the project's folder, such as `docs/guides/logs.md`. */
  path: string;
  /** Its text without fenced code. */
  text: string;
  /** Texts in single backticks. */
  inline: string[];
  /** The lines of its fenced code. */
  fenced: string[];
}

/** A link inside the project. */
export interface Link {
  /** Path of the page that contains it. */
  from: string;
  /** Path of the target file or folder. */
  to: string;
  /** The target heading; empty for the whole page. */
  anchor: string;
}

/** Parses a page from its Markdown. */
export function page(path: string, markdown: string): Page {
  const fenced: string[] = [];
  const text = markdown.replaceAll(/^( *)```.*\n([\s\S]*?)^ *```$/gm, (_, _indent, code: string) => {
    fenced.push(...code.split("\n").filter(Boolean));
    return "";
  });
  return { path, text, fenced, inline: [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code) };
}

const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(folder, file));

/** README, every page of `docs/`, and the READMEs next to code that they refer to. */
export const pages = (): Page[] =>
  ["README.md", "automation/README.md", "bench/README.md", ...markdownIn("docs")].map((path) =>
    page(path, readFileSync(join(root, path), "utf8")),
  );

/** The anchors of a page, as GitHub derives them from its headings. */
export function anchors({ text }: Page): string[] {
  const seen = new Map<string, number>();
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
    const slug = plain
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count ? `${slug}-${count}` : slug;
  });
}

/** The links of a page to files of the project, including pictures. */
export const links = ({ path, text }: Page): Link[] =>
  [...text.replaceAll(/`[^`\n]+`/g, "").matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      const to = file ? relative(root, resolve(root, dirname(path), file)) : path;
      return { from: path, to, anchor };
    });

/** Whether a path of the project exists. */
export const isThere = (path: string): boolean => existsSync(join(root, path));

/** The pages that are reachable from one: through links of reachable pages, and links to their folder. */
export function reachable(from: string, all: Page[]): Set<string> {
  const reached = new Set([from]);
  for (const path of reached) {
    const of = all.find((one) => one.path === path);
    for (const { to } of of ? links(of) : []) {
      if (!isThere(to)) continue;
      const folder = statSync(join(root, to)).isDirectory();
      for (const one of all) if (folder ? dirname(one.path) === to : one.path === to) reached.add(one.path);
    }
  }
  return reached;
}
