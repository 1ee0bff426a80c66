import { isDeepStrictEqual } from "node:util";
import {
  NetworkingV1Api,
  type V1LabelSelector,
  type V1NetworkPolicy,
  type V1Pod,
} from "@kubernetes/client-node";
import { selects } from "../../../../policies/selectors";
import type { Settings } from "../../../../settings";
import { networkPolicies } from "../../../../values/network-policies";
import { grouped } from "../../../lib/text";
import { type Check, type Finding, findingIn } from "../check";

/** A NetworkPolicy of the API, as far as it is used. */
export interface Policy {
  metadata: { name: string; namespace?: string };
  spec: { podSelector?: V1LabelSelector; policyTypes?: string[]; ingress?: object[]; egress?: object[] };
}

const finding = findingIn("network", "docs/operations/runbook.md#network");
const directions = ["ingress", "egress"] as const;
const title = ({ metadata }: Policy) => `${metadata.namespace}/${metadata.name}`;

/** Elements of a list that another one does not have, as JSON. */
const without = (list: unknown[] = [], other: unknown[] = []): string[] =>
  list.filter((one) => !other.some((same) => isDeepStrictEqual(one, same))).map((one) => JSON.stringify(one));

/** The stack's own policies that are missing or changed. */
function judgeOwn(settings: Settings, policies: Policy[]): Finding[] {
  const live = new Map(policies.map((one) => [title(one), one.spec]));
  const own: Policy[] = networkPolicies(settings);
  const closed = new Set(own.filter((one) => live.has(title(one))).map(({ metadata }) => metadata.namespace));
  // A namespace without policies blocks nothing.
  const open = own.filter(({ metadata }) => !closed.has(metadata.namespace));
  const changed = own.flatMap((one): Finding[] => {
    if (open.includes(one)) return [];
    const spec = live.get(title(one));
    const lacking = [
      ...directions.flatMap((field) =>
        without(one.spec[field], spec?.[field]).map((rule) => `${field} ${rule}`),
      ),
      ...without([one.spec.podSelector], [spec?.podSelector]).map((selector) => `podSelector ${selector}`),
    ];
    const added = directions.flatMap((field) => without(spec?.[field], one.spec[field]));
    if (!lacking.length && !added.length) return [];
    return [
      finding[lacking.length ? "critical" : "warning"](
        spec
          ? `NetworkPolicy ${title(one)} was changed: it ${lacking.length ? "blocks connections that the stack needs" : "allows connections that the stack does not need"}`
          : `NetworkPolicy ${title(one)} is gone: connections that the stack needs are blocked`,
        (lacking.length ? `its spec lacks ${lacking[0]}` : `its spec also has ${added[0]}`).slice(0, 300),
        "./obs refresh, then ./obs up: it restores the stack's own policies",
      ),
    ];
  });
  if (!open.length) return changed;
  return [
    ...changed,
    finding.warning(
      `NetworkPolicies of the stack do not exist: ${open.map(title).join(", ")}`,
      "pods reach the stores of every tenant without a login",
      "./obs refresh, then ./obs up: it creates them again",
    ),
  ];
}

/** Policies of others that select pods of a stack without policies of its own. */
function judgeOthers(policies: Policy[], pods: V1Pod[]): Finding[] {
  const selected = pods.flatMap(({ metadata, spec }) =>
    directions.flatMap((direction) => {
      const { namespace = "", name = "", labels = {} } = metadata ?? {};
      const by = policies.filter(
        (policy) =>
          policy.metadata.namespace === namespace &&
          (policy.spec.policyTypes ?? ["Ingress"]).some((type) => type.toLowerCase() === direction) &&
          selects(policy.spec.podSelector ?? {}, labels),
      );
      // Policies do not apply to pods on the node's network.
      if (!by.length || spec?.hostNetwork) return [];
      const isolated = by.every((policy) => !policy.spec[direction]?.length);
      return [{ pod: `${namespace}/${name}`, direction, isolated, by: by.map(title).join(", ") }];
    }),
  );
  const groups = grouped(selected, ({ by, direction, isolated }) => `${by} ${direction} ${isolated}`);
  return [...groups.values()].map((all): Finding => {
    const [{ pod, direction, isolated, by }] = all;
    const more = all.length > 1 ? ` and ${all.length - 1} more pods` : "";
    const [namespace, name] = by.split(/[/,]/);
    return finding[isolated ? "critical" : "warning"](
      `NetworkPolicy ${by} ${isolated ? "blocks every connection" : "restricts connections"} ${direction === "ingress" ? "to" : "from"} ${pod}${more}`,
      `${isolated ? `it has no rule for ${direction}` : `it blocks connections that its rules for ${direction} do not name`}, and network.policies is off`,
      `set network.policies to true: a connection is allowed if any policy allows it, and those of the stack allow what it needs; or remove it: kubectl -n ${namespace} describe networkpolicy ${name}`,
    );
  });
}

/** What is wrong with the NetworkPolicies in the namespaces of a stack. If it has its own, those of others only allow more. */
export const judgePolicies = (settings: Settings, policies: Policy[], pods: V1Pod[]): Finding[] =>
  settings.network.policies ? judgeOwn(settings, policies) : judgeOthers(policies, pods);

/** Policies as the API has them: the client has another name for `from`. */
export const policiesFrom = (items: V1NetworkPolicy[]): Policy[] =>
  JSON.parse(JSON.stringify(items).replaceAll('"_from":', '"from":'));

/** The stack's NetworkPolicies against its settings; without them, those of others. */
export const check: Check = {
  name: "network policies",
  async look({ config, settings, cluster }) {
    const api = config.makeApiClient(NetworkingV1Api);
    const [{ items }, pods] = await Promise.all([api.listNetworkPolicyForAllNamespaces(), cluster.pods()]);
    return judgePolicies(settings, policiesFrom(items), pods);
  },
};
