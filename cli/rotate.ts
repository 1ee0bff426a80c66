/**
 * `obs rotate`: new passwords for the users of the gateways, without a signal lost.
 *
 * In three updates: the gateways take the next generation besides the old one, then clients get it, then the old one ends.
 * The setting `access.generations` says how far a stack is, so that whoever runs it again goes on where it stopped.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Settings, UserError } from "../settings";
import { locate } from "./cluster";
import { up } from "./lifecycle";
import { backendEnvironment, pulumi } from "./pulumi";

/** What `obs rotate` takes. */
export interface RotateOptions {
  yes?: boolean;
  /** Stops before the old passwords end, so that other stacks have time to fetch theirs. */
  keepOld?: boolean;
  /** Seconds until every client has its new password: a kubelet brings a changed Secret within a minute or two. */
  wait: string;
}

/** One of the three updates. */
export interface Step {
  generations: number[];
  what: string;
  /** Whether clients are still to find their new passwords when it is done. */
  waits: boolean;
}

/** The updates that are left of a rotation, from where a stack is; a stack that is not in one begins one. */
export function stepsLeft(generations: number[]): Step[] {
  const [first = 1, second] = generations;
  const [old, next] =
    second === undefined ? [first, first + 1] : [Math.min(first, second), Math.max(first, second)];
  const steps = [
    { generations: [old, next], what: `the gateways take generation ${next} besides ${old}`, waits: false },
    { generations: [next, old], what: `clients change to generation ${next}`, waits: true },
    { generations: [next], what: `generation ${old} is no longer taken`, waits: false },
  ];
  if (second === undefined) return steps;
  return first < second ? steps.slice(1) : steps.slice(2);
}

/** Writes `access.generations` into the stack's config. */
async function configure(stack: string, generations: number[], environment: Record<string, string>) {
  const paths = [0, 1].map((index) => `observability:access.generations[${index}]`);
  const run = (args: string[]) => pulumi(["config", ...args, "--stack", stack, "--path"], environment);
  const codes = [];
  for (const [index, path] of paths.entries()) {
    const generation = generations[index];
    if (generation !== undefined) codes.push(await run(["set", path, String(generation)]));
    else codes.push(await run(["rm", path]));
  }
  if (codes.some((code) => code !== 0))
    throw new UserError(
      `access.generations of stack ${stack} could not be written; nothing was changed on the cluster`,
    );
}

/** Whether people were asked, where they have to be. */
function refuseUnasked(settings: Settings, { yes }: RotateOptions): void {
  if (settings.environment === "dev" || yes) return;
  throw new UserError("this updates the stack three times; say --yes where that is meant");
}

/** @returns the exit code: 0 where the rotation, or as much of it as was asked for, is done */
export async function rotate(stack: string, options: RotateOptions): Promise<number> {
  const wait = Number(options.wait);
  if (!(wait >= 0)) throw new UserError(`--wait: is ${options.wait}; allowed: seconds, such as 180`);
  const { settings, environment } = await locate(stack);
  refuseUnasked(settings, options);
  const backend = { ...backendEnvironment(stack, settings.environment), ...environment };
  const left = stepsLeft(settings.access.generations);
  for (const [index, { generations, what, waits }] of left.entries()) {
    if (options.keepOld && generations.length === 1) {
      console.error(`obs: the old passwords are still taken; ./obs rotate ${stack} ends them`);
      return 0;
    }
    console.error(`obs: ${index + 1} of ${left.length}: ${what}`);
    await configure(stack, generations, backend);
    const code = await up(stack, { yes: true }, []);
    if (code !== 0) {
      console.error(
        `obs: the rotation stopped here, and nothing is locked out: ./obs rotate ${stack} goes on`,
      );
      return code;
    }
    if (waits) {
      console.error(`obs: ${wait} s for every client to find its new password`);
      await sleep(wait * 1000);
    }
  }
  console.error(`obs: rotated; keep the change in Pulumi.${stack}.yaml`);
  return 0;
}
