/** Rules about a namespace as a whole. */
import { always, inProd, type StackRule, type Subject, type SubjectRule, type Tree } from "../rule";
import { selectsAll } from "../selectors";

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

type Direction = "Ingress" | "Egress";

/** Whether a policy selects all pods of its namespace in a direction. Without policyTypes, rules decide. */
const coversAll = (spec: Tree, direction: Direction): boolean =>
  selectsAll(spec["podSelector"]) &&
  ((spec["policyTypes"] ?? ["Ingress", ...(spec["egress"]?.length ? ["Egress"] : [])]) as string[]).includes(
    direction,
  );

/** Whether a peer is every pod of the cluster, or every address. */
const isEverybody = ({ ipBlock, namespaceSelector, podSelector }: Tree): boolean =>
  ipBlock
    ? ["0.0.0.0/0", "::/0"].includes(ipBlock["cidr"]) && !ipBlock["except"]?.length
    : namespaceSelector !== undefined && selectsAll(namespaceSelector) && selectsAll(podSelector);

/** Whether a policy allows all connections of a direction: missing or empty parts of a rule mean everything. */
const opens = (spec: Tree, direction: Direction): boolean =>
  ((spec[direction.toLowerCase()] ?? []) as Tree[]).some(({ ports, from, to }) => {
    const peers: Tree[] = from ?? to ?? [];
    return !ports?.length && (!peers.length || peers.some(isEverybody));
  });

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
      return (["Ingress", "Egress"] as const).flatMap((direction) => {
        const covering = policies.filter(({ object }) => coversAll(object["spec"] ?? {}, direction));
        const opening = covering.filter(({ object }) => opens(object["spec"] ?? {}, direction));
        const open = opening.map(({ name }) => ({
          subject,
          what: `NetworkPolicy ${name} allows all ${direction.toLowerCase()}`,
          fix: "Name its peers or ports; policies add up, so no other policy denies what one allows.",
        }));
        const none = {
          subject,
          what: `no NetworkPolicy denies ${direction.toLowerCase()} by default`,
          fix: "Set network.policies to true, and add a new namespace to values/network-flows.ts.",
        };
        return covering.length ? open : [none];
      });
    }),
};
