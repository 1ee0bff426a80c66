/** Options of a drill run, and the resulting events. Pure. */
import { parseArgs } from "node:util";
import { UserError } from "../../settings";
import type { DrillNode } from "./cluster";
import type { Case } from "./report";

export const usage = `usage: OBS_TEST_STACK=<stack> npm run test:nodes -- [options] [part of an event's name…]

Runs node drills against a running stack under a steady load, and reports what each event cost. Without a name, all events
run for which the commands are given, in this order:

  power/<node>       the node loses power for --off seconds        --node-down, --node-up
  cut/<node>         the node loses its network for --off seconds  --node-cut, --node-heal
  drain/<node>       cordon, evict, wait, uncordon
  zone/<zone>        all nodes of the zone lose power              --node-down, --node-up
  restart            every workload is restarted, one namespace after the other
  all                all nodes lose power                          --node-down, --node-up
  up                 an update that changes every release          --up
  up-during-loss     the same, and after --off seconds the first   --up, --node-down, --node-up
                     node loses power; if the update fails, it
                     is repeated with the node
  scale/<store>      ingesters from 3 to 5 and back to 3           --scale
  minio-volume       a MinIO server loses its volume
  loki-outage        after twice --off seconds of load, Loki is stopped for --off seconds, then every Alloy for logs
                     is restarted

Commands run in a shell. {node}, {store} and {replicas} are replaced.

  --node-down <command>   power off {node}              --node-up <command>     power on {node}
  --node-cut <command>    disconnect {node}             --node-heal <command>   connect {node}
  --up <command>          change every release          --scale <command>       give {store} {replicas} ingesters;
                          for fewer, follow "Scale in" of docs/guides/scaling.md, because a plain update is rejected
  --off <seconds>         time without power, network or Loki, 10 to 3600 (default: 120)
  --lines <number>        log lines per second of all nodes, 1 to 100000 (default: 600)
  --spans <number>        spans per second of all nodes, 1 to 10000 (default: 54)
  --writer <node>         write from this node; may be repeated (default: from every node)
  --patience <seconds>    timeout of the recovery, before and after an event, 60 to 7200 (default: 900)
  --limit <seconds>       timeout of a whole event, 120 to 36000 (default: 3600): a longer command is interrupted,
                          and data that is missing by then is counted again after the last event
  --ignore <workload>     namespace/name of a workload that does not run on this cluster; may be repeated
  --for <seconds>         start no further event after this time
  --report <file>         write the results to a JSON file after each event, and as a table to the same name with .md;
                          events that it already has are not repeated
  --json                  print the results as JSON instead of a Markdown table
  --yes                   run drills on a prod stack
  --help`;

/** Commands that the user provides. */
export const commandNames = ["node-down", "node-up", "node-cut", "node-heal", "up", "scale"] as const;
export type CommandName = (typeof commandNames)[number];
export type Commands = Partial<Record<CommandName, string>>;

export interface Asked {
  only: string[];
  commands: Commands;
  off: number;
  lines: number;
  spans: number;
  /** Nodes with a writer; empty means all. */
  writers: string[];
  patience: number;
  /** Timeout of an event, in seconds. */
  limit: number;
  /** Workloads that need not be ready. */
  ignore: string[];
  budget: number;
  report?: string;
  json: boolean;
  yes: boolean;
  help: boolean;
}

/** A number. @throws UserError with the option */
function numberOf(
  option: string,
  text: string | undefined,
  otherwise: number,
  [least, most]: [number, number],
): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most))
    throw new UserError(
      `--${option}: invalid value "${text}" (must be an integer between ${least} and ${most})`,
    );
  return value;
}

