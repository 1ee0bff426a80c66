/** Whether Kubernetes can detect a container that does not work. */
import { containersOf, ends, isOperated } from "../pods";
import { advice, always, type Environment, type Level, type SubjectRule } from "../rule";

const probe = (
  id: string,
  field: "readinessProbe" | "livenessProbe",
  why: string,
  level: Record<Environment, Level>,
): SubjectRule => ({
  id,
  requires: `Every long-running container has a ${field}; Jobs, init containers and operator-managed pods are exempt.`,
  why,
  level,
  check: (subject) =>
    ends(subject) || isOperated(subject)
      ? []
      : containersOf(subject)
          .filter(({ init, spec }) => !init && !spec[field])
          .map(({ name }) => ({
            what: `container ${name} has no ${field}`,
            fix: `Set ${field} in the chart's values.`,
          })),
});

export const readinessProbes = probe(
  "readiness-probes",
  "readinessProbe",
  "a Service would send requests to a container that is not ready, and a rollout would continue past a broken one",
  always,
);

/**
 * Advisory: a database that restarts while it replays its log never finishes, so most charts omit the probe.
 */
export const livenessProbes = probe(
  "liveness-probes",
  "livenessProbe",
  "a hanging container would never be restarted",
  advice,
);
