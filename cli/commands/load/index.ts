/** `obs load`: loads a running stack in steps, and reports its throughput, latency and resource usage. */
import { setTimeout as wait } from "node:timers/promises";
import { type Settings, UserError } from "../../../settings";
import { withAbort } from "../../lib/abort";
import { type Connection, connectStores } from "../../lib/cluster";
import { queryPrometheus } from "../../lib/prometheus";
import { type LoadLife, withLoad } from "./life";
import { autoscalerRows, componentRows, discarded, type Query } from "./observe";
import { type LoadOptions, type Plan, planOf } from "./plan";
import { type Report, reportText } from "./report";
import { gaveOut, missing, signalRows } from "./verdict";

/** Options of the command line. */
type LoadArguments = LoadOptions & { keep?: boolean; json?: boolean; yes?: boolean };

/** Seconds until Prometheus has the end of the run: its longest scrape interval and a margin. */
const scraped = 35;

/** @throws UserError for a prod stack without `yes` */
export function refuseProd(stack: string, { environment }: Settings, yes: boolean | undefined): void {
  if (environment === "prod" && !yes)
    throw new UserError(
      `stack ${stack} is a prod stack: a load test counts against the limits of its tenants, and its data stays in the stores until it expires. Confirm it with --yes`,
    );
}

/** Loads a stack and measures it. @throws UserError for a second load test, or one that did not finish */
export async function loadReport(
  stack: string,
  connection: Connection,
  plan: Plan,
  life: LoadLife,
): Promise<Report> {
  const { tell, stop } = life;
  const { settings } = connection;
  return withLoad(connection, plan, life, async (summary) => {
    const end = Date.now() / 1000;
    tell(`k6 has finished; waiting ${scraped} s for the last scrapes`);
    await wait(scraped * 1000, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
    const atEnd: Query = (promql) => queryPrometheus(connection, promql, end);
    const now: Query = (promql) => queryPrometheus(connection, promql);
    return {
      stack,
      run: plan.run,
      plan,
      summary,
      signals: signalRows(plan, summary),
      components: await componentRows(atEnd, settings, summary.seconds),
      autoscalers: await autoscalerRows(atEnd, settings, summary.seconds),
      discarded: await discarded(now, summary.seconds + scraped),
      gaveOut: gaveOut(plan, summary),
      missing: missing(plan, summary),
    };
  });
}

/** @returns the exit code: 0 if every step was sustained and every marked signal found, else 1 */
export async function load(stack: string, given: LoadArguments): Promise<number> {
  const connection = await connectStores(stack);
  const plan = planOf(connection.settings, given);
  refuseProd(stack, connection.settings, given.yes);
  const tell = (line: string) => console.error(`obs: ${line}`);
  const report = await withAbort("the load test", (stop) =>
    loadReport(stack, connection, plan, { tell, stop, keep: given.keep ?? false }),
  );
  console.log(given.json ? JSON.stringify(report, null, 2) : reportText(report));
  return report.gaveOut.length || report.missing.length ? 1 : 0;
}
