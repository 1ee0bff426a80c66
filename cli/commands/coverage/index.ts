/** `obs coverage`: queries without data, and metrics that nothing reads. */
import { connectStores } from "../../lib/cluster";
import { readObjects } from "./read";
import { jsonOfReport, reportOf, textOfReport } from "./report";
import { withStores } from "./stores";

/** @returns the exit code: 0 if nothing is blocked, else 2 */
export async function coverage(
  stack: string,
  { json, all = false, top, hours }: { json?: boolean; all?: boolean; top: number; hours: number },
): Promise<number> {
  const connection = await connectStores(stack);
  const given = { stack, settings: connection.settings, hours, ...(await readObjects(connection)) };
  const report = await withStores(connection, (ask) => reportOf(given, ask));
  console.log(json ? JSON.stringify(jsonOfReport(report), null, 2) : textOfReport(report, { all, top }));
  return report.gaps.some(({ state }) => state === "blocked") || report.autoscalers.length ? 2 : 0;
}
