/** Permissions of the stack's ServiceAccounts in the cluster. */
import { isOperated, podOf } from "../pods";
import { advice, always, type StackRule, type Subject, type SubjectRule, type Tree } from "../rule";

const roles = ["Role", "ClusterRole"];
const rulesOf = ({ object }: Subject): Tree[] => object["rules"] ?? [];
const has = (list: unknown, ...any: string[]): boolean =>
  Array.isArray(list) && any.some((one) => list.includes(one));

export const rbacNoWildcards: SubjectRule = {
  id: "rbac-no-wildcards",
  requires: "No Role or ClusterRole allows every verb, every resource or every API group.",
  why: "it silently extends to every API that is installed later",
  level: always,
  check: (subject) =>
    roles.includes(subject.kind)
      ? rulesOf(subject)
          .filter(
            (rule) => has(rule["verbs"], "*") || has(rule["resources"], "*") || has(rule["apiGroups"], "*"),
          )
          .map(({ verbs, resources, apiGroups }) => ({
            what: `it allows ${(verbs ?? []).join(",")} of ${(resources ?? []).join(",")} in ${(apiGroups ?? []).map((group: string) => group || "core").join(",")}`,
            fix: "List the required verbs, resources and API groups.",
          }))
      : [],
};

export const rbacNoAdmin: SubjectRule = {
  id: "rbac-no-admin",
  requires:
    "No ServiceAccount of the stack is bound to cluster-admin or can become it (escalate, bind, impersonate).",
  why: "a pod with this permission controls the cluster",
  level: always,
  check: (subject) => {
    const { roleRef } = subject.object;
    if (/RoleBinding$/.test(subject.kind))
      return ["cluster-admin", "admin"].includes(roleRef?.name)
        ? [
            {
              what: `it binds to ${roleRef.name}`,
              fix: "Bind it to a role with only the required permissions.",
            },
          ]
        : [];
    if (!roles.includes(subject.kind)) return [];
    return rulesOf(subject)
      .filter(({ verbs }) => has(verbs, "escalate", "bind", "impersonate"))
      .map(({ verbs, resources }) => ({
        what: `it allows ${verbs.join(",")} of ${(resources ?? []).join(",")}`,
        fix: "Remove escalate, bind and impersonate.",
      }));
  },
};

export const rbacSecrets: SubjectRule = {
  id: "rbac-secrets",
  requires: "No ClusterRole reads every Secret of the cluster.",
  why: "an attacker in its pod gets every password in the cluster",
  level: advice,
  check: (subject) =>
    subject.kind !== "ClusterRole"
      ? []
      : rulesOf(subject)
          .filter(
            ({ apiGroups, resources, verbs, resourceNames }) =>
              has(apiGroups, "", "*") &&
              has(resources, "secrets", "*") &&
              has(verbs, "get", "list", "watch", "*") &&
              !resourceNames?.length,
          )
          .map(({ verbs }) => ({
            what: `it allows ${verbs.join(",")} of all Secrets`,
            fix: "Use a Role in the namespaces that need it, or name the Secrets.",
          })),
};

/** Whether a subject of a binding is this ServiceAccount. */
const bound = (binding: Subject, account: string, namespace: string | undefined): boolean =>
  ((binding.object["subjects"] ?? []) as Tree[]).some(
    ({ kind, name, namespace: of }) =>
      kind === "ServiceAccount" && name === account && (of ?? binding.namespace) === namespace,
  );

export const tokensNeeded: StackRule = {
  id: "tokens-needed",
  requires: "A pod has a Kubernetes API token only if its ServiceAccount has permissions.",
  why: "an unneeded token helps an attacker",
  level: always,
  only: "rendered",
  checkStack: (subjects) => {
    const bindings = subjects.filter(({ kind }) => /RoleBinding$/.test(kind));
    const accounts = subjects.filter(({ kind }) => kind === "ServiceAccount");
    return subjects.flatMap((subject) => {
      const pod = podOf(subject);
      // Operators give their pods their own ServiceAccounts, which are not rendered.
      if (!pod || isOperated(subject)) return [];
      const account: string = pod["serviceAccountName"] ?? "default";
      const own = accounts.find(({ name, namespace }) => name === account && namespace === subject.namespace);
      const mounts =
        pod["automountServiceAccountToken"] ?? own?.object["automountServiceAccountToken"] ?? true;
      const needs = bindings.some((binding) => bound(binding, account, subject.namespace));
      return mounts && !needs
        ? [
            {
              subject,
              what: `it has the token of ServiceAccount ${account}, which has no permissions`,
              fix: "Set automountServiceAccountToken to false.",
            },
          ]
        : [];
    });
  },
};
