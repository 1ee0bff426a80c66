/** Replaces the default names of namespaces in texts: queries of dashboards and alerts, and commands of runbooks. */
import { defaultNamespaces, namespaceKeys, namespaces, ownNamespace, prefixed } from "../names";
import type { Settings } from "../settings";

const names = Object.values(defaultNamespaces).join("|");
/** A matcher of PromQL or LogQL; a `job` with a slash begins with the namespace. */
const matcher = /\b((?:\w+_)?namespace|job)(\s*(?:=~|!~|!=|=)\s*)"([^"]*)"/g;
/** A regular expression for the namespaces of all Alloys. */
const alloys = /alloy-\.[+*]/;
const inNamespace = new RegExp(`(?<![\\w-])(?:${names})(?![\\w-])|(?<![\\w-])${alloys.source}`, "g");
const inJob = new RegExp(`(?<![\\w-])(?:${names})(?=/)`, "g");
/** Names in commands and addresses. */
const elsewhere = new RegExp(
  `(?<=-n |--namespace[= ])(?:${names})(?![\\w-])|(?<=[\\w-]\\.)(?:${names})(?=\\.svc)`,
  "g",
);

/** Whether a namespace has a name other than its default one with the prefix. */
const hasOwnName = (settings: Settings): boolean =>
  namespaceKeys.some((key) => namespaces(settings)[key] !== prefixed(settings, defaultNamespaces[key]));

function renameOne(settings: Settings, name: string): string {
  if (!alloys.test(name)) return ownNamespace(settings, name);
  const { alloyLogs, alloyMetrics, alloyTraces } = namespaces(settings);
  return hasOwnName(settings) ? [alloyLogs, alloyMetrics, alloyTraces].join("|") : prefixed(settings, name);
}

const inValue = (settings: Settings, value: string): string =>
  value.replace(inNamespace, (name) => renameOne(settings, name));

function inText(settings: Settings, text: string): string {
  const rename = (name: string) => renameOne(settings, name);
  return text
    .replace(
      matcher,
      (_, label: string, operator: string, value: string) =>
        `${label}${operator}"${value.replace(label === "job" ? inJob : inNamespace, rename)}"`,
    )
    .replace(elsewhere, rename);
}

/** A copy of a tree with this stack's namespaces in all of its texts. */
export const renamed = <T>(settings: Settings, tree: T): T =>
  settings.namespaces.prefix || hasOwnName(settings)
    ? JSON.parse(
        JSON.stringify(tree, (key, value) => {
          if (typeof value !== "string") return value;
          return key === "namespace" ? inValue(settings, value) : inText(settings, value);
        }),
      )
    : tree;
