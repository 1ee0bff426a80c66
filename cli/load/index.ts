/** `obs load`: loads a running stack in steps, and tells what it sustained, how soon signals are found, and at what cost. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { kubeConfig } from "../../components/kube-config";
import { loadTest } from "../../names";
import { UserError } from "../../settings";
import { breakable } from "../breakable";
import { locate } from "../cluster";
import { credentials } from "./credentials";
import { follow, refuseSecond, remove, start } from "./job";
import { Autoscalers, componentRows, discarded, stackPods, usage } from "./observe";
import { addressed, type LoadOptions, planOf, readOptions } from "./plan";
import { type Report, reportText } from "./report";
import { readSummary, stepText } from "./summary";
import { gaveOut, missing, signalRows } from "./verdict";

/** The script that k6 runs. */
export const scriptFile = join(__dirname, "script.js");

/** Options of the command line as they come. */
export type LoadArguments = Record<keyof LoadOptions, string> & {
  keep?: boolean;
  json?: boolean;
  /** Loads a prod stack, too. */
  yes?: boolean;
};

/** Seconds after the run until its last seconds are in Prometheus: its longest scrape interval and a little more. */
const scraped = 35;

/**
 * @returns the exit code: 0 where every step was taken and every marked signal found, else 1
 * @throws UserError for bad options, a prod stack without `yes`, a second load test, or a run that did not come to its end
 */
export async function load(stack: string, given: LoadArguments): Promise<number> {
  const asked = planOf(readOptions(given));
  const { settings, environment } = await locate(stack);
  const plan = addressed(asked, settings);
  if (settings.environment === "prod" && !given.yes)
    throw new UserError(
      `stack ${stack} is a prod stack: a load test takes from its users' limits and leaves its signals in the stores until their retention is over; say --yes to load it`,
    );
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  await refuseSecond(config);
  const autoscalers = new Autoscalers();
  const tell = (line: string) => console.error(`obs: ${line}`);
  const report = await breakable("the load test", async (stop): Promise<Report> => {
    try {
      const before = await stackPods(config);
      await autoscalers.look(config);
      await start(config, settings, plan, readFileSync(scriptFile, "utf8"), await credentials(config));
      tell(`${plan.steps} steps of ${plan.seconds} s; run ${plan.run}`);
      const log = await follow(
        config,
        plan,
        (step) => tell(stepText(plan, step)),
        () => autoscalers.look(config),
        stop,
      );
      const summary = readSummary(log);
      if (!summary)
        throw new UserError(`k6 did not come to its end; its log ends with:\n${log.slice(-2000)}`);
      const end = Date.now() / 1000;
      tell(`k6 is done; waiting ${scraped} s for Prometheus to see the end of it`);
      await wait(scraped * 1000, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
      await autoscalers.look(config);
      const { cores, memory } = await usage(config, summary.seconds, end);
      return {
        stack,
        run: plan.run,
        plan,
        summary,
        signals: signalRows(plan, summary),
        components: componentRows(before, await stackPods(config), cores, memory),
        autoscalers: autoscalers.table(),
        discarded: await discarded(config, summary.seconds + scraped),
        gaveOut: gaveOut(plan, summary),
        missing: missing(plan, summary),
      };
    } finally {
      if (given.keep)
        tell(`namespace ${loadTest.namespace} is kept: kubectl delete namespace ${loadTest.namespace}`);
      else {
        tell(`taking away namespace ${loadTest.namespace}`);
        await remove(config);
      }
    }
  });
  console.log(given.json ? JSON.stringify(report, null, 2) : reportText(report));
  return report.gaveOut.length || report.missing.length ? 1 : 0;
}
