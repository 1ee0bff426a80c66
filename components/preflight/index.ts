/**
 * The preflight: finds every conflict between the settings and the cluster before anything is registered, so that a
 * preview reports it too. All problems come in one error.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Settings, SettingsError } from "../../settings";
import { installs } from "../../settings/agents";
import { problemText } from "../../settings/problem-text";
import { kubeConfig } from "../kube-config";
import type { Gate } from "../object-storage/gate";
import { type Found, storagePreflight } from "../object-storage/preflight";
import type { Check, Finding } from "./check";
import { checks } from "./checks";
import { type Facts, requireFacts, type Snapshot, unreadText } from "./facts";
import { readFacts } from "./read-facts";

/** Findings of the checks, and the checks that were skipped. */
export interface Report {
  findings: Finding[];
  /** A sentence for each skipped check, with the reason. */
  unchecked: string[];
  /** Further information for the user. */
  notes: string[];
}

/**
 * Runs the checks with the facts.
 *
 * @throws UserError if a fact is missing without which data could be lost
 */
export function examine(
  stack: string,
  settings: Settings,
  snapshot: Snapshot,
  all: readonly Check[] = checks,
): Report {
  const applicable = all.filter(({ applies }) => applies?.(settings) ?? true);
  requireFacts(snapshot, [
    ...new Set(applicable.flatMap(({ protectsData, needs }) => (protectsData ? needs : []))),
  ]);
  const report: Report = { findings: [], unchecked: [], notes: [] };
  for (const { name, needs, find, notes } of applicable) {
    const unread = unreadText(snapshot, needs);
    if (unread)
      report.unchecked.push(`not checked: ${name}, because these resources cannot be read: ${unread}`);
    else {
      const context = { stack, settings, facts: snapshot.facts as Facts };
      report.findings.push(...find(context));
      report.notes.push(...(notes?.(context) ?? []));
    }
  }
  return report;
}

/** A finding of `preview`. */
export const inPreview = (finding: Finding): Finding =>
  finding.temporary ? { ...finding, severity: "warning" } : finding;

/** The facts about the stack's cluster; undefined without an engine, which makes no connections. */
export const readCluster = async (settings: Settings): Promise<Snapshot | undefined> =>
  pulumi.runtime.hasEngine() ? readFacts(kubeConfig(settings), settings) : undefined;

/**
 * Checks the settings against the cluster and the data in MinIO.
 *
 * @returns results that the program uses
 * @throws SettingsError with every problem
 */
export async function preflight(
  stack: string,
  settings: Settings,
  cluster: Snapshot | undefined,
  gate: Gate | undefined,
): Promise<Found | undefined> {
  const report = cluster ? examine(stack, settings, cluster) : { findings: [], unchecked: [], notes: [] };
  const { unchecked, notes } = report;
  const findings = report.findings
    .filter(({ path }) => installs(settings, path))
    .map(pulumi.runtime.isDryRun() ? inPreview : (one) => one);
  const { found, problems } = await storagePreflight(settings, gate);
  for (const text of unchecked) pulumi.log.warn(text);
  for (const finding of findings)
    if (finding.severity === "warning") pulumi.log.warn(problemText(stack, finding).trimStart());
  for (const note of notes) pulumi.log.info(note);
  const errors = [...problems, ...findings.filter(({ severity }) => severity === "error")];
  if (errors.length) throw new SettingsError(stack, errors);
  return found;
}
