/** One harm to one component, and the signals followed until they are whole. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { accountOf, holes, lateSince, upTo, wholeAt } from "./account";
import { type Component, type Harms, nameOf } from "./components";
import { expectationOf } from "./expectations";
import { givenUp, scrapeInterval } from "./load";
import { type Case, type Harm, judge } from "./report";
import { signalMap, type Watch } from "./watch";

/** How long a component may take until it is ready, and then until all is whole, in milliseconds. */
export const patience = 5 * 60_000;
/** How long is waited for what is missing when all else is whole, in milliseconds. */
const forStragglers = 60_000;
/** Before a harm: what was written then and is on its way is its loss, too. Milliseconds. */
const underWay = 10_000;

/** What a case needs. */
export interface Scene {
  config: KubeConfig;
  harms: Harms;
  watch: Watch;
  /** Seconds that a component is held away. */
  pause: number;
}

/** Waits until something is so, or time is up. @returns whether it is */
export async function until(milliseconds: number, is: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    if (await is()) return true;
    await wait(500);
  }
  return false;
}

/**
 * Harms a component, and sees what becomes of the signals.
 *
 * @throws where nothing is expected of the component, or the harm itself does not succeed
 */
export async function seenAfter(
  { config, harms, watch, pause }: Scene,
  component: Component,
  harm: Harm,
): Promise<Case> {
  const name = nameOf(component);
  const expected = expectationOf(name);
  if (!expected) throw new Error(`nothing is expected of ${name}`);
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
  // What is written later is the next case's; but the first item of it, or what is lost at the end would leave no hole.
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
