/** Test 12: signals of a hub's agents arrive, and the hub evaluates their rules. */
import { gatewayUser, services } from "../../../names";
import { sendingAgents } from "../../../settings/agents";
import type { Connection } from "../../lib/cluster";
import { queryMimir, queryPrometheus, samplesIn } from "../../lib/prometheus";
import { bodyOf } from "../../lib/service";
import { type Check, type Evidence, evidence, Skipped } from "./check";

/** Reads an agent's tenant in each store. */
export async function arrived(hub: Connection, agent: string) {
  const { config, settings } = hub;
  const { loki, tempo } = services(settings);
  const as = gatewayUser(agent, "read");
  const counted = `sum(count_over_time({cluster="${agent}"}[5m]))`;
  const end = Math.floor(Date.now() / 1000);
  const [[up], rules, lines, { traces }] = await Promise.all([
    queryMimir(hub, agent, `count(up{cluster="${agent}"})`),
    queryMimir(hub, agent, "observability:client_certificate:expiry"),
    bodyOf(config, loki, { path: `/loki/api/v1/query?${new URLSearchParams({ query: counted })}`, as }),
    bodyOf(config, tempo, { path: `/api/search?start=${end - 900}&end=${end}&limit=20`, as }).then(
      JSON.parse,
    ),
  ]);
  return {
    /** Series of `up` with a sample of the last 5 minutes. */
    targets: up?.value ?? 0,
    /** Whether the ruler has evaluated a rule of the agent in the last 5 minutes. */
    rules: rules.length > 0,
    /** Lines of the last 5 minutes. */
    lines: samplesIn(JSON.parse(lines).data)[0]?.value ?? 0,
    /** Traces of the last 15 minutes, at most 20. */
    traces: ((traces ?? []) as unknown[]).length,
  };
}

/** Signals that are missing. A cluster without traffic has no traces. */
export const missingOf = ({ targets, rules, lines }: Awaited<ReturnType<typeof arrived>>): string[] => [
  ...(targets ? [] : ["no metrics"]),
  ...(rules ? [] : ["no results of its rules"]),
  ...(lines ? [] : ["no logs"]),
];

export const agents: Check = {
  number: 12,
  name: "signals of its agents arrive",
  async show(context) {
    const { settings } = context;
    const listed = sendingAgents(settings);
    if (!listed.length) throw new Skipped("the stack has no agents");
    const samples = await queryPrometheus(context, "observability:agent:seen");
    const seen = samples.flatMap(({ labels }) => labels["agent"] ?? []);
    const found = await Promise.all(
      listed
        .filter((agent) => seen.includes(agent))
        .map(async (agent) => [agent, await arrived(context, agent)] as const),
    );
    const failed = found.flatMap(([agent, one]) => {
      const missing = missingOf(one);
      return missing.length ? [`${agent}: ${missing.join(", ")} in 5 minutes`] : [];
    });
    if (failed.length) throw new Error(failed.join("; "));
    return [
      ...found.map(
        ([agent, { targets, lines, traces }]): Evidence =>
          evidence(
            `tenant ${agent}, as ${gatewayUser(agent, "read")}`,
            `${targets} targets and ${lines} lines in 5 minutes, rules are evaluated, ${traces === 20 ? "20 or more" : traces} traces in 15 minutes`,
          ),
      ),
      ...listed
        .filter((agent) => !seen.includes(agent))
        .map((agent) => evidence(`agent ${agent}`, "has never sent a sample; its ./obs up has not run")),
    ];
  },
};
