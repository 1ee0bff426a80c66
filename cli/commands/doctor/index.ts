/** `obs doctor`: reads the cluster and reports problems with their fixes, worst first. */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Settings } from "../../../settings";
import { renamed } from "../../../values/renamed";
import { connect } from "../../lib/cluster";
import { within } from "../../lib/poll";
import { root } from "../../lib/stack-config";
import { plural } from "../../lib/text";
import { type Check, type Context, type Finding, findingIn, layers, severities } from "./check";
import { clusterState } from "./cluster-state";

/** Checks, by file, of stores, Grafana and Prometheus, which an agent does not have. The doctor of its hub runs them. */
export const ofHub = [
  ...["agents", "alerts", "buckets", "coverage"],
  ...["enforcement", "forecast", "gateways", "rings", "thresholds"],
];

/** All checks of a stack: one for each file in `checks/`. */
export const checks = (settings?: Settings): Check[] =>
  readdirSync(join(root, "cli", "commands", "doctor", "checks"))
    .filter((file) => file.endsWith(".ts") && !(settings?.hub && ofHub.includes(basename(file, ".ts"))))
    .sort()
    .map((file) => require(`./checks/${file}`).check as Check);

/** Timeout of a check, in seconds: a busy cluster needs several times the 20 s of a calm one. */
export const checkWithin = 120;

/** The findings of one check. */
export interface Result {
  check: string;
  seconds: number;
  findings: Finding[];
}

/** Findings of all checks, worst first, and causes before symptoms of the same severity. */
export const ranked = (results: Result[]): Finding[] =>
  results
    .flatMap(({ findings }) => findings)
    .sort(
      (a, b) =>
        severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
        layers.indexOf(a.layer) - layers.indexOf(b.layer),
    );

/** A fix whose commands name the stack: without a name, they change the stack dev or the selected one. */
export const forStack = (stack: string, fix: string): string =>
  fix
    .replace(/\.\/obs (up|refresh|diff|size|upgrade --check)(?! for )\b/g, (command, _, at: number) =>
      fix.startsWith(` ${stack}`, at + command.length) ? command : `${command} ${stack}`,
    )
    .replaceAll("pulumi config set --path", `pulumi config set --stack ${stack} --path`);

/** Runs all checks of a stack, or those that are given; one that fails is a finding, too. @param limit seconds of each */
export async function examine(
  given: Omit<Context, "cluster">,
  tell: (result: Result) => void = () => undefined,
  all = checks(given.settings),
  limit = checkWithin,
) {
  const secondsSince = (start: number) => (Date.now() - start) / 1000;
  const start = Date.now();
  const context = { ...given, cluster: clusterState(given.config, given.settings) };
  const results = await Promise.all(
    all.map(async ({ name, look }): Promise<Result> => {
      const begun = Date.now();
      const findings = await within(limit, look(context)).catch(({ message }: Error) => [
        findingIn("signals").warning(
          `the check of ${name} failed`,
          message,
          "fix the findings above, then run the doctor again",
        ),
      ]);
      const result = { check: name, seconds: secondsSince(begun), findings };
      tell(result);
      return result;
    }),
  );
  const findings = renamed(given.settings, ranked(results)).map((one) => ({
    ...one,
    fix: forStack(given.stack, one.fix),
  }));
  const healthy = findings.every(({ severity }) => severity === "note");
  return { healthy, findings, results, seconds: secondsSince(start) };
}

/** The result of a run. */
export type Diagnosis = Awaited<ReturnType<typeof examine>>;

/** @returns the exit code: 0 without critical findings and warnings, else 2 */
export async function doctor(
  stack: string,
  { json, probe = true }: { json?: boolean; probe?: boolean },
): Promise<number> {
  const { settings, config } = await connect(stack);
  const all = checks(settings);
  if (settings.hub)
    console.error(`obs: skipped, because stack ${stack} sends to ${settings.hub.stack}: ${ofHub.join(", ")}`);
  let done = 0;
  const progress = (text: string) => !json && process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
  const { healthy, findings, results, seconds } = await examine(
    { stack, settings, config, probe },
    ({ check }) => progress(`${++done} of ${all.length}: ${check}`),
    all,
  );
  progress("");
  if (json) console.log(JSON.stringify({ stack, healthy, seconds, findings, checks: results }, null, 2));
  else {
    for (const [index, { severity, what, evidence, fix, page }] of findings.entries())
      console.log(
        `${index + 1}. ${severity}: ${what}\n     evidence: ${evidence}\n     fix:      ${fix}\n     docs:     ${page}\n`,
      );
    const summary = `${all.length} checks, ${plural(findings.length, "finding")}, ${seconds.toFixed(1)} s`;
    console.log(healthy ? `The stack is healthy: ${summary}` : summary);
  }
  return healthy ? 0 : 2;
}
