import { type Check, error, type Finding, warning } from "../check";
import type { FoundSecret } from "../facts";

/** Instructions to create a Secret. */
const remedies: Record<string, (stack: string, secret: FoundSecret) => string> = {
  "grafana.existingSecret": (stack, { namespace, name, keys }) =>
    `Let the stack create it: pulumi config rm --stack ${stack} --path grafana.existingSecret, and pulumi config set --stack ${stack} --secret --path 'grafana.auth.oauth.clientSecret' <value> ` +
    `(or .ldap.bindPassword, grafana.database.password); or create it. If namespace ${namespace} does not exist yet, run kubectl create namespace ${namespace} and list it in cluster.existingNamespaces. Then: ` +
    `kubectl -n ${namespace} create secret generic ${name} ${keys.map((key) => `--from-literal=${key}=<value>`).join(" ")}`,
};

function findingOf(stack: string, secret: FoundSecret, where: string): Finding[] {
  const { path, namespace, name, keys, mayFollow, found } = secret;
  const lacks = keys.filter((key) => !found?.includes(key));
  if (lacks.length === 0 && found) return [];
  const allowed = found
    ? `a Secret with the key ${lacks.join(", ")}; ${namespace}/${name} has ${found.join(", ") || "none"}`
    : `the name of an existing Secret; there is no Secret ${name} in namespace ${where}`;
  const change = remedies[path]?.(stack, secret);
  return [(mayFollow ? warning : error)({ path, was: name, allowed, ...(change && { change }) })];
}

/** Secrets in the settings exist, and have the required keys. */
export const check: Check<"secrets"> = {
  name: "Secrets in the settings",
  needs: ["secrets"],
  find({ stack, facts: { secrets } }) {
    const paths = [...new Set(secrets.map(({ path }) => path))];
    return paths.flatMap((path) => {
      const wrong = secrets.filter(
        (one) => one.path === path && one.keys.some((key) => !one.found?.includes(key)),
      );
      const [first] = wrong;
      return first ? findingOf(stack, first, wrong.map(({ namespace }) => namespace).join(", ")) : [];
    });
  },
};
