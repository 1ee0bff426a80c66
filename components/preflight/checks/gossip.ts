/**
 * Whether the running members of a store's rings accept messages of members with the new settings. Otherwise, a rollout
 * splits the ring in two.
 */
import { isDeepStrictEqual } from "node:util";
import { gossipLabel, type Store, stores } from "../../../names";
import type { Problem, Settings } from "../../../settings";
import { gossipAt, gossipSteps } from "../../../values/gossip";
import { type Check, error } from "../check";
import type { LiveGossip } from "../gossip";

const list = (found: { store: Store }[]) => found.map(({ store }) => store).join(", ");

/**
 * Settings that would split a ring.
 *
 * @param live the running stores; a store that does not run has no ring to split
 */
export function gossipProblems(
  stack: string,
  settings: Settings,
  live: Partial<Record<Store, LiveGossip>>,
): Problem[] {
  const was = settings.cluster.gossipLabels;
  const wanted = gossipSteps.indexOf(was);
  const found = stores.flatMap((store) => {
    if (!live[store]) return [];
    const at = gossipSteps.findIndex((step) =>
      isDeepStrictEqual(live[store]?.gossip, gossipAt(step, store, settings)),
    );
    return [{ store, at, ...live[store] }];
  });
  const [foreign] = found.filter(({ at }) => at < 0);
  if (foreign) {
    const { store, gossip } = foreign;
    const allowed =
      `the name that the stack was installed with: the members of ${store}'s rings have the gossip label ` +
      `"${gossip.label}", and with this name it would be "${gossipLabel(store, settings)}"`;
    return [{ path: "cluster.name", was: settings.cluster.name, allowed }];
  }
  const path = "cluster.gossipLabels";
  const moving = found.filter(({ at }) => at !== wanted);
  const far = moving.filter(({ at }) => Math.abs(wanted - at) > 1);
  if (far[0]) {
    const next = gossipSteps[far[0].at + Math.sign(wanted - far[0].at)];
    const allowed = `${next}: members of the rings that run now (${list(far)}) discard what members at the step ${was} send; docs/guides/upgrades.md`;
    const change = `set it with: pulumi config set --stack ${stack} --path '${path}' ${next}; then run ./obs up ${stack}, and continue with the next step`;
    return [{ path, was, allowed, change }];
  }
  const rolling = moving.flatMap((each) => each.rolling);
  if (moving[0] && rolling.length > 0) {
    const allowed = `${gossipSteps[moving[0].at]} until the last rollout is complete: ${rolling.join(", ")}`;
    return [{ path, was, allowed, change: "wait until these workloads are ready, then run up again" }];
  }
  return [];
}

/** A rollout never splits a ring. */
export const check: Check<"gossip"> = {
  name: "gossip labels",
  needs: ["gossip"],
  protectsData: true,
  find: ({ stack, settings, facts: { gossip } }) => gossipProblems(stack, settings, gossip).map(error),
};
