/** Secrets in plain text in a stack's configuration, a committed file. */
import { type Problem, problem } from "./check";
import type { Settings } from "./schema";
import { Sensitive } from "./sensitive";

/** Encrypted chart values: they would be in plain text in the release, in its state and in previews. */
const encryptedValues = ({ helm }: Settings, encrypted: (key: string) => boolean): Problem[] =>
  problem(
    encrypted("helm") && Object.values(helm).some((release) => Object.keys(release?.values ?? {}).length > 0),
    "helm",
    "[secret]",
    "without encrypted values, because Helm and previews have all chart values in plain text: create a Secret and refer to it",
  );

/**
 * Encrypted chart values, and secrets of a prod stack that its configuration has in plain text; those are allowed in
 * dev stacks, which are short-lived.
 *
 * @param encrypted whether the value of a top-level setting, or a part of it, is encrypted: the engine passes both on
 * in the same form. A text of `[secret]` represents an encrypted value, see `fileConfig`
 */
export function plainSecrets(settings: Settings, encrypted: (key: string) => boolean): Problem[] {
  const visit = (node: unknown, path: string): Problem[] => {
    if (node instanceof Sensitive)
      return problem(
        node.reveal() !== "[secret]",
        path,
        "[secret]",
        "an encrypted secret, because environment is prod. This one is in plain text: replace it, because it may have leaked",
      );
    if (typeof node !== "object" || node === null) return [];
    return Object.entries(node).flatMap(([key, child]) =>
      visit(child, Array.isArray(node) ? `${path}[${key}]` : `${path}.${key}`),
    );
  };
  const values = encryptedValues(settings, encrypted);
  if (settings.environment !== "prod") return values;
  return [
    ...values,
    ...Object.entries(settings).flatMap(([key, child]) => (encrypted(key) ? [] : visit(child, key))),
  ];
}
