import { examine } from "../../coverage/examine";
import type { Gap } from "../../coverage/model";
import { dropsOf, readingsIn } from "../../coverage/objects";
import { readCustom } from "../../coverage/read";
import { holdings, withStores } from "../../coverage/stores";
import { type Check, type Finding, findingIn } from "../check";

/** Alerts and autoscalers that can have no data: one finding for each kind. */
export function judgeCoverage(gaps: Gap[], stack: string): Finding[] {
  return (["alert", "autoscaler"] as const).flatMap((kind) => {
    const blocked = gaps.filter((gap) => gap.kind === kind && gap.state === "blocked");
    const [first] = blocked;
    if (!first) return [];
    const what = blocked.length === 1 ? `1 ${kind} can` : `${blocked.length} ${kind}s can`;
    return findingIn("signals").warning(
      `${what} never ${kind === "alert" ? "fire" : "scale"}, because a metric is not where it is read`,
      `${first.owner}, ${first.item}: ${first.reasons.map(({ text }) => text).join("; ")}`,
      `./obs coverage ${stack} lists all with their fixes`,
      "docs/operations/empty-panels.md",
    );
  });
}

/** Whether alerts and autoscalers read metrics that exist. */
export const check: Check = {
  name: "metrics of alerts and autoscalers",
  async look(context) {
    const others = { configMaps: [], dashboards: [], alerts: [], hpas: [] };
    const objects = { ...(await readCustom(context.config)), ...others };
    const readings = readingsIn(context.settings, objects);
    const question = { ...context, readings, drops: dropsOf(objects), deep: false };
    const { gaps } = await withStores(context, (ask) => examine(question, holdings(ask, 1)));
    return judgeCoverage(gaps, context.stack);
  },
};
