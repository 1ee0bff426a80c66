/** Golden files: the program's output for the shipped profiles, so that a review shows the effect of a change. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { toYaml } from "../../cli/lib/render";

const folder = join(__dirname, "..", "golden");
const update = Boolean(process.env["UPDATE_GOLDEN"]);

/**
 * Compares documents with a golden file, or writes it if `UPDATE_GOLDEN` is set.
 *
 * @param path from `tests/golden`
 */
export function expectGolden(path: string, documents: unknown[]): void {
  const file = join(folder, path);
  const text = toYaml(documents);
  if (update) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const recorded = existsSync(file) ? readFileSync(file, "utf8") : "";
  expect(text, `tests/golden/${path}; if the change is intended: UPDATE_GOLDEN=1 npm run test:unit`).to.equal(
    recorded,
  );
}
