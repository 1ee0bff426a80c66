/** What of an object nobody needs to read to review it, and nobody may: values of Secrets, and what looks like them. */
import type { KubernetesObject } from "../../lib/render";

/** Names whose value is a secret: `password`, `client_secret`, `apiKey`, `GF_SECURITY_ADMIN_PASSWORD`. */
const secretName =
  /(^|[^a-z])(password|passwd|passphrase|token|secret|(secret|private|api|access|encryption)[_-]?key|credentials?)$/i;

/** The same where the words are joined as in `adminPassword`. */
const joinedName = /[a-z](Password|Passphrase|Token|Secret|(Secret|Private|Api|Access|Encryption)Key)$/;

/** Names that end like one and hold the name of something that is elsewhere, or a file's path. */
const otherName = /(existing|pull|config|tls|mount(service)?(account)?)[_-]?(secret|token)$/i;

/** Whether the value under a name has to be hidden. */
export const isSecretName = (name: string): boolean =>
  (secretName.test(name) || joinedName.test(name)) && !otherName.test(name);

/** What only tells where a secret comes from: a variable, a function of Alloy, a template, a switch, nothing. */
const reference =
  /^["'`]?(\$|%|\{\{|[a-z_.]*(env|file)[a-z_.]*\(|[a-z_]+\.[a-z_.]+$|nonsensitive|convert\.|true$|false$|null$|~$|\[|["'`]?$|\/)/i;

/** `key: value`, `key = "value"`, `"key": "value"` on a line. */
const assignment = /^(\s*(?:- )?["']?([\w.-]+)["']?\s*[:=]\s*)(\S.*?)(,?)$/;

const inAddress = /(\w+:\/\/[^\s:@/"']*):([^\s@/"'$[{]+)@/g;
const authorization = /\b(Bearer|Basic)\s+([A-Za-z0-9+/=_.-]{8,})/g;
const privateKey = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----/g;

/** Hides values, the same one always behind the same words: two versions of an object show that one has changed. */
export type Mask = (secret: string) => string;

/**
 * A mask. The number says nothing of a secret but which others it equals, and is of use only where one mask hides all
 * that is compared.
 */
export function newMask(): Mask {
  const seen = new Map<string, number>();
  return (secret) => {
    const number = seen.get(secret) ?? seen.size + 1;
    seen.set(secret, number);
    return `[secret ${number}]`;
  };
}

/** A text, such as a configuration file, with what looks like a secret in it hidden. */
export function maskText(text: string, mask: Mask): string {
  return text
    .replace(privateKey, (key) => mask(key))
    .replace(inAddress, (_, before: string, password: string) => `${before}:${mask(password)}@`)
    .replace(authorization, (_, scheme: string, token: string) => `${scheme} ${mask(token)}`)
    .split("\n")
    .map((line) => {
      const [, before, name, value, after] = assignment.exec(line) ?? [];
      return name && value && isSecretName(name) && !reference.test(value)
        ? `${before}${mask(value)}${after}`
        : line;
    })
    .join("\n");
}

type Json = unknown;

const isRecord = (value: Json): value is Record<string, Json> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function walk(value: Json, mask: Mask): Json {
  if (typeof value === "string") return maskText(value, mask);
  if (Array.isArray(value)) return value.map((one) => walk(one, mask));
  if (!isRecord(value)) return value;
  // A variable of a container, or an argument: { name, value }.
  const named = typeof value["name"] === "string" && isSecretName(value["name"]);
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const hidden = isSecretName(key) || (named && key === "value");
      const secret = typeof child === "string" && hidden && !reference.test(child);
      return [key, secret ? mask(child) : walk(child, mask)];
    }),
  );
}

/** Every value below, hidden. */
const hideAll = (value: Json, mask: Mask): Json =>
  isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mask(JSON.stringify(child))]))
    : value;

/** An object as it may be shown. The values of a Secret are hidden, whatever they are. */
export function maskObject(object: KubernetesObject, mask: Mask): KubernetesObject {
  const { data, stringData, ...rest } = object;
  const annotations = rest.metadata?.["annotations"];
  const last = "kubectl.kubernetes.io/last-applied-configuration";
  if (isRecord(annotations) && last in annotations)
    rest.metadata = { ...rest.metadata, annotations: hideAll(annotations, mask) };
  if (object.kind !== "Secret") return walk(object, mask) as KubernetesObject;
  return {
    ...(walk(rest, mask) as KubernetesObject),
    ...(data !== undefined && { data: hideAll(data, mask) }),
    ...(stringData !== undefined && { stringData: hideAll(stringData, mask) }),
  };
}
