/** Options of a chaos run, and the faults for each component. Pure. */
import { parseArgs } from "node:util";
import { UserError } from "../../settings";
import { type Component, nameOf } from "./components";
import { expectationOf } from "./expectations";
import type { Case, Harm } from "./report";

export const usage = `usage: OBS_TEST_STACK=<stack> npm run test:chaos -- [options] [part of a component's name…]

Kills every component of a running stack in turn, and pauses those on the path of signals. The cluster is
OBS_TEST_KUBECONFIG, otherwise the stack's own.

  --fault <kill|pause>  only one of the two; may be repeated (default: both)
  --pause <seconds>     duration of a pause, 1 to 600 (default: 45)
  --for <seconds>       start no further fault after this time
  --report <file>       write the results to a JSON file; cases that it already has are not repeated
  --yes                 inject faults into a prod stack
  --help`;

/** Options of a run. */
export interface Asked {
  /** Parts of component names; empty for all. */
  only: string[];
  harms: Harm[];
  /** Duration of a pause in seconds. */
  pause: number;
  /** Seconds after which no further fault is injected. */
  budget: number;
  /** The file with the results. */
  report?: string;
  yes: boolean;
  help: boolean;
}

const harmNames: Harm[] = ["kill", "pause"];

/** A number of seconds. @throws UserError with the option */
function secondsOf(option: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= 1 && value <= most))
    throw new UserError(`--${option}: invalid value "${text}" (must be an integer between 1 and ${most})`);
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
        fault: { ...option, multiple: true },
        ...{ pause: option, for: option, report: option, yes: flag, help: flag },
      },
    });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${usage}`);
  }
  const { values, positionals } = parsed;
  const wrong = values.fault?.find((harm) => !harmNames.some((name) => name === harm));
  if (wrong !== undefined)
    throw new UserError(`--fault: invalid value "${wrong}" (must be ${harmNames.join(" or ")})`);
  return {
    only: positionals,
    harms: harmNames.filter((harm) => values.fault?.includes(harm) ?? true),
    // A longer pause would be a loss by the sender, which retries for a minute: see traces.js.
    pause: secondsOf("pause", values.pause, 45, 600),
    budget: secondsOf("for", values.for, Infinity, 86_400),
    ...(values.report !== undefined && { report: values.report }),
    yes: values.yes ?? false,
    help: values.help ?? false,
  };
}

/**
 * The faults of a run, in order. Those in an existing report are omitted.
 *
 * @throws UserError if a part of a name matches no component
 */
export function planned(
  components: Component[],
  { only, harms }: Pick<Asked, "only" | "harms">,
  done: Case[],
): { component: Component; harm: Harm }[] {
  const names = components.map(nameOf);
  const unknown = only.find((part) => !names.some((name) => name.includes(part)));
  if (unknown !== undefined)
    throw new UserError(`no component has "${unknown}" in its name (components: ${names.join(", ")})`);
  return harms
    .flatMap((harm) => components.map((component) => ({ component, harm })))
    .filter(({ component }) => !only.length || only.some((part) => nameOf(component).includes(part)))
    .filter(({ component, harm }) => harm === "kill" || expectationOf(nameOf(component))?.carries)
    .filter(
      ({ component, harm }) => !done.some((one) => one.component === nameOf(component) && one.harm === harm),
    );
}
