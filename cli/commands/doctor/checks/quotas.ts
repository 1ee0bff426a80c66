import { CoreV1Api, type V1ResourceQuota } from "@kubernetes/client-node";
import { namespaces } from "../../../../names";
import type { Check, Finding } from "../check";
import { quantity } from "../difference";

/** Quotas that are used up, or nearly: an update needs room for a pod more. */
export function quotaFindings({ metadata, status }: V1ResourceQuota): Finding[] {
  return Object.entries(status?.hard ?? {}).flatMap(([resource, hard]): Finding[] => {
    const [limit, used] = [quantity(hard), quantity(status?.used?.[resource] ?? "0")];
    if (!limit || used === undefined || used / limit < 0.9) return [];
    const over = used >= limit;
    return [
      {
        severity: over ? "warning" : "note",
        layer: "pods",
        what: `quota ${metadata?.namespace}/${metadata?.name} is ${over ? "used up" : "nearly used up"}: ${status?.used?.[resource]} of ${hard} ${resource}`,
        evidence: "status of the ResourceQuota; new pods of that namespace are refused",
        fix: `raise ${resource} of the quota, or lower what the components of ${metadata?.namespace} ask for; ./obs size says what they need`,
        page: "docs/guides/sizing.md",
      },
    ];
  });
}

/** Quotas of the stack's namespaces. */
export const check: Check = {
  name: "quotas",
  async look({ config, settings }) {
    const ours: string[] = Object.values(namespaces(settings));
    const { items } = await config.makeApiClient(CoreV1Api).listResourceQuotaForAllNamespaces();
    return items.filter(({ metadata }) => ours.includes(metadata?.namespace ?? "")).flatMap(quotaFindings);
  },
};
