/** The parts of a resource that are known in a preview. */
import { UnknownValueError } from "@pulumi/policy";

/** Placeholder for an unknown value; used only in this file. */
const unknown = Symbol("unknown");

function knownOr(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnknownValueError) return unknown;
    throw error;
  }
}

/**
 * A plain copy without the parts that are unknown before the update. If a policy reads an unknown value,
 * Pulumi throws an error and skips the whole policy.
 */
export function known(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.keys(value)
    .map((key) => [key, knownOr(() => known((value as Record<string, unknown>)[key]))] as const)
    .filter(([, one]) => one !== unknown);
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}
