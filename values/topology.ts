/** Effect of the loss of a node or a zone, and whether the nodes of a cluster can hold the quorums at all. */
import type { Problem, Settings } from "../settings";
import type { PlacedComponent } from "../settings/scheduling";
import { goDuration } from "../settings/units";
import { type Quorum, quorums } from "./quorums";
import { requiresSeparateNodes } from "./shared";

/** A node that can run pods of the stack. */
export interface Node {
  name: string;
  /** Its label topology.kubernetes.io/zone. */
  zone?: string | undefined;
  /** Components whose pods it can run, according to `cluster.scheduling`. @default all */
  components?: ReadonlySet<PlacedComponent>;
}

/** The nodes for pods of a component. */
const nodesOf = (component: PlacedComponent, nodes: Node[]): Node[] =>
  nodes.filter(({ components }) => components?.has(component) ?? true);

/** Members of a quorum on each node and in each zone, and the number of members without a node. */
interface Layout {
  nodes: Map<string, number>;
  zones: Map<string, number>;
  unplaced: number;
}

const most = (counts: Map<string, number>): number => Math.max(0, ...counts.values());
const least = (counts: Map<string, number>): number => Math.min(...counts.values());
const zonesOf = (nodes: Node[]): string[] => [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].sort();

/** Members of a quorum on the nodes, as evenly as `cluster.antiAffinity` and `cluster.zones` spread them. */
function layout(settings: Settings, { count, component }: Quorum, usable: Node[]): Layout {
  const all = nodesOf(component, usable);
  const apart = requiresSeparateNodes(settings, "quorum");
  const byZone = apart && settings.cluster.zones;
  const nodes = byZone ? all.filter(({ zone }) => zone !== undefined) : all;
  const onNode = new Map(nodes.map(({ name }) => [name, 0]));
  const inZone = new Map(zonesOf(nodes).map((zone) => [zone, 0]));
  const members = ({ name, zone }: Node) => [inZone.get(zone ?? "") ?? 0, onNode.get(name) ?? 0] as const;
  for (let placed = 0; placed < count; placed++) {
    const [best] = nodes
      .filter((node) => {
        const [zone, own] = members(node);
        return (!apart || own === 0) && (!byZone || zone === least(inZone));
      })
      .sort((a, b) => members(a)[0] - members(b)[0] || members(a)[1] - members(b)[1]);
    if (!best) return { nodes: onNode, zones: inZone, unplaced: count - placed };
    const [zone, own] = members(best);
    onNode.set(best.name, own + 1);
    if (best.zone !== undefined) inZone.set(best.zone, zone + 1);
  }
  return { nodes: onNode, zones: inZone, unplaced: 0 };
}

/** Effect of a loss on a quorum. */
interface Loss {
  quorum: Quorum;
  /** Maximum number of lost members. */
  lost: number;
  /** Whether writes and reads continue. */
  writes: boolean;
  reads: boolean;
}

/** A component with one replica, which requests depend on. */
interface Single {
  /** Its settings. */
  path: string;
  /** Whether it waits for its node, because of its volume. */
  waits: boolean;
}

/** Effect of the loss of one node and of one zone. */
export interface TopologyCost {
  node: Loss[];
  /** Undefined if the nodes are in fewer than two zones. */
  zone: Loss[] | undefined;
  /** Whether this layout is required; otherwise the scheduler only prefers it. */
  guaranteed: boolean;
  /** Components that are unavailable after the loss of their node. */
  singles: Single[];
  /** Seconds until such a component starts on another node. */
  evictAfter: number;
}

/** Components with one replica that requests depend on. */
function singles({ hub, loki, mimir, tempo, grafana }: Settings): Single[] {
  if (hub) return [];
  const parts = ["distributor", "querier", "queryFrontend", "gateway"] as const;
  const ofStores = Object.entries({ loki, mimir, tempo }).flatMap(([store, components]) =>
    parts
      .filter((part) => components[part].replicas === 1)
      .map((part) => ({ path: `${store}.${part}`, waits: false })),
  );
  const index = loki.indexGateway.replicas === 1 ? [{ path: "loki.indexGateway", waits: true }] : [];
  return [
    ...ofStores,
    ...index,
    ...(grafana.replicas === 1 ? [{ path: "grafana", waits: !grafana.database }] : []),
  ];
}

const loss = (quorum: Quorum, lost: number): Loss => ({
  quorum,
  lost,
  writes: lost <= quorum.tolerated.writes,
  reads: lost <= quorum.tolerated.reads,
});

/** Effect of the loss of one node and of one zone on each quorum. */
export function topologyCost(settings: Settings, nodes: Node[]): TopologyCost {
  const layouts = quorums(settings).map((quorum) => ({
    quorum,
    ...layout(settings, quorum, nodes),
  }));
  return {
    node: layouts.map(({ quorum, nodes }) => loss(quorum, most(nodes))),
    zone:
      zonesOf(nodes).length < 2 ? undefined : layouts.map(({ quorum, zones }) => loss(quorum, most(zones))),
    guaranteed: requiresSeparateNodes(settings, "quorum"),
    singles: singles(settings),
    evictAfter: settings.cluster.scheduling.evictAfter,
  };
}

