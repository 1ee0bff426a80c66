/** Secrets only in Kubernetes Secrets and in outputs that are marked secret. */
import { containersOf, isTree, places, valuesOf } from "../pods";
import { always, type SubjectRule, type Tree } from "../rule";

/**
 * Placeholder of a generated secret in a recording (cli/lib/record.ts). With an engine, the secret itself is
 * present.
 */
const generated = "[generated]";

/** Names of values that are secrets. */
const secretName =
  /(pass(word|wd|phrase)|secret|token|api[-_]?key|(?:access|secret|private|encryption)[-_]?key|credential)s?$/i;
/** Names with such an ending whose values are not secrets: references and names of secrets. */
const harmlessName =
  /(existing|extra|config|name|ref|path|file|mount|tls|certs?|auto.*)(secret|token|key|password)s?$|^(pull|image.?pull)secrets?$|tokens?_?(ttl|path)$|(secret|token|key|password)s?(name|key|ref|file|path)$/i;

/** Names of secrets whose values may be numbers. */
const numericSecret = /(pass(word|wd|phrase)|pin)$/i;

/** Values that are secrets regardless of their name. */
const shapes: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, "an AWS access key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}\b/, "a GitHub token"],
  [/\bgl(?:sa|c)_[A-Za-z0-9+/=_]{30,}/, "a Grafana token"],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a Slack token"],
  [/https:\/\/hooks\.slack\.com\/services\/[A-Z0-9]+\/[A-Z0-9]+\/[A-Za-z0-9]+/, "a Slack webhook"],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/, "a JSON web token"],
  [/\b[a-z][a-z+]*:\/\/[^\s/:@"'$]+:[^\s/@"'$]{3,}@/, "a password in an address"],
  [/\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/, "a password hash"],
];

/** Whether a text only refers to a secret: a variable, a template, a file. */
const placeholder = (text: string): boolean =>
  text === "" ||
  /^\$(\{[^}]*\}|__\w+\{[^}]*\}|\w+)$/.test(text) ||
  /^\{\{[\s\S]*\}\}$/.test(text) ||
  /^(\/|\.\/)\S+$/.test(text) ||
  /^[\w-]+\.(key|crt|pem)$/.test(text);

/** The kind of secret in a text; undefined if there is none. */
function secretIn(text: string): string | undefined {
  if (text.includes(generated)) return "a generated secret";
  return shapes.find(([shape]) => shape.test(text))?.[1];
}

/** The reason why a named value is a secret; undefined if it is not. */
function secretAt(key: string, value: unknown): string | undefined {
  // YAML reads an unquoted password of digits as a number. Other numbers, such as a token's lifetime, are no secrets.
  if (typeof value === "number" && numericSecret.test(key)) return "a secret according to its name";
  if (typeof value !== "string") return undefined;
  const shape = secretIn(value);
  if (shape) return shape;
  const named = secretName.test(key) && !harmlessName.test(key) && !placeholder(value);
  return named ? "a secret according to its name" : undefined;
}

/** An assignment in a configuration file: `password: abc`, `secret_key = "abc"`. */
const setting = /^\s*-?\s*"?([\w.-]+)"?\s*([:=])\s*(["']?)([^\s"'#{[|>]+)["']?,?\s*$/gm;

/** The name of an assignment in a configuration file that sets a secret. */
function settingIn(text: string): string | undefined {
  for (const [, key = "", sign, quote, value = ""] of text.matchAll(setting)) {
    // Alloy's `password = local.file.x.content` refers to another component, and so does `$__file{...}` to a
    // file.
    const reads = sign === "=" && !quote && /^[A-Za-z_]\w*(\.\w+)+$/.test(value);
    const what = secretAt(key, value);
    if (what && !reads && !/^(true|false|null|nil|\d+[smhd]?)$/i.test(value)) return `${key}, ${what}`;
  }
  return undefined;
}

export const noSecretsInValues: SubjectRule = {
  id: "no-secrets-in-values",
  requires: "No value of a release is a secret.",
  why: "Helm stores values in plain text in the cluster, and Pulumi shows them in every preview",
  level: always,
  check: (subject) =>
    places(valuesOf(subject)).flatMap(({ path, key, value }) => {
      // A list of variables has their names in `name`; a configuration file is a text with several lines.
      const what = isTree(value)
        ? secretAt(String(value["name"] ?? ""), value["value"])
        : (secretAt(key, value) ?? (/\n/.test(String(value)) ? settingIn(String(value)) : undefined));
      return what
        ? [
            {
              what: `values.${path} holds ${what}`,
              fix: "Move it to a Secret and refer to that (existingSecret), or read it with ${VARIABLE}.",
            },
          ]
        : [];
    }),
};

export const noSecretsInConfigMaps: SubjectRule = {
  id: "no-secrets-in-configmaps",
  requires: "No ConfigMap contains a secret.",
  why: "ConfigMaps are not encrypted, and more users can read them than Secrets",
  level: always,
  check: ({ kind, object }) =>
    kind !== "ConfigMap"
      ? []
      : Object.entries((object["data"] ?? {}) as Record<string, string>).flatMap(([key, value]) => {
          const what = secretAt(key, value) ?? settingIn(String(value));
          return what ? [{ what: `data.${key} holds ${what}`, fix: "Move it to a Secret." }] : [];
        }),
};

export const noSecretsInVariables: SubjectRule = {
  id: "no-secrets-in-variables",
  requires: "No container has a secret as the plain value of a variable, or among its arguments.",
  why: "anyone with read access to the Deployment sees it, and `ps` on the node shows arguments",
  level: always,
  check: (subject) =>
    containersOf(subject).flatMap(({ name, spec }) => {
      const variables = ((spec["env"] ?? []) as Tree[]).flatMap(({ name: key, value }) => {
        const what = secretAt(key, value);
        return what ? [`variable ${key} of container ${name} holds ${what}`] : [];
      });
      const args = [...(spec["args"] ?? []), ...(spec["command"] ?? [])].flatMap((arg: unknown) => {
        const [, key = "", value = arg] = /^--?([\w.-]+)=([\s\S]*)$/.exec(String(arg)) ?? [];
        const what = secretAt(key, String(value));
        return what ? [`an argument of container ${name} holds ${what}`] : [];
      });
      return [...variables, ...args].map((what) => ({
        what,
        fix: "Read it from a Secret with valueFrom.secretKeyRef.",
      }));
    }),
};

export const noSecretsInOutputs: SubjectRule = {
  id: "no-secrets-in-outputs",
  outputs: true,
  requires: "No output of the stack shows a secret; secret outputs are marked with pulumi.secret.",
  why: "plain outputs are shown at the end of every update and stored in plain text in the state",
  level: always,
  check: ({ kind, object, secretOutputs }) =>
    kind !== "Stack"
      ? []
      : Object.entries(object).flatMap(([output, value]) => {
          if (secretOutputs?.includes(output)) return [];
          const found = places({ [output]: value }).flatMap(({ path, key, value: text }) => {
            const by = typeof text === "string" ? secretIn(text) : undefined;
            // If secret marks are unknown, an output named "secret" may well be marked.
            const what = secretOutputs ? secretAt(key, text) : secretName.test(output) ? undefined : by;
            return what ? [`output ${path} is plain and holds ${what}`] : [];
          });
          return found.map((what) => ({ what, fix: "Mark it with pulumi.secret, or remove it." }));
        }),
};
