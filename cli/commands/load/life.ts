/** A load test from its beginning to its end, whoever wants to know what of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { loadTest } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { credentials } from "./credentials";
import { follow, refuseSecond, remove, start } from "./job";
import type { Plan } from "./plan";
import { readSummary, type Summary, stepText } from "./summary";

/** The script that k6 runs. */
export const scriptFile = join(__dirname, "script.js");

export interface LoadLife {
  /** Told what happens, a line each. */
  tell(line: string): void;
  /** Breaks it off. */
  stop: AbortSignal;
  /** Called again and again while it runs. @default nothing */
  meanwhile?: () => Promise<void>;
  /** Leaves the namespace there. @default false */
  keep?: boolean;
}

/**
 * Loads a stack, hands what k6 measured to an action while its pod is still there, and takes all away whatever happened.
 *
 * @returns what the action gave
 * @throws UserError for a second load test, or a run that did not come to its end
 */
export async function withLoad<T>(
  config: KubeConfig,
  settings: Settings,
  plan: Plan,
  { tell, stop, meanwhile = async () => undefined, keep = false }: LoadLife,
  action: (summary: Summary) => Promise<T>,
): Promise<T> {
  await refuseSecond(config);
  try {
    await start(
      config,
      settings,
      plan,
      readFileSync(scriptFile, "utf8"),
      await credentials(config, settings),
    );
    tell(`${plan.steps} steps of ${plan.seconds} s; run ${plan.run}`);
    const log = await follow(config, plan, (step) => tell(stepText(plan, step)), meanwhile, stop);
    const summary = readSummary(log);
    if (!summary) throw new UserError(`k6 did not come to its end; its log ends with:\n${log.slice(-2000)}`);
    return await action(summary);
  } finally {
    if (keep) tell(`namespace ${loadTest.namespace} is kept: kubectl delete namespace ${loadTest.namespace}`);
    else {
      tell(`taking away namespace ${loadTest.namespace}`);
      await remove(config);
    }
  }
}
