/** Secrets in plain text in a stack's config, a committed file. */
import { type Problem, problem } from "./check";
import type { Settings } from "./schema";
import { Sensitive } from "./sensitive";

/**
 * Secrets of a prod stack that its config has in plain text; a dev stack's are for a day, and nobody minds.
 *
 * @param encrypted whether the config has a top-level setting, or something in it, encrypted: the engine hands over both
 *   in the same form. A text of `[secret]` stands for an encrypted value, see `fileConfig`
 */
export function plainSecrets(settings: Settings, encrypted: (key: string) => boolean): Problem[] {
  const visit = (node: unknown, path: string): Problem[] => {
    if (node instanceof Sensitive)
      return problem(
        node.reveal() !== "[secret]",
        path,
        "[secret]",
        "an encrypted secret, because environment is prod; this one is in plain text: replace it, because it may be known",
      );
    if (typeof node !== "object" || node === null) return [];
    return Object.entries(node).flatMap(([key, child]) =>
      visit(child, Array.isArray(node) ? `${path}[${key}]` : `${path}.${key}`),
    );
  };
  if (settings.environment !== "prod") return [];
  return Object.entries(settings).flatMap(([key, child]) => (encrypted(key) ? [] : visit(child, key)));
}
