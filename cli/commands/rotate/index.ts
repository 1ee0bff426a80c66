/**
 * `obs rotate`: new passwords for the users of the gateways, without a signal lost.
 *
 * In three updates: the gateways take the next generation besides the old one, then clients get it, then the old one ends.
 * The setting `access.generations` says which of them was begun. Whether it ended nobody knows, so whoever runs the command
 * again repeats that update, with its wait, before he goes on: only then can the next one lock nobody out.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { invalid, type Settings, UserError } from "../../../settings";
import { locate } from "../../lib/cluster";
import { backendEnvironment, pulumi } from "../../lib/pulumi";
import { up } from "../lifecycle";

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

/** The updates that are left of a rotation, the one that was begun among them; a stack that is not in one begins one. */
export function stepsLeft(generations: number[]): Step[] {
  const [first = 1, second] = generations;
  const [old, next] =
    second === undefined ? [first, first + 1] : [Math.min(first, second), Math.max(first, second)];
  const steps = [
    { generations: [old, next], what: `the gateways take generation ${next} besides ${old}`, waits: false },
    { generations: [next, old], what: `clients change to generation ${next}`, waits: true },
    { generations: [next], what: `generation ${old} is no longer taken`, waits: false },
  ];
  return second !== undefined && first > second ? steps.slice(1) : steps;
}

/** Writes `access.generations` into the stack's config, at once: half of it written would be no setting. */
async function configure(stack: string, generations: number[], environment: Record<string, string>) {
  const path = (index: number) => `observability:access.generations[${index}]`;
  const values = generations.flatMap((one, index) => ["--plaintext", `${path(index)}=${one}`]);
  // A list gets shorter only by taking out what is too many; the first that is left is there already.
  const args = generations.length > 1 ? ["set-all", ...values] : ["rm", path(1)];
  if ((await pulumi(["config", ...args, "--stack", stack, "--path"], environment)) !== 0)
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
  if (!(wait >= 0)) throw new UserError(invalid("--wait", options.wait, "seconds, such as 180"));
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
      const next = generations.length > 1 ? `./obs rotate ${stack} goes on` : `./obs up ${stack} ends it`;
      console.error(`obs: the rotation stopped here, and nobody is locked out: ${next}`);
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
