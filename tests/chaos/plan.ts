/** Which components are harmed how, from the variables of the environment. Pure. */
import { type Component, nameOf } from "./components";
import { expectationOf } from "./expectations";
import type { Case, Harm } from "./report";

/** What a run is asked for. */
export interface Asked {
  /** `OBS_CHAOS_ONLY`: parts of names of components, by commas. @default all */
  only: string[];
  /** `OBS_CHAOS_HARMS`: `kill`, `pause` or both. @default both */
  harms: Harm[];
  /** `OBS_CHAOS_PAUSE`: seconds that a component is held away. @default 45 */
  pause: number;
  /** `OBS_CHAOS_FOR`: seconds after which no further harm is begun. @default no limit */
  budget: number;
  /** `OBS_CHAOS_REPORT`: the file with what was seen; cases that it has are not repeated. @default none */
  report?: string;
}

/** @throws Error naming the variable that says what is not allowed */
export function readAsked(environment: Record<string, string | undefined>): Asked {
  const list = (name: string) => (environment[name] ?? "").split(",").filter(Boolean);
  const seconds = (name: string, otherwise: number, most: number) => {
    const value = Number(environment[name] ?? otherwise);
    if (!(value >= 1 && value <= most) && value !== otherwise)
      throw new Error(`${name} is "${environment[name]}"; allowed are seconds from 1 to ${most}`);
    return value;
  };
  const harms = list("OBS_CHAOS_HARMS");
  const wrong = harms.find((harm) => harm !== "kill" && harm !== "pause");
  if (wrong) throw new Error(`OBS_CHAOS_HARMS names "${wrong}"; allowed are kill and pause`);
  const report = environment["OBS_CHAOS_REPORT"];
  return {
    only: list("OBS_CHAOS_ONLY"),
    harms: harms.length ? (harms as Harm[]) : ["kill", "pause"],
    // Longer than what a sender tries would be a loss by the sender: a minute, see traces.js.
    pause: seconds("OBS_CHAOS_PAUSE", 45, 600),
    budget: seconds("OBS_CHAOS_FOR", Infinity, 86_400),
    ...(report && { report }),
  };
}

/** The harms of a run, in the order in which they are done. Those that a report has are left out. */
export function planned(
  components: Component[],
  { only, harms }: Asked,
  done: Case[],
): { component: Component; harm: Harm }[] {
  const chosen = components.filter(
    (component) => !only.length || only.some((part) => nameOf(component).includes(part)),
  );
  return harms
    .flatMap((harm) => chosen.map((component) => ({ component, harm })))
    .filter(({ component, harm }) => harm === "kill" || expectationOf(nameOf(component))?.carries)
    .filter(
      ({ component, harm }) => !done.some((one) => one.component === nameOf(component) && one.harm === harm),
    );
}
