/** `obs load`: loads a running stack in steps, and tells what it sustained, how soon signals are found, and at what cost. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { kubeConfig } from "../../../components/kube-config";
import { type Settings, UserError } from "../../../settings";
import { withAbort } from "../../lib/abort";
import { locate } from "../../lib/cluster";
import { type LoadLife, withLoad } from "./life";
import { Autoscalers, componentRows, discarded, stackPods, usage } from "./observe";
import { type LoadOptions, type Plan, planOf, readOptions } from "./plan";
import { type Report, reportText } from "./report";
import { gaveOut, missing, signalRows } from "./verdict";

/** Options of the command line as they come. */
export type LoadArguments = Record<keyof LoadOptions, string> & {
  keep?: boolean;
  json?: boolean;
  /** Loads a prod stack, too. */
  yes?: boolean;
};

/** Seconds after the run until its last seconds are in Prometheus: its longest scrape interval and a little more. */
const scraped = 35;

/** @throws UserError for a prod stack without `yes` */
export function refuseProd(stack: string, { environment }: Settings, yes: boolean | undefined): void {
  if (environment === "prod" && !yes)
    throw new UserError(
      `stack ${stack} is a prod stack: a load test takes from its users' limits and leaves its signals in the stores until their retention is over; say --yes to load it`,
    );
}

/**
 * Loads a stack and looks at what that cost it.
 *
 * @throws UserError for a second load test, or a run that did not come to its end
 */
export async function loadReport(
  stack: string,
  settings: Settings,
  config: KubeConfig,
  plan: Plan,
  { tell, stop, keep = false }: Omit<LoadLife, "meanwhile">,
): Promise<Report> {
  const autoscalers = new Autoscalers(settings);
  const look = () => autoscalers.look(config);
  const before = await stackPods(config, settings);
  await look();
  return withLoad(config, settings, plan, { tell, stop, keep, meanwhile: look }, async (summary) => {
    const end = Date.now() / 1000;
    tell(`k6 is done; waiting ${scraped} s for Prometheus to see the end of it`);
    await wait(scraped * 1000, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
    await look();
    const { cores, memory } = await usage(config, settings, summary.seconds, end);
    return {
      stack,
      run: plan.run,
      plan,
      summary,
      signals: signalRows(plan, summary),
      components: componentRows(before, await stackPods(config, settings), cores, memory),
      autoscalers: autoscalers.table(),
      discarded: await discarded(config, settings, summary.seconds + scraped),
      gaveOut: gaveOut(plan, summary),
      missing: missing(plan, summary),
    };
  });
}

/**
 * @returns the exit code: 0 where every step was taken and every marked signal found, else 1
 * @throws UserError for bad options, a prod stack without `yes`, a second load test, or a run that did not come to its end
 */
export async function load(stack: string, given: LoadArguments): Promise<number> {
  const options = readOptions(given);
  const { settings, environment } = await locate(stack);
  const plan = planOf(settings, options);
  refuseProd(stack, settings, given.yes);
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  const tell = (line: string) => console.error(`obs: ${line}`);
  const report = await withAbort("the load test", (stop) =>
    loadReport(stack, settings, config, plan, { tell, stop, keep: given.keep ?? false }),
  );
  console.log(given.json ? JSON.stringify(report, null, 2) : reportText(report));
  return report.gaveOut.length || report.missing.length ? 1 : 0;
}
