/** The order of a short-lived stack's life: made, brought up, smoke-tested, used, taken down whatever happened. */
import { setTimeout as wait } from "node:timers/promises";
import { UserError } from "../settings";

/** What such a life is made of. The real one is the engine's, in engine.ts. */
export interface Life<Running> {
  /** Makes the stack, still without resources; cleans up after itself where that fails. */
  make(): Promise<void>;
  up(stop: AbortSignal): Promise<void>;
  /** @returns whether the smoke test passed */
  smoke(stop: AbortSignal): Promise<boolean>;
  /** What the caller works with. */
  running(stop: AbortSignal): Promise<Running>;
  /** Unlocks a stack whose update was interrupted. */
  cancel(): Promise<void>;
  /** Deletes the resources. */
  down(): Promise<void>;
  /** Deletes the stack itself, and what was put beside it. */
  remove(): Promise<void>;
  /** What the stack had made and is still in the cluster. */
  left(): Promise<string[]>;
}

export interface LifeOptions {
  /** Leaves the stack there, also where something failed, so that one can look at it. */
  keep: boolean;
  /** Breaks it off. */
  stop: AbortSignal;
  /** Whether it is smoke-tested before it is used. @default true */
  smoke?: boolean;
  /** Seconds that the smoke test has to pass, from its first try on. */
  smokeWithin: number;
  /** Seconds from one try to the next. @default 15 */
  smokeEvery?: number;
  /** Told what happens, a line each. */
  tell(line: string): void;
}

/** An error's message, without where it happened. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tries the smoke test until it passes. @throws UserError when time is up */
async function smokePasses(
  { smoke }: Pick<Life<unknown>, "smoke">,
  { stop, smokeWithin, smokeEvery = 15, tell }: LifeOptions,
): Promise<void> {
  const deadline = Date.now() + smokeWithin * 1000;
  for (let attempt = 1; ; attempt++) {
    stop.throwIfAborted();
    tell(attempt === 1 ? "smoke test" : `smoke test, try ${attempt}`);
    if (await smoke(stop)) return;
    stop.throwIfAborted();
    if (Date.now() + smokeEvery * 1000 > deadline)
      throw new UserError(`the smoke test did not pass within ${smokeWithin} s`);
    await wait(smokeEvery * 1000, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Takes a stack down. @throws UserError where something of it stays */
async function end(life: Life<unknown>, tell: (line: string) => void, brokenOff: boolean): Promise<void> {
  // An interrupted update may have left its lock; without one there is nothing to unlock.
  if (brokenOff) await life.cancel().catch(() => undefined);
  tell("taking the stack down");
  await life.down();
  await life.remove();
  const left = await life.left();
  if (left.length)
    throw new UserError(`the stack is gone, but this is still in the cluster: ${left.join(", ")}`);
}

/**
 * Lives a stack's life around an action.
 *
 * @returns what the action gave
 * @throws what went wrong first; where the way down failed too, both in one message
 */
export async function liveThrough<Running, T>(
  life: Life<Running>,
  options: LifeOptions,
  action: (running: Running) => Promise<T>,
): Promise<T> {
  const { keep, stop, tell } = options;
  const begun = Date.now();
  const since = (start: number) => `${((Date.now() - start) / 1000).toFixed(0)} s`;
  stop.throwIfAborted();
  await life.make();
  const broken = new Promise<never>((_, fail) => {
    stop.addEventListener("abort", () => fail(stop.reason), { once: true });
  });
  broken.catch(() => undefined);
  let failed: { reason: unknown } | undefined;
  let given: { value: T } | undefined;
  try {
    tell("bringing the stack up");
    // Not raced against `stop`: an update ends in order, and only then can the stack be taken down.
    await life.up(stop);
    stop.throwIfAborted();
    tell(`up after ${since(begun)}`);
    if (options.smoke ?? true) {
      await smokePasses(life, options);
      tell(`the smoke test passed after ${since(begun)}`);
    }
    given = { value: await Promise.race([action(await life.running(stop)), broken]) };
  } catch (reason) {
    failed = { reason: stop.aborted ? stop.reason : reason };
    tell(`failed: ${messageOf(failed.reason)}`);
  }
  if (!keep) {
    const start = Date.now();
    try {
      await end(life, tell, stop.aborted);
      tell(`down after ${since(start)}; nothing is left`);
    } catch (reason) {
      const both = failed ? `${messageOf(failed.reason)}\nThen, on the way down: ` : "";
      throw new UserError(`${both}${messageOf(reason)}`);
    }
  }
  if (failed) throw failed.reason;
  return (given as { value: T }).value;
}