/** Parses the command line. @throws UserError with unknown or invalid options */
export function readAsked(args: string[]): Asked {
  const option = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const parse = () =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ "node-down": option, "node-up": option, "node-cut": option, "node-heal": option },
        ...{ up: option, scale: option, off: option, lines: option, spans: option, patience: option },
        limit: option,
        ...{ writer: { ...option, multiple: true }, ignore: { ...option, multiple: true } },
        ...{ for: option, report: option, json: flag, yes: flag, help: flag },
      },
    });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${usage}`);
  }
  const { values, positionals } = parsed;
  const given = commandNames.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]]));
  return {
    only: positionals,
    commands: Object.fromEntries(given),
    off: numberOf("off", values.off, 120, [10, 3600]),
    lines: numberOf("lines", values.lines, 600, [1, 100_000]),
    spans: numberOf("spans", values.spans, 54, [1, 10_000]),
    writers: values.writer ?? [],
    patience: numberOf("patience", values.patience, 900, [60, 7200]),
    limit: numberOf("limit", values.limit, 3600, [120, 36_000]),
    ignore: values.ignore ?? [],
    budget: numberOf("for", values.for, Infinity, [1, 604_800]),
    ...(values.report !== undefined && { report: values.report }),
    json: values.json ?? false,
    yes: values.yes ?? false,
    help: values.help ?? false,
  };
}

/** Kinds of events, and the commands that each needs. */
const needs = {
  power: ["node-down", "node-up"],
  cut: ["node-cut", "node-heal"],
  drain: [],
  zone: ["node-down", "node-up"],
  restart: [],
  all: ["node-down", "node-up"],
  up: ["up"],
  "up-during-loss": ["up", "node-down", "node-up"],
  scale: ["scale"],
  "minio-volume": [],
  "loki-outage": [],
} as const satisfies Record<string, readonly CommandName[]>;
export type Kind = keyof typeof needs;

/** One event. */
export interface Event {
  kind: Kind;
  /** Its name in a report: `power/node-1`. */
  name: string;
  /** Affected nodes. */
  nodes: string[];
  /** The store whose ingesters are scaled. */
  store?: string;
}

/** All possible events of a cluster. */
export function eventsOf(nodes: DrillNode[]): Event[] {
  const names = nodes.map(({ name }) => name);
  const zones = [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].sort();
  const each = (kind: Kind): Event[] =>
    names.map((name) => ({ kind, name: `${kind}/${name}`, nodes: [name] }));
  const once = (kind: Kind, of: string[] = []): Event => ({ kind, name: kind, nodes: of });
  return [
    ...each("power"),
    ...each("cut"),
    ...each("drain"),
    ...zones.map((zone): Event => {
      const members = nodes.filter((node) => node.zone === zone).map(({ name }) => name);
      return { kind: "zone", name: `zone/${zone}`, nodes: members };
    }),
    once("restart"),
    once("all", names),
    once("up"),
    once("up-during-loss", names.slice(0, 1)),
    ...["loki", "mimir", "tempo"].map(
      (store): Event => ({ kind: "scale", name: `scale/${store}`, nodes: [], store }),
    ),
    once("minio-volume"),
    once("loki-outage"),
  ];
}

/**
 * The events of a run in order, without those in a report, and those that lack a command.
 *
 * @throws UserError if a part of a name matches no event, or a named event lacks a command
 */
export function planned(
  events: Event[],
  { only, commands }: Pick<Asked, "only" | "commands">,
  done: Case[],
): { todo: Event[]; skipped: { event: Event; lacks: string[] }[] } {
  const matches = ({ name }: Event, part: string) =>
    name === part || name.startsWith(part.endsWith("/") ? part : `${part}/`);
  const unknown = only.find((part) => !events.some((event) => matches(event, part)));
  if (unknown !== undefined)
    throw new UserError(
      `no event is called "${unknown}" (events: ${events.map(({ name }) => name).join(", ")})`,
    );
  const lacking = ({ kind }: Event) =>
    needs[kind].filter((name) => !commands[name]).map((name) => `--${name}`);
  // In the order of the names.
  const asked = only.length ? only.flatMap((part) => events.filter((event) => matches(event, part))) : events;
  const wanted = [...new Set(asked)];
  const skipped = wanted
    .map((event) => ({ event, lacks: lacking(event) }))
    .filter(({ lacks }) => lacks.length);
  const [first] = skipped;
  if (only.length && first)
    throw new UserError(`event ${first.event.name} needs ${first.lacks.join(" and ")}`);
  return {
    todo: wanted.filter(
      (event) => !lacking(event).length && !done.some(({ event: name }) => name === event.name),
    ),
    skipped,
  };
}
