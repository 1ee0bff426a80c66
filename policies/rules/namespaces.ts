/** Rules about a namespace as a whole. */
import { always, inProd, type StackRule, type Subject, type SubjectRule, type Tree } from "../rule";

const mode = (name: string) => `pod-security.kubernetes.io/${name}`;

export const podSecurityLabels: SubjectRule = {
  id: "pod-security-labels",
  requires:
    "Every namespace is labeled so that Pod Security enforces, warns and audits `restricted` or `baseline`.",
  why: "without the labels the API server admits privileged pods from any user",
  level: always,
  check: (subject) => {
    if (!isNamespace(subject)) return [];
    const labels = subject.object["metadata"]?.labels ?? {};
    return ["enforce", "audit", "warn"]
      .filter((name) => !["restricted", "baseline"].includes(labels[mode(name)]))
      .map((name) => ({
        what: `${mode(name)} is ${labels[mode(name)] ?? "not set"}`,
        fix: "Set it to restricted (podSecurity in names.ts).",
      }));
  },
};

/** A namespace that the stack creates, or an existing one that it uses (cluster.existingNamespaces). */
const isNamespace = ({ kind }: Subject): boolean => ["Namespace", "NamespacePatch"].includes(kind);

/** Whether a part of a rule is missing or empty, which Kubernetes reads as everything. */
const everything = (part: unknown[] | undefined): boolean => !part?.length;

/** Whether a policy selects all pods of its namespace in a direction, and does not allow all traffic there. */
const denies = (spec: Tree | undefined, direction: "Ingress" | "Egress"): boolean => {
  const allowed: Tree[] = spec?.[direction.toLowerCase()] ?? [];
  return (
    Object.keys(spec?.["podSelector"] ?? {}).length === 0 &&
    (spec?.["policyTypes"] ?? []).includes(direction) &&
    allowed.every((rule) => !(everything(rule["ports"]) && everything(rule["from"] ?? rule["to"])))
  );
};

export const networkPolicies: StackRule = {
  id: "network-policies",
  requires: "Every namespace of the stack has NetworkPolicies with default deny in both directions.",
  why: "without them, every pod of the cluster can reach the stores behind the gateways",
  level: inProd,
  checkStack: (subjects) =>
    subjects.filter(isNamespace).flatMap((subject) => {
      const policies = subjects.filter(
        ({ kind, namespace }) => kind === "NetworkPolicy" && namespace === subject.name,
      );
      return (["Ingress", "Egress"] as const)
        .filter((direction) => !policies.some(({ object }) => denies(object["spec"], direction)))
        .map((direction) => ({
          subject,
          what: `no NetworkPolicy denies ${direction.toLowerCase()} by default`,
          fix: "Set network.policies to true, and add a new namespace to values/network-flows.ts.",
        }));
    }),
};