/** Seconds after which Kubernetes considers a node lost (node-monitor-grace-period). */
const unnoticed = 50;

/** The effect as text, a line for each kind of loss. */
export function topologyLines({ node, zone, guaranteed, singles, evictAfter }: TopologyCost): string[] {
  const line = (what: string, losses: Loss[] | undefined): string[] => {
    if (!losses) return [];
    const costs = losses
      .filter(({ writes, reads }) => !writes || !reads)
      .map(({ quorum, lost, writes, reads }) => {
        const stops = writes ? "reads stop" : reads ? "writes stop" : "writes and reads stop";
        return `${lost} of ${quorum.count} ${quorum.members} (${stops})`;
      });
    return [`The loss of one ${what} costs ${costs.length ? costs.join(", ") : "neither writes nor reads"}.`];
  };
  const alone = singles.map(
    ({ path, waits }) =>
      `${path} ${waits ? "until the node returns" : `for ${goDuration(unnoticed + evictAfter)} and its start`}`,
  );
  return [
    ...line("node", node),
    ...line("zone", zone),
    ...(alone.length
      ? [`A component with one replica is unavailable with its node: ${alone.join(", ")}.`]
      : []),
    ...(guaranteed ? [] : ["Placement is only preferred (cluster.antiAffinity): a loss can cost more."]),
  ];
}

/**
 * Scheduling rules that the nodes cannot satisfy: pods would stay unschedulable. Quorums without any node are not
 * included, because an autoscaler may add the first nodes of a pool.
 */
export function topologyProblems(settings: Settings, nodes: Node[]): Problem[] {
  if (!requiresSeparateNodes(settings, "quorum") || nodes.length === 0) return [];
  const zones = zonesOf(nodes);
  if (settings.cluster.zones && zones.length === 0)
    return [
      {
        path: "cluster.zones",
        was: true,
        allowed: "false, because no node has the label topology.kubernetes.io/zone",
      },
    ];
  const unplaced = quorums(settings).flatMap((quorum) => {
    const { members, path, count, component } = quorum;
    if (nodesOf(component, nodes).length === 0) return [];
    const missing = layout(settings, quorum, nodes).unplaced;
    return missing ? [`${missing} of ${count} ${members} (${path})`] : [];
  });
  if (unplaced.length === 0) return [];
  const sizes = zones.map((zone) => `${zone}: ${nodes.filter((node) => node.zone === zone).length}`);
  const rule = settings.cluster.zones ? `, evenly over the zones (${sizes.join(", ")})` : "";
  return [
    {
      path: "cluster.antiAffinity",
      was: settings.cluster.antiAffinity,
      allowed:
        `preferred, or the cluster needs more nodes: it has ${nodes.length} for this stack, each runs one member of a ` +
        `quorum${rule}, and there is none for ${unplaced.join(", ")}`,
    },
  ];
}

/** Location of a member's volume: one node, or one zone. */
export interface Pin {
  namespace: string;
  workload: string;
  node?: string | undefined;
  zone?: string | undefined;
}

/**
 * Volumes that prevent a restarted member from satisfying the rules: two on one node, or too many in one zone. They
 * were created while the rules were only preferred.
 */
export function pinProblems(settings: Settings, nodes: Node[], pins: Pin[]): Problem[] {
  if (!requiresSeparateNodes(settings, "quorum")) return [];
  const together = quorums(settings).flatMap(({ namespace, workload, component }) => {
    const own = pins
      .filter((pin) => pin.namespace === namespace && pin.workload === workload)
      .map((pin) => ({ ...pin, zone: pin.zone ?? nodes.find(({ name }) => name === pin.node)?.zone }));
    const count = (key: "node" | "zone", from: string[]) => {
      const counts = new Map(from.map((name) => [name, 0]));
      for (const pin of own) {
        const name = pin[key];
        if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return counts;
    };
    const onNode = [...count("node", [])].filter(([, members]) => members > 1);
    const inZone = settings.cluster.zones
      ? count("zone", zonesOf(nodesOf(component, nodes)))
      : new Map<string, number>();
    const uneven = most(inZone) - least(inZone) > 1 ? [...inZone] : [];
    const text = ([place, members]: [string, number]) => `${members} in ${place}`;
    return onNode.length || uneven.length
      ? [`${namespace}/${workload} (${(onNode.length ? onNode : uneven).map(text).join(", ")})`]
      : [];
  });
  if (together.length === 0) return [];
  return [
    {
      path: "cluster.antiAffinity",
      was: settings.cluster.antiAffinity,
      allowed:
        `preferred, because a restarted pod could not return to its volume: the volumes of ${together.join(", ")} ` +
        "are too close together; docs/guides/scaling.md says how to move one",
    },
  ];
}
