/** Which tests reach a file through imports, the nearest first. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const known = new Map<string, string[]>();

/** The project's files that a file imports. */
function importsOf(file: string): string[] {
  const found = known.get(file);
  if (found) return found;
  const imports = ts
    .preProcessFile(readFileSync(file, "utf8"))
    .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => resolve(dirname(file), fileName))
    .flatMap((path) => [`${path}.ts`, join(path, "index.ts")].filter((one) => existsSync(one)).slice(0, 1));
  known.set(file, imports);
  return imports;
}

/** The number of imports from a file to each file that it reaches. */
export function distances(root: string, from: string): Map<string, number> {
  const found = new Map([[join(root, from), 0]]);
  for (const [file, distance] of found)
    for (const next of importsOf(file)) if (!found.has(next)) found.set(next, distance + 1);
  return new Map([...found].map(([file, distance]) => [relative(root, file), distance]));
}
