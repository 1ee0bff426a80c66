/** `obs policies`: checks a stack, and the objects of its charts, against the rules in `policies/`. */
import { check, type Finding, violations } from "../../../policies/check";
import { nameOf, type Subject, type Tree } from "../../../policies/rule";
import { rules } from "../../../policies/rules";
import { flattened, renderedSubject, subjectOf } from "../../../policies/subjects";
import { readSettings } from "../../../settings";
import { packConfig } from "../../lib/policy-pack";
import { type Recorded, type Recording, recordProgram } from "../../lib/record";
import { failureOf, type ReleaseInputs, releaseObjects, releasesOf } from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";
import { grouped, plural, table } from "../../lib/text";

/** The resources and outputs of the program itself. */
export function ownSubjects({ resources, outputs }: Recording): Subject[] {
  const own = resources.flatMap(
    ({ type, name, inputs, options }: Recorded) =>
      subjectOf({ type, name, inputs, protect: options.protect }) ?? [],
  );
  const entries = Object.entries(outputs);
  const stack: Subject = {
    kind: "Stack",
    name: "outputs",
    object: Object.fromEntries(entries.map(([output, { value }]) => [output, value])),
    secretOutputs: entries.filter(([, { secret }]) => secret).map(([output]) => output),
  };
  return [...own, stack];
}

/** The objects of a release. */
export async function renderedSubjects(release: ReleaseInputs): Promise<Subject[]> {
  const objects = await releaseObjects(release);
  return objects
    .flatMap((object) => flattened(object))
    .map((object: Tree) => renderedSubject(object, release.name, release.namespace));
}

type Verdict = Awaited<ReturnType<typeof judge>>;

/** The findings of a stack. */
export async function judge(stack: string) {
  const values = fileConfig(stack);
  const { environment, images, namespaces } = readSettings(stack, values);
  const config = packConfig(stack);
  const recording = await recordProgram(stack, values);
  const rendered = await Promise.all(
    releasesOf(recording.resources).map((release) =>
      renderedSubjects(release).catch((error) => `${release.name}: ${failureOf(error)}`),
    ),
  );
  const subjects = [
    ...ownSubjects(recording),
    ...rendered.filter((result) => typeof result !== "string").flat(),
  ];
  return {
    environment,
    subjects: subjects.length,
    findings: check(subjects, { environment, mirror: images.registry, prefix: namespaces.prefix, config }),
    /** A line for each release that could not be rendered. */
    skipped: rendered.filter((result) => typeof result === "string"),
  };
}

/** A finding as `--json` prints it. */
const asJson = ({ rule, level, subject, message, allowed }: Finding) => {
  const { kind, name, namespace, release } = subject;
  return { rule, level, kind, name, namespace, release, message, allowed };
};

/** Violations and exceptions of each rule. */
const summary = (findings: Finding[]): string[][] =>
  [...grouped(findings, ({ rule }) => rule)].map(([rule, found]) => {
    const allowed = found.filter(({ allowed }) => allowed !== undefined).length;
    return [rule, found[0].level, String(found.length - allowed), String(allowed)];
  });

/** A table of rules, each finding, and the exceptions with their reasons. */
export function verdictText(stack: string, { subjects, findings, skipped }: Verdict): string {
  const open = findings.filter(({ allowed }) => allowed === undefined);
  const excepted = findings.filter(({ allowed }) => allowed !== undefined);
  const reasons = grouped(excepted, ({ rule, allowed }) => `${rule}: ${allowed}`);
  const found = open.map(({ rule, level, subject, message }) => {
    const place = `${nameOf(subject)}${subject.release === undefined ? "" : ` (release ${subject.release})`}`;
    return `${level}  ${rule}  ${place}\n  ${message}`;
  });
  const exceptions = [...reasons].map(
    ([reason, all]) => `${[...new Set(all.map(({ subject }) => nameOf(subject)))].join(", ")}\n  ${reason}`,
  );
  const mandatory = violations(findings).length;
  return [
    ...(findings.length ? [table([["RULE", "LEVEL", "FOUND", "EXCEPTED"], ...summary(findings)])] : []),
    ...(found.length ? [found.join("\n")] : []),
    ...(exceptions.length ? [`Exceptions (policies/exceptions.ts)\n\n${exceptions.join("\n")}`] : []),
    ...skipped.map((line) => `not checked: ${line}`),
    `${stack}: ${plural(rules.length, "rule")} over ${plural(subjects, "object")}: ` +
      `${plural(mandatory, "violation")}, ${open.length - mandatory} advisory, ${excepted.length} excepted`,
  ].join("\n\n");
}

/** 2 for a mandatory violation, 1 for a release that could not be checked, else 0. */
export const exitCode = ({ findings, skipped }: Verdict): number =>
  violations(findings).length ? 2 : skipped.length ? 1 : 0;

/** `obs policies`. @returns the exit code */
export async function policies(stack: string, { json }: { json?: boolean }): Promise<number> {
  const verdict = await judge(stack);
  const { environment, subjects, findings, skipped } = verdict;
  console.log(
    json
      ? JSON.stringify({ stack, environment, subjects, findings: findings.map(asJson), skipped }, null, 2)
      : verdictText(stack, verdict),
  );
  return exitCode(verdict);
}
