/** Injects one fault into one component, and follows the signals until the full recovery. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { accountOf, holes, lateSince, upTo, wholeAt } from "./account";
import { type Component, type Harms, nameOf } from "./components";
import { expectationOf } from "./expectations";
import { givenUp, scrapeInterval } from "./load";
import { type Case, type Harm, judge } from "./report";
import { signalMap, type Watch } from "./watch";

/** Timeout for the component's readiness, and then for the full recovery, in milliseconds. */
export const patience = 5 * 60_000;
/** Timeout for missing items after everything else has recovered, in milliseconds. */
const forStragglers = 60_000;
/** Items written shortly before a fault are still in transit, so their loss counts as well. Milliseconds. */
const underWay = 10_000;

/** Input of a case. */
export interface Scene {
  config: KubeConfig;
  harms: Harms;
  watch: Watch;
  /** Duration of a pause in seconds. */
  pause: number;
}

/** Waits for a condition or a timeout. @returns whether the condition is true */
export async function until(milliseconds: number, is: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    if (await is()) return true;
    await wait(500);
  }
  return false;
}

/**
 * Injects a fault into a component, and observes the signals.
 *
 * @throws if there is no expectation for the component, or the fault itself fails
 */
export async function seenAfter(
  { config, harms, watch, pause }: Scene,
  component: Component,
  harm: Harm,
): Promise<Case> {
  const name = nameOf(component);
  const expected = expectationOf(name);
  if (!expected) throw new Error(`expectations.ts has no entry for ${name}`);
  const at = Date.now();
  const killed = harm === "kill" ? await harms.kill(component) : undefined;
  if (harm === "pause") await harms.pause(component, pause);
  const ended = Date.now();
  const isReady = await until(patience, () => harms.isWhole(component, killed));
  const ready = Date.now();
  let whole: number | undefined;
  if (isReady)
    await until(patience, () => {
      whole = wholeAt(ready, watch.looksSince(at));
      return whole !== undefined;
    });
  // Later items belong to the next case, except the first one: without it, a loss at the end would leave no gap.
  const end = whole ?? Date.now();
  const items = () => signalMap((signal) => upTo(end, watch.itemsSince(signal, at - underWay)));
  const settled = () => {
    const { lines, traces } = items();
    const bounded = Object.values(items()).every((all) => all.some(({ written }) => written > end));
    return bounded && !holes(lines).length && !holes(traces).length;
  };
  await until(forStragglers, settled);
  const found = items();
  const looks = watch.looksSince(at);
  const numbers = found.traces.map(({ number }) => number);
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
  const gaveUp = (await givenUp(config)).filter((number) => number > first && number < last);
  const seen = {
    ...{ component: name, harm, at: new Date(at).toISOString(), held: (ended - at) / 1000 },
    left: harm === "kill" ? component.replicas - 1 : 0,
    ...(isReady && { ready: (ready - ended) / 1000 }),
    ...(whole && { whole: (Math.max(whole, lateSince(found, whole)) - ended) / 1000 }),
    signals: signalMap((signal) =>
      accountOf(
        signal,
        found[signal],
        looks[signal],
        scrapeInterval,
        signal === "traces" ? gaveUp : undefined,
      ),
    ),
  };
  return { ...seen, failures: judge(expected, seen, scrapeInterval) };
}
