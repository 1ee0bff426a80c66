import { Sensitive, type Settings } from "../../../settings";
import { type Check, error } from "../check";

/** Hosts that RFC 2606 reserves for documentation, and words that are placeholders. */
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

/** Paths of settings that still have an example value. */
const placeholders = (settings: Settings) => texts(settings).filter(({ text }) => placeholder.test(text));

/** No setting of a prod stack is an example value of the documentation. */
export const check: Check<never> = {
  name: "placeholders",
  needs: [],
  applies: ({ environment }) => environment === "prod",
  find: ({ settings }) =>
    placeholders(settings).map(({ path, text, secret }) =>
      error({
        path,
        was: secret ? "[secret]" : text,
        allowed: "your own value; this one is an example",
      }),
    ),
};
