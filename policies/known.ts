/** What of a resource can be known in a preview. */
import { UnknownValueError } from "@pulumi/policy";

/** Stands for what is not known; it never gets out of this file. */
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
 * A plain copy without the parts that are not known before the update: Pulumi throws when a policy reads one, and the
 * policy would be left out as a whole.
 */
export function known(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.keys(value)
    .map((key) => [key, knownOr(() => known((value as Record<string, unknown>)[key]))] as const)
    .filter(([, one]) => one !== unknown);
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}
