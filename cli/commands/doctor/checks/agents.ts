import { gatewayUser, services } from "../../../../names";
import { sendingAgents } from "../../../../settings/agents";
import { queryPrometheus } from "../../../lib/prometheus";
import { bodyOf } from "../../../lib/service";
import { type Check, type Context, type Finding, findingIn } from "../check";

const finding = findingIn("signals");
const page = "docs/guides/many-clusters.md";

/** Agents that never sent a sample. @param agents by name */
export const judgeNeverSeen = (agents: string[]): Finding[] =>
  agents.map((agent) =>
    finding.note(
      `agent ${agent} has never sent a sample`,
      "observability:agent:listed has it, observability:agent:seen does not",
      `run ./obs up for the stack of cluster ${agent}, or remove agents.${agent}`,
      `${page}#add-a-cluster`,
    ),
  );

/** An agent whose spans name other clusters, which Tempo cannot refuse. @param names of clusters in its tenant */
export const judgeForeign = (agent: string, names: string[]): Finding[] =>
  names
    .filter((name) => name !== agent)
    .map((name) =>
      finding.warning(
        `agent ${agent} writes traces as cluster ${name}`,
        `tenant ${agent} of Tempo has spans with resource.k8s.cluster.name="${name}" of the last hour`,
        `read its traces with the data source Tempo ${agent}. Find the sender: its spans do not come through the Alloy of stack ${agent}`,
        `${page}#permissions`,
      ),
    );

/** Names of clusters in an agent's traces of the last hour. */
async function tracedClusters({ config, settings }: Context, agent: string): Promise<string[]> {
  const end = Math.floor(Date.now() / 1000);
  const path = `/api/v2/search/tag/resource.k8s.cluster.name/values?start=${end - 3600}&end=${end}`;
  const request = { path, as: gatewayUser(agent, "read") };
  const { tagValues } = JSON.parse(await bodyOf(config, services(settings).tempo, request));
  return (tagValues as { value: string }[]).map(({ value }) => value);
}

/** Agents of a hub that were never installed, or that write as other clusters. One that stops sending is an alert. */
export const check: Check = {
  name: "agents",
  async look(context) {
    const agents = sendingAgents(context.settings);
    if (agents.length === 0) return [];
    const [unseen, ...clusters] = await Promise.all([
      queryPrometheus(context, "observability:agent:listed unless on (agent) observability:agent:seen"),
      ...agents.map((agent) => tracedClusters(context, agent)),
    ]);
    return [
      ...judgeNeverSeen(unseen.flatMap(({ labels }) => labels["agent"] ?? [])),
      ...agents.flatMap((agent, index) => judgeForeign(agent, clusters[index] ?? [])),
    ];
  },
};
