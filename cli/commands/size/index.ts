/** `obs size`: the capacity that a load requires, compared with a stack's settings, without a cluster. */
import { readSettings, type Settings, UserError } from "../../../settings";
import { type Capacity, capacity } from "../../../settings/capacity";
import {
  type ConfiguredSize,
  type Fit,
  fits,
  notCompared,
  sum,
  total,
  wholeStack,
} from "../../../settings/fit";
import { load as loadSettings, signalsOf, wholeLoad } from "../../../settings/load";
import { invalid, tooLargeText, tooSmallText } from "../../../settings/problem-text";
import type { Amount } from "../../../settings/sizing";
import {
  limitProblems,
  nodeShortages,
  sizingProblems,
  storageForecast,
} from "../../../settings/sizing-problems";
import { coresText, countText, dailyText, sizeText } from "../../../settings/units";
import { fileConfig } from "../../lib/stack-config";
import { plural, table } from "../../lib/text";
import { changesText, type Given, write } from "./write";

/** The settings with the options in `load`. @throws UserError with every invalid option */
export function withLoad(settings: Settings, given: Given): Settings {
  const { data, error } = loadSettings.safeParse(given);
  const wrong = error?.issues.map(({ path: [name], message }) =>
    invalid(`--${String(name)}`, given[name as keyof Given], message),
  );
  if (wrong) throw new UserError(wrong.join("\n     "));
  return { ...settings, load: { ...settings.load, ...data } };
}

const amountText = ({ cpu, memory, disk }: Amount): string =>
  [
    ...(cpu === undefined ? [] : [`${coresText(cpu)} cores`]),
    ...(memory === undefined ? [] : [sizeText(memory)]),
    ...(disk === undefined ? [] : [`${sizeText(disk)} disk`]),
  ].join(", ");

/** The resources of a component, of the kinds in its needs. */
function hasText({ needs, has }: Fit): string {
  if (!has) return "not set";
  const { replicas, maxReplicas } = has;
  const named = Object.fromEntries(
    Object.keys(needs).map((resource) => [resource, has[resource as keyof ConfiguredSize]]),
  );
  return `${maxReplicas === undefined ? replicas : `${replicas} to ${maxReplicas}`} x ${amountText(named)}`;
}

const verdictText = ({ verdict, lacks }: Fit): string =>
  lacks.length ? `${verdict}: ${lacks.join(", ")}` : verdict;

/** The load in one line. */
function loadText(settings: Settings): string {
  const load = wholeLoad(settings);
  const text = {
    metrics: `${countText(load.series)} series, ${countText(load.samples)}/s samples, ${countText(load.queries)}/s queries`,
    logs: `${dailyText(load.logs)} of logs`,
    traces: `${countText(load.spans)}/s spans`,
  };
  return signalsOf(load)
    .map((signal) => text[signal])
    .join(", ");
}

/** Sums of the sized components, and of the whole stack. */
const sums = (settings: Settings, sized: Fit[]) => ({
  needs: sum(sized.map(({ needs }) => needs)),
  has: sum(sized.flatMap(({ has }) => (has ? [total(has)] : []))),
  wholeStack: wholeStack(settings),
});

/** The components compared with the load, and the required changes. */
export function fitText(stack: string, settings: Settings): string {
  const sized = fits(settings);
  const { needs, has, wholeStack } = sums(settings, sized);
  const problems = sizingProblems(settings);
  const nodes = settings.load.nodes ?? 1;
  return [
    `${stack}: ${loadText(settings)}\n`,
    table([
      ["component", "needs", "has", "verdict"],
      ...sized.map((fit) => [fit.component, amountText(fit.needs), hasText(fit), verdictText(fit)]),
      ["sum of these", amountText(needs), amountText(has), ""],
      ["whole stack", "", amountText(wholeStack), `requested, on ${plural(nodes, "node")}`],
    ]),
    ...(problems.length
      ? ["\nToo small for the load:", ...problems.map((problem) => tooSmallText(stack, problem))]
      : [
          "\nEvery compared component is large enough for the load.",
          `Not compared, because they have no formula or --nodes is missing: ${notCompared(settings).join(", ")}.`,
        ]),
    ...nodeShortages(settings).map((text) => `\n${text}`),
    ...storageForecast(settings).map((text) => `\n${text}`),
    ...limitsText(stack, settings).map((text) => `\n${text}`),
  ].join("\n");
}

/** Limits that admit more than the memory holds. */
function limitsText(stack: string, settings: Settings): string[] {
  const problems = limitProblems(settings).map((problem) => tooLargeText(stack, problem));
  return problems.length ? [["Limits that exceed the memory:", ...problems].join("\n")] : [];
}

const headings = {
  metrics: ["metrics", "series", countText],
  logs: ["logs", "", dailyText],
  traces: ["traces", "spans/s", countText],
} as const;

/** The capacity of the settings for each signal, the bottleneck first. */
export function capacityText(stack: string, settings: Settings): string {
  const all = capacity(settings);
  const sections = Object.entries(headings).map(([signal, [title, unit, text]]) => {
    const rows = all
      .filter((one) => one.signal === signal)
      .map(({ component, by, carries }: Capacity) => [`  ${text(carries)} ${unit}`.trimEnd(), component, by]);
    return `${title}\n${table(rows)}`;
  });
  return [
    `Maximum load of ${stack} for each signal alone, from the published formulas; the first row is the bottleneck:`,
    ...sections,
    `whole stack: ${amountText(wholeStack(settings))} requested, on ${plural(settings.load.nodes ?? 1, "node")}`,
    ...limitsText(stack, settings),
  ].join("\n\n");
}

/** @returns the exit code: 1 if a component is too small for the load, else 0 */
export function size(
  stack: string,
  given: Given,
  { json, write: writes }: { json?: boolean; write?: boolean },
): number {
  const read = () => withLoad(readSettings(stack, fileConfig(stack)), given);
  const before = read();
  const load = wholeLoad(before);
  const expected = signalsOf(load).length > 0;
  if (writes && !expected)
    throw new UserError("--write needs a load: give --series, --logs or --spans, or set load");
  const changes = writes ? write(stack, before, given) : undefined;
  const settings = writes ? read() : before;
  const problems = sizingProblems(settings);
  if (json) {
    const components = fits(settings);
    const result = {
      stack,
      load,
      components,
      problems,
      limits: limitProblems(settings),
      nodes: nodeShortages(settings),
      sums: sums(settings, components),
      carries: capacity(settings),
      ...(changes && { changes }),
    };
    console.log(JSON.stringify(result, null, 2));
    return problems.length ? 1 : 0;
  }
  if (changes) console.log(`${changesText(stack, changes)}\n`);
  console.log(expected ? fitText(stack, settings) : capacityText(stack, settings));
  return problems.length ? 1 : 0;
}
