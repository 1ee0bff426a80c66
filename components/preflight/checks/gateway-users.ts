import { gatewayAccess, namespaces, stores } from "../../../names";
import type { Problem, Settings } from "../../../settings";
import { type Check, error } from "../check";
import type { Facts } from "../facts";

/** The lists that the pods of the gateways have in an annotation, each once; none of pods that are terminating. */
function liveLists(settings: Settings, pods: Facts["pods"], annotation: string): string[][] {
  const own = new Set(stores.map((store) => namespaces(settings)[store]));
  const texts = pods
    .filter(({ metadata }) => own.has(metadata?.namespace ?? "") && !metadata?.deletionTimestamp)
    .flatMap(({ metadata }) => metadata?.annotations?.[annotation] ?? []);
  return [...new Set(texts)].map((text) => text.split(","));
}

/**
 * Generations that would lock clients out. Clients use the first generation of a list. They get their new passwords
 * before or after the gateways do, so that each must accept the first generation of the other.
 *
 * @param live generations of the running gateways
 */
function generationProblems({ access: { generations } }: Settings, live: number[][]): Problem[] {
  const [wanted] = generations;
  const [refusing] = live.filter(
    (running) => !running.includes(wanted ?? 0) || !generations.includes(running[0] ?? 0),
  );
  if (!refusing) return [];
  return [
    {
      path: "access.generations",
      was: generations,
      allowed: `${JSON.stringify(refusing)}, the generations of the running gateways: with these, clients and gateways would not have the same passwords, and rejected data is lost`,
      change:
        "Set it again: ./obs rotate wrote it into the stack file, and the change was not committed. For new passwords, use ./obs rotate",
    },
  ];
}

/** Agents that may send and that the settings no longer list. @param live agents of the running gateways */
const agentProblems = ({ agents }: Settings, live: string[]): Problem[] =>
  live
    .filter((name) => !agents[name])
    .map((name) => ({
      path: `agents.${name}`,
      was: undefined,
      allowed:
        "the settings of the agent, or removed: it may still send, its data would be rejected and lost, and its rules would stay",
      change: `Add it again, or set agents.${name}.removed to keepData or deleteData: docs/guides/many-clusters.md#remove-a-cluster`,
    }));

/** No client of the running gateways is locked out. */
export const check: Check<"pods"> = {
  name: "users of the gateways",
  needs: ["pods"],
  protectsData: true,
  applies: ({ hub }) => hub === undefined,
  find: ({ settings, facts: { pods } }) => {
    const generations = liveLists(settings, pods, gatewayAccess.generations).map((list) => list.map(Number));
    const agents = new Set(liveLists(settings, pods, gatewayAccess.agents).flat());
    return [...generationProblems(settings, generations), ...agentProblems(settings, [...agents])].map(error);
  },
};
