/**
 * Cluster label verification of a store's gossip:
 * https://grafana.com/docs/mimir/latest/configure/configure-hash-rings/#cluster-label-verification
 *
 * Loki, Mimir and Tempo share the gossip code, these settings and the port.
 */
import { gossipLabel, namespaces, releases, type Store } from "../names";
import type { Settings } from "../settings";
import { gossipNetwork } from "./ip-family";

/** Labels that a member sends and accepts. */
export interface Gossip {
  /** The label on each message that the member sends. */
  label: string;
  /** Whether the member discards messages with another label. */
  verified: boolean;
}

/**
 * Migration steps of a running store to its label. `former` is a store that was installed before the label existed.
 * Members of adjacent steps accept each other, so a rollout from one step to the next keeps the ring intact.
 */
export const gossipSteps = ["former", "prepare", "introduce", "verify"] as const;
export type GossipStep = (typeof gossipSteps)[number];

/** Labels of the step `former`: Tempo's chart sets one, the charts of Loki and Mimir set none. */
const formerLabel = (settings: Settings): Record<Store, string> => ({
  loki: "",
  mimir: "",
  tempo: `${releases.tempo}.${namespaces(settings).tempo}`,
});

/** Gossip settings of a store's members at a step. */
export const gossipAt = (step: GossipStep, store: Store, settings: Settings): Gossip => ({
  label:
    step === "former" || step === "prepare" ? formerLabel(settings)[store] : gossipLabel(store, settings),
  verified: step === "former" || step === "verify",
});

/** The part of a store's `memberlist` configuration that differs from the charts'. */
export function memberlist(store: Store, settings: Settings) {
  const { label, verified } = gossipAt(settings.cluster.gossipLabels, store, settings);
  return {
    cluster_label: label,
    // Otherwise a Loki that finds no other member for minutes, such as without DNS, stops; it retries every 90 s.
    abort_if_cluster_join_fails: false,
    ...(!verified && { cluster_label_verification_disabled: true }),
    ...gossipNetwork(settings),
  };
}
