import { Sensitive, type Settings } from "../../../settings";
import { type Check, error } from "../check";

/** Hosts that RFC 2606 reserves for documentation, and words that stand for a value. */
const placeholder = /(^|[^\w-])example\.(com|org|net)\b|\.example(?![\w.-])|^change-?me$/i;

/** Texts of the settings with their paths. */
function texts(node: unknown, path = ""): { path: string; text: string; secret: boolean }[] {
  if (typeof node === "string") return [{ path, text: node, secret: false }];
  if (node instanceof Sensitive) {
    const text = node.reveal();
    return typeof text === "string" ? [{ path, text, secret: true }] : [];
  }
  if (Array.isArray(node)) return node.flatMap((child, index) => texts(child, `${path}[${index}]`));
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, child]) => texts(child, path ? `${path}.${key}` : key));
}

/** Paths of settings that are still those of an example. */
export const placeholders = (settings: Settings) =>
  texts(settings).filter(({ text }) => placeholder.test(text));

/** No value of a prod stack is one of the documentation's examples. */
export const check: Check<never> = {
  name: "placeholders",
  needs: [],
  applies: ({ environment }) => environment === "prod",
  find: ({ settings }) =>
    placeholders(settings).map(({ path, text, secret }) =>
      error({
        path,
        was: secret ? "[secret]" : text,
        allowed: "a value of your own; this one is an example",
      }),
    ),
};
