/** What a check of `obs doctor` is, and what it works with. */
import type { KubeConfig } from "@kubernetes/client-node";
import type { Settings } from "../../../settings";
import type { ClusterState } from "./cluster-state";

/** How bad a finding is: signals are lost or cannot be read; they soon may be; worth knowing. Worst first. */
export const severities = ["critical", "warning", "note"] as const;
export type Severity = (typeof severities)[number];

/**
 * Where a finding lies, from causes to symptoms. Among findings of one severity the cause comes first: a pod that restarts
 * because DNS is broken is told after DNS.
 */
export const layers = [
  /** What pods stand on: API server, nodes, DNS, clocks, definitions of custom resources, volumes. */
  "cluster",
  /** What keeps a pod from running, with the reason known: image, volume, room, memory limit, probe. */
  "pods",
  /** NetworkPolicies, certificates. */
  "network",
  /** Buckets, credentials. */
  "storage",
  /** Live objects or versions that are not what Helm installed. */
  "drift",
  /** Rings, readiness, compactors, datasources, gateways. */
  "components",
  /** What follows from all the above: errors and limits while signals go in or are read. */
  "signals",
] as const;
export type Layer = (typeof layers)[number];

/** Something that is wrong. */
export interface Finding {
  severity: Severity;
  layer: Layer;
  /** What is wrong, as one plain sentence that names the object. */
  what: string;
  /** What was read: the query, the field, the message. Never a secret. */
  evidence: string;
  /** What to do, as a sentence or a command. */
  fix: string;
  /** The page that says more, from the project's root: `docs/operations/runbooks/RingUnhealthy.md`, `docs/operations/runbook.md#dns`. */
  page: string;
}

/** Builds findings of one layer. */
export const findingIn =
  (layer: Layer) =>
  (severity: Severity, what: string, evidence: string, fix: string, page: string): Finding => ({
    severity,
    layer,
    what,
    evidence,
    fix,
    page,
  });

export interface Context {
  stack: string;
  settings: Settings;
  config: KubeConfig;
  /** Whether a check may create a short-lived pod. */
  probe: boolean;
  /** What the cluster holds, read once for all checks. */
  cluster: ClusterState;
}

/**
 * One check. It only reads, except for a pod that {@link Context.probe} allows, answers within `checkWithin`, and reports
 * problems only. A file in `checks/` exports one as `check`, and runs because it exists.
 */
export interface Check {
  /** What is looked at, as a noun: "certificates". */
  name: string;
  /** @returns what is wrong; nothing where all is well @throws where it cannot be looked at, which is told as a finding */
  look(context: Context): Promise<Finding[]>;
}
