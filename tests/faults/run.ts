/**
 * The fault drill: injects one fault at a time into a running stack. Measures how long `obs doctor` takes to report the
 * fault as its first finding, and a healthy stack after the repair.
 *
 * `OBS_TEST_STACK=<stack> npm run test:faults [-- <fault>…]`; the cluster is OBS_TEST_KUBECONFIG, otherwise the stack's
 * own.
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type Diagnosis, examine } from "../../cli/commands/doctor";
import { connect } from "../../cli/lib/cluster";
import { table } from "../../cli/lib/text";
import { type Cluster, clusterOf, type Fault } from "./fault";

/**
 * Timeout of a check, in seconds: long, because the drill measures detection, also on a machine that is busy with
 * tests.
 */
const checkWithin = 60;

/** The result of one fault. */
interface Row {
  fault: string;
  ok: boolean;
  finding: string;
  named: string;
  healthy: string;
}

const faults = (): Fault[] =>
  readdirSync(join(__dirname, "faults"))
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => require(join(__dirname, "faults", basename(file, ".ts"))).fault as Fault);

const first = ({ healthy, findings }: Diagnosis): string =>
  findings[0]
    ? `${findings[0].severity}: ${findings[0].what} (${findings[0].page})`
    : healthy
      ? "healthy"
      : "-";

/** Runs the doctor until its report is as wanted, or a timeout. */
async function until(
  cluster: Cluster,
  seconds: number,
  wanted: (diagnosis: Diagnosis) => boolean,
): Promise<{ diagnosis: Diagnosis; seconds: number; reached: boolean }> {
  const start = Date.now();
  let told = "";
  for (;;) {
    const diagnosis = await examine({ ...cluster, probe: false }, undefined, undefined, checkWithin);
    const passed = (Date.now() - start) / 1000;
    if (wanted(diagnosis)) return { diagnosis, seconds: passed, reached: true };
    if (passed > seconds) return { diagnosis, seconds: passed, reached: false };
    if (first(diagnosis) !== told) console.error(`  ${passed.toFixed(0)} s: ${first(diagnosis)}`);
    told = first(diagnosis);
    await new Promise((wake) => setTimeout(wake, 2000));
  }
}

const names = ({ expected, page }: Fault, { findings: [finding] }: Diagnosis): boolean =>
  finding !== undefined && expected.test(finding.what) && finding.page === page;

let fixing: (() => Promise<void>) | undefined;

async function drill(cluster: Cluster, fault: Fault): Promise<Row> {
  const row: Row = { fault: fault.name, ok: false, finding: "", named: "-", healthy: "-" };
  const before = await until(cluster, 180, ({ healthy }) => healthy);
  if (!before.reached) return { ...row, finding: `not begun: ${first(before.diagnosis)}` };
  fixing = () => fault.fix(cluster);
  try {
    await fault.make(cluster);
    const named = await until(cluster, fault.within ?? 180, (diagnosis) => names(fault, diagnosis));
    row.finding = first(named.diagnosis);
    row.ok = named.reached;
    row.named = named.reached ? named.seconds.toFixed(0) : `not in ${named.seconds.toFixed(0)}`;
  } catch (error) {
    row.finding = (error as Error).message;
    row.ok = row.finding.startsWith("skipped:");
  }
  try {
    await fault.fix(cluster);
  } catch (error) {
    // No further fault is injected if one could not be reverted.
    throw new Error(`${fault.name} could not be reverted; revert it manually: ${(error as Error).message}`);
  }
  fixing = undefined;
  const healthy = await until(cluster, fault.healthyWithin ?? 300, (diagnosis) => diagnosis.healthy);
  row.healthy = healthy.reached
    ? healthy.seconds.toFixed(0)
    : `not in ${healthy.seconds.toFixed(0)}: ${first(healthy.diagnosis)}`;
  return { ...row, ok: row.ok && healthy.reached };
}

async function main(wanted: string[]): Promise<number> {
  const stack = process.env["OBS_TEST_STACK"];
  if (!stack) {
    console.error("faults: OBS_TEST_STACK is not set (set it to a running stack for fault injection)");
    return 2;
  }
  if (process.env["OBS_TEST_KUBECONFIG"]) process.env["KUBECONFIG"] = process.env["OBS_TEST_KUBECONFIG"];
  const all = faults();
  const unknown = wanted.filter((name) => !all.some((fault) => fault.name === name));
  if (unknown.length) {
    console.error(
      `faults: unknown fault ${unknown.join(", ")}. Valid: ${all.map(({ name }) => name).join(", ")}`,
    );
    return 2;
  }
  const { settings, config } = await connect(stack);
  const cluster = clusterOf(stack, settings, config);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      console.error("faults: stopped; putting things back");
      await fixing?.().catch((error: Error) => console.error(`faults: ${error.message}`));
      process.exit(130);
    });
  const rows: Row[] = [];
  for (const fault of all.filter(({ name }) => !wanted.length || wanted.includes(name))) {
    console.error(`${fault.name}:`);
    rows.push(await drill(cluster, fault));
  }
  console.log(
    table([
      ["fault", "", "first finding", "named after s", "healthy after s"],
      ...rows.map(({ fault, ok, finding, named, healthy }) => [
        fault,
        ok ? "ok" : "FAILED",
        finding,
        named,
        healthy,
      ]),
    ]),
  );
  return rows.every(({ ok }) => ok) ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(`faults: ${error.message}`);
    process.exit(1);
  },
);
