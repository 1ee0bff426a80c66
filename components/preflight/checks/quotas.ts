import { type Check, warning } from "../check";

const limit = "limits.cpu";

/**
 * No ResourceQuota requires CPU limits, which most of the stack's pods do not have: the API server would reject them,
 * unless a LimitRange adds a limit. https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
export const check: Check<"quotas" | "limitRanges"> = {
  name: "resource quotas",
  needs: ["quotas", "limitRanges"],
  find({ facts: { quotas, limitRanges } }) {
    const limited = limitRanges
      .filter(({ spec }) => spec?.limits.some((one) => one.type === "Container" && one._default?.["cpu"]))
      .map(({ metadata }) => metadata?.namespace);
    return quotas
      .filter(
        ({ metadata, spec }) =>
          spec?.hard?.[limit] &&
          !spec.scopes &&
          !spec.scopeSelector &&
          !limited.includes(metadata?.namespace),
      )
      .map(({ metadata }) =>
        warning({
          path: "cluster",
          was: `ResourceQuota ${metadata?.namespace}/${metadata?.name} with ${limit}`,
          allowed: `without ${limit} or with a LimitRange that adds a CPU limit: pods of the stack have none, so the API server rejects them`,
          change: `Remove ${limit} from the quota, or create a LimitRange with a default for cpu in that namespace`,
        }),
      );
  },
};
