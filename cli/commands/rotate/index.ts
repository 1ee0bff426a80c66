/**
 * `obs rotate`: new passwords for the users of the gateways, without data loss, in three updates: the gateways accept the
 * next generation, clients get it, the old one is revoked. `access.generations` has the update that was started. A new run
 * repeats it with its wait, because it may be incomplete, so that no client is locked out.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Settings, UserError } from "../../../settings";
import { sendingAgents } from "../../../settings/agents";
import { passwordGeneration } from "../../../values/alerts";
import { type Connection, connectStores, requireConfirmation } from "../../lib/cluster";
import { queryMimir, queryPrometheus, type Sample } from "../../lib/prometheus";
import { backendEnvironment, pulumi } from "../../lib/pulumi";
import { up } from "../lifecycle";

/** The remaining updates of a rotation, with the one that was started; all of a new rotation. */
export function stepsLeft(generations: number[]) {
  const [first = 1, second] = generations;
  const [old, next] =
    second === undefined ? [first, first + 1] : [Math.min(first, second), Math.max(first, second)];
  const steps = [
    {
      generations: [old, next],
      what: `the gateways accept generation ${next} in addition to ${old}`,
      waits: false,
    },
    // Clients need time to get their new passwords.
    { generations: [next, old], what: `clients change to generation ${next}`, waits: true },
    { generations: [next], what: `generation ${old} is revoked`, waits: false },
  ];
  return second !== undefined && first > second ? steps.slice(1) : steps;
}

/**
 * Whether a rotation stops before the old passwords are revoked. Collectors of agents use them until the next `up` of
 * their stacks, and drop data that the gateways reject.
 */
export const keepsOld = (settings: Settings, keepOld = false): boolean =>
  keepOld || (sendingAgents(settings).length > 0 && stepsLeft(settings.access.generations).length === 3);

/** Agents whose last `up` reported another generation of passwords, or none. @param reported samples by agent */
export const outdated = (reported: Record<string, Sample[]>, generation: number): string[] =>
  Object.entries(reported)
    .filter(([, samples]) => !samples.some(({ value }) => value === generation))
    .map(([agent]) => agent);

/** @throws UserError if collectors of agents would lose data, because the gateways would reject their passwords */
async function refuseOutdated(stack: string, hub: Connection, generation: number): Promise<void> {
  const listed = sendingAgents(hub.settings);
  if (!listed.length) return;
  const seen = (await queryPrometheus(hub, "observability:agent:seen")).map(({ labels }) => labels["agent"]);
  const installed = listed.filter((agent) => seen.includes(agent));
  const reported = await Promise.all(
    installed.map(async (agent) => [agent, await queryMimir(hub, agent, passwordGeneration)] as const),
  );
  const agents = outdated(Object.fromEntries(reported), generation);
  if (agents.length)
    throw new UserError(
      `the old passwords are still accepted, because these agents have not reported the new ones: ${agents.join(", ")}\n` +
        "    Run ./obs up for their stacks with this release, wait 3 minutes, then run the command again. To revoke the passwords anyway, and lose the data of these agents:\n" +
        `    pulumi config rm --stack ${stack} --path 'observability:access.generations[1]' && ./obs up ${stack}`,
    );
}

/** Writes `access.generations` into the stack's config, in one command. */
async function configure(stack: string, generations: number[], environment: Record<string, string>) {
  const path = (index: number) => `observability:access.generations[${index}]`;
  const values = generations.flatMap((one, index) => ["--plaintext", `${path(index)}=${one}`]);
  // The first generation is already the right one.
  const args = generations.length > 1 ? ["set-all", ...values] : ["rm", path(1)];
  if ((await pulumi(["config", ...args, "--stack", stack, "--path"], environment)) !== 0)
    throw new UserError(
      `access.generations of stack ${stack} cannot be written; the cluster was not changed`,
    );
}

/**
 * `rotate`.
 *
 * @param options `wait`: seconds until every client has its new password. A kubelet updates a mounted Secret within two minutes
 * @returns the exit code
 */
export async function rotate(
  stack: string,
  options: { yes?: boolean; keepOld?: boolean; wait: number },
): Promise<number> {
  const connection = await connectStores(stack);
  const { settings } = connection;
  requireConfirmation(settings, options.yes, "a rotation updates the stack three times");
  const backend = backendEnvironment(stack, settings.environment);
  const again = `./obs rotate ${stack}${options.yes ? " --yes" : ""}`;
  const left = stepsLeft(settings.access.generations);
  for (const [index, { generations, what, waits }] of left.entries()) {
    if (keepsOld(settings, options.keepOld) && generations.length === 1) {
      const agents = sendingAgents(settings).join(", ");
      const first = agents && `run ./obs up for the stacks of the agents (${agents}) first, then `;
      console.error(`obs: the old passwords are still accepted; ${first}${again} revokes them`);
      return 0;
    }
    console.error(`obs: ${index + 1} of ${left.length}: ${what}`);
    if (generations.length === 1) await refuseOutdated(stack, connection, generations[0] ?? 0);
    await configure(stack, generations, backend);
    const code = await up(stack, { yes: true }, []);
    if (code !== 0) {
      const next = generations.length > 1 ? again : `./obs up ${stack}`;
      console.error(`obs: the rotation stopped here, and no client is locked out. Continue with: ${next}`);
      return code;
    }
    if (waits) {
      console.error(`obs: waiting ${options.wait} s for every client to get its new password`);
      await sleep(options.wait * 1000);
    }
  }
  console.error(`obs: rotated; commit the change of Pulumi.${stack}.yaml`);
  return 0;
}
