/** `obs doctor`: reads the cluster and says what is wrong and what to do, worst first. */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Settings } from "../../../settings";
import { renamed } from "../../../values/renamed";
import { connect } from "../../lib/cluster";
import { type Check, type Context, type Finding, layers, severities } from "./check";
import { clusterState } from "./cluster-state";
import { sharing } from "./connections";

/** Checks, by file, of what an agent does not have: stores, Grafana, Prometheus. The doctor of its hub runs them. */
export const ofHub = [
  ...["backups", "buckets", "coverage", "datasources", "enforcement", "forecast", "gateways", "ingestion"],
  ...["limits", "minio", "ready", "rings", "rules", "targets"],
];

/** All checks of a stack: one for each file in `checks/`. */
export const checks = (settings?: Settings): Check[] =>
  readdirSync(join(__dirname, "checks"))
    .filter((file) => file.endsWith(".ts") && !(settings?.hub && ofHub.includes(basename(file, ".ts"))))
    .sort()
    .map((file) => require(join(__dirname, "checks", basename(file, ".ts"))).check as Check);

/** How long a check may take, in seconds: a busy cluster needs several times the 20 s of a calm one. */
export const checkWithin = 120;

/** What came of one check. */
export interface Result {
  check: string;
  seconds: number;
  findings: Finding[];
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Runs checks side by side; what cannot be looked at is a finding, too. */
export async function runChecks(
  all: Check[],
  context: Context,
  tell: (result: Result) => void,
  limit = checkWithin,
): Promise<Result[]> {
  return Promise.all(
    all.map(async ({ name, look }) => {
      const start = Date.now();
      const findings = await within(limit, look(context)).catch((error: Error): Finding[] => [
        {
          severity: "warning",
          layer: "signals",
          what: `${name} could not be looked at`,
          evidence: error.message,
          fix: "mend what comes before it in this list, then run the doctor again",
          page: "docs/operations/runbook.md",
        },
      ]);
      const result = { check: name, seconds: (Date.now() - start) / 1000, findings };
      tell(result);
      return result;
    }),
  );
}

/** Findings of all checks, worst first, and among those of one severity causes before symptoms. */
export const ranked = (results: Result[]): Finding[] =>
  results
    .flatMap(({ findings }) => findings)
    .sort(
      (a, b) =>
        severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
        layers.indexOf(a.layer) - layers.indexOf(b.layer),
    );

/** What the doctor found. */
export interface Diagnosis {
  healthy: boolean;
  findings: Finding[];
  results: Result[];
  seconds: number;
}

/** Looks at a stack with all checks, or with those that are given. @param limit seconds that each may take */
export async function examine(
  { stack, settings, config, probe }: Omit<Context, "cluster">,
  tell: (result: Result) => void = () => undefined,
  all = checks(settings),
  limit = checkWithin,
): Promise<Diagnosis> {
  const start = Date.now();
  const results = await runChecks(
    all,
    { stack, settings, config, probe, cluster: clusterState(sharing(config), settings) },
    tell,
    limit,
  );
  const findings = renamed(settings, ranked(results));
  const healthy = findings.every(({ severity }) => severity === "note");
  return { healthy, findings, results, seconds: (Date.now() - start) / 1000 };
}

/** @returns the exit code: 0 where nothing is critical and nothing a warning, else 2 */
export async function doctor(
  stack: string,
  { json, probe = true }: { json?: boolean; probe?: boolean },
): Promise<number> {
  const { settings, config } = await connect(stack);
  const all = checks(settings);
  if (settings.hub)
    console.error(`obs: skipped, because stack ${stack} sends to ${settings.hub.stack}: ${ofHub.join(", ")}`);
  let done = 0;
  const show = !json && process.stderr.isTTY;
  const { healthy, findings, results, seconds } = await examine(
    { stack, settings, config, probe },
    ({ check }) => {
      done++;
      if (show) process.stderr.write(`\r\x1b[K${done} of ${all.length}: ${check}`);
    },
    all,
  );
  if (show) process.stderr.write("\r\x1b[K");
  if (json) {
    console.log(JSON.stringify({ stack, healthy, seconds, findings, checks: results }, null, 2));
    return healthy ? 0 : 2;
  }
  for (const [index, { severity, what, evidence, fix, page }] of findings.entries())
    console.log(
      `${index + 1}. ${severity}: ${what}\n     seen: ${evidence}\n     do:   ${fix}\n     more: ${page}\n`,
    );
  console.log(
    `${healthy ? "The stack is healthy: " : ""}${all.length} checks, ${findings.length || "no"} finding${findings.length === 1 ? "" : "s"}, ${seconds.toFixed(1)} s`,
  );
  return healthy ? 0 : 2;
}
