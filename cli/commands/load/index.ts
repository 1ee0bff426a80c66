/** `obs load`: loads a running stack in steps, and reports its throughput, latency and resource usage. */
import { withAbort } from "../../lib/abort";
import { connectStores, requireConfirmation } from "../../lib/cluster";
import { type LoadOptions, planOf } from "./plan";
import { loadReport, reportText } from "./report";

/** Options of the command line. */
type LoadArguments = LoadOptions & { keep?: boolean; json?: boolean; yes?: boolean };

/** What a load test does to a stack. */
export const consequence =
  "a load test counts against the limits of the stack's tenants, and its data stays in the stores until it expires";

/** @returns the exit code: 0 if every step was sustained and every marked signal found, else 1 */
export async function load(stack: string, given: LoadArguments): Promise<number> {
  const connection = await connectStores(stack);
  const plan = planOf(connection.settings, given);
  requireConfirmation(connection.settings, given.yes, consequence);
  const tell = (line: string) => console.error(`obs: ${line}`);
  const report = await withAbort("the load test", (stop) =>
    loadReport(stack, connection, plan, { tell, stop, keep: given.keep ?? false }),
  );
  console.log(given.json ? JSON.stringify(report, null, 2) : reportText(report));
  return report.exhausted.length || report.missing.length ? 1 : 0;
}
