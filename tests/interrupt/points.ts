/** The points at which the drill interrupts an update, and the kinds of interruption. */

/** The engine's event about one step of an update. */
export interface Seen {
  /** Whether the step begins or has ended successfully. */
  moment: "begins" | "done";
  /** The resource's type and name. */
  resource: string;
}

/**
 * Kinds of interruption: Ctrl-C, after which the engine finishes its running steps; a second Ctrl-C, after which it
 * does not; a kill of the command and the engine, whose plugins continue; a kill of all processes, as in a crash of the
 * machine.
 */
export type End = "Ctrl-C" | "Ctrl-C twice" | "engine killed" | "all killed";

/** A point of an update. */
export interface Point {
  name: string;
  moment: Seen["moment"];
  resource: RegExp;
  /** Number of such steps. @default 1 */
  count?: number;
  /** Delay in seconds. @default 0 */
  after?: number;
  end: End;
}

const release = (name: string) => new RegExp(`^kubernetes:helm\\.sh/v3:Release ${name}$`);

/** Ten, from the first object to the last release, in the order of an update of a dev stack. */
export const points: Point[] = [
  {
    name: "while the namespaces are made",
    moment: "begins",
    resource: /:Namespace /,
    count: 3,
    end: "all killed",
  },
  {
    name: "definitions of custom resources install",
    moment: "begins",
    resource: release("kps-crds"),
    after: 1,
    end: "engine killed",
  },
  { name: "MinIO installs", moment: "begins", resource: release("minio"), after: 3, end: "all killed" },
  { name: "MinIO is there, no bucket", moment: "done", resource: release("minio"), end: "Ctrl-C twice" },
  { name: "buckets are made", moment: "begins", resource: /^minio:.*Bucket /, count: 3, end: "all killed" },
  { name: "Loki installs", moment: "begins", resource: release("loki"), after: 5, end: "Ctrl-C" },
  { name: "Mimir installs", moment: "begins", resource: release("mimir"), after: 10, end: "all killed" },
  { name: "Prometheus installs", moment: "begins", resource: release("kps"), after: 4, end: "engine killed" },
  { name: "Tempo installs", moment: "begins", resource: release("tempo"), after: 5, end: "Ctrl-C twice" },
  { name: "Grafana installs", moment: "begins", resource: release("grafana"), after: 5, end: "Ctrl-C" },
];

interface Step {
  planning?: boolean;
  metadata: { op: string; urn: string; type: string };
}

/** A line of the engine's event log as a step that changes something; undefined for other events. */
export function seenIn(line: string): Seen | undefined {
  const event: { resourcePreEvent?: Step; resOutputsEvent?: Step } = JSON.parse(line);
  const step = event.resourcePreEvent ?? event.resOutputsEvent;
  if (!step || step.planning || step.metadata.op === "same") return undefined;
  const name = step.metadata.urn.split("::").slice(3).join("::");
  return {
    moment: event.resourcePreEvent ? "begins" : "done",
    resource: `${step.metadata.type} ${name}`,
  };
}

/** Whether an update has reached a point. */
export const reached = ({ moment, resource, count = 1 }: Point, seen: Seen[]): boolean =>
  seen.filter((one) => one.moment === moment && resource.test(one.resource)).length >= count;

/** A process and its parent, as `ps` lists them. */
export interface Process {
  pid: number;
  parent: number;
}

/** A process and all its descendants. */
export const familyOf = (pid: number, processes: Process[]): number[] => [
  pid,
  ...processes.filter(({ parent }) => parent === pid).flatMap((child) => familyOf(child.pid, processes)),
];
