/** The interface of a check of `obs doctor`, and its findings. */
import type { Connection } from "../../lib/cluster";
import type { ClusterState } from "./cluster-state";

/** Signals are lost or cannot be read; they soon may be; worth knowing. Worst first. */
export const severities = ["critical", "warning", "note"] as const;
export type Severity = (typeof severities)[number];

/** From causes to symptoms: a pod that restarts because DNS is broken comes after DNS. */
export const layers = [
  /** API server, nodes, DNS, volumes. */
  "cluster",
  /** Pods that do not run for a known reason: image, volume, memory limit, probe. */
  "pods",
  /** NetworkPolicies, certificates. */
  "network",
  /** Buckets, credentials. */
  "storage",
  /** Live objects or versions that differ from Helm's. */
  "drift",
  /** Rings, gateways, scrape targets. */
  "components",
  /** Errors and limits while signals are written or read, and alerts: they follow from all the above. */
  "signals",
] as const;
export type Layer = (typeof layers)[number];

/** Something that is wrong. */
export interface Finding {
  severity: Severity;
  layer: Layer;
  /** What is wrong, as one plain sentence that names the object. */
  what: string;
  /** The query, field or message that was read. Never a secret. */
  evidence: string;
  /** What to do, as a sentence or a command. */
  fix: string;
  /** A page, from the project's root: `docs/operations/runbooks/RingUnhealthy.md`, `docs/operations/runbook.md#dns`. */
  page: string;
}

/** Builds findings of one layer, by severity. @param usual the page of those that name no other */
export function findingIn(layer: Layer, usual = "docs/operations/runbook.md") {
  const of =
    (severity: Severity) =>
    (what: string, evidence: string, fix: string, page = usual) =>
      ({ severity, layer, what, evidence, fix, page }) satisfies Finding;
  return { critical: of("critical"), warning: of("warning"), note: of("note") };
}

export interface Context extends Connection {
  stack: string;
  /** Whether a check may create a short-lived pod. */
  probe: boolean;
  /** The cluster's objects, read once for all checks. */
  cluster: ClusterState;
}

/**
 * One check. It only reads, except for a pod that {@link Context.probe} allows. A file in `checks/` exports one as `check`, and runs because it exists.
 */
export interface Check {
  /** The subject, as a noun: "certificates". */
  name: string;
  /** @returns what is wrong @throws if that cannot be found out, which is a finding, too */
  look(context: Context): Promise<Finding[]>;
}
