import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn } from "../check";
import { total } from "../metrics";
import { type Reading, readings } from "../readings";
import { limitsOf } from "./ingestion";

/** Share of a limit from which on it is nearly hit. */
const near = 0.8;

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

/** Limits that an ingester nearly hits, by tenant. Refused is what ingestion tells. */
export function judgeLimits(settings: Settings, one: Reading): Finding[] {
  const { component, pod, now } = one;
  const finding = (what: string, evidence: string, fix: string, page: string): Finding =>
    findingIn("signals")("warning", what, `${pod}: ${evidence}`, fix, page);
  if (component === "mimir-ingester")
    return now("cortex_ingester_local_limits")
      .filter(({ labels }) => labels["limit"] === "max_global_series_per_user")
      .flatMap(({ labels, value: limit }) => {
        const { user = "" } = labels;
        // In memory, not only the active ones: the limit is on these.
        const held =
          total(now("cortex_ingester_memory_series_created_total"), { user }) -
          total(now("cortex_ingester_memory_series_removed_total"), { user });
        if (!limit || held < limit * near) return [];
        return [
          finding(
            `tenant ${user} of Mimir has ${percent(held / limit)} of the series that it may have`,
            `${held} of ${limit} (this ingester's share of the limit)`,
            `raise ${limitsOf(settings, "mimir", user)}.series, or send fewer series`,
            "docs/operations/runbooks/MetricsRejected.md",
          ),
        ];
      });
  if (component === "tempo-ingester") {
    const limit = total(now("tempo_limits_defaults"), { limit_name: "max_local_traces_per_user" });
    return now("tempo_ingester_live_traces").flatMap(({ labels, value }) =>
      limit && value >= limit * near
        ? [
            finding(
              `tenant ${labels["tenant"]} of Tempo has ${percent(value / limit)} of the live traces that it may have`,
              `${value} of ${limit}`,
              `raise ${limitsOf(settings, "tempo", labels["tenant"] ?? "")}.liveTraces, or sample more strictly (tracing.sampling)`,
              "docs/operations/runbooks/TracesRejected.md",
            ),
          ]
        : [],
    );
  }
  return [];
}

/** Limits that are nearly hit, once for each tenant. */
export const check: Check = {
  name: "limits",
  async look(context) {
    const found = (await readings(context)).flatMap((one) => judgeLimits(context.settings, one));
    return found.filter(({ fix }, index) => found.findIndex((one) => one.fix === fix) === index);
  },
};
