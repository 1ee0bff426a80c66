/** The lifecycle of an ephemeral stack: create, deploy, smoke-test, use, and always delete. */
import { setTimeout as wait } from "node:timers/promises";
import { UserError } from "../settings";

/** The steps of the lifecycle. ephemeral.ts implements them with the engine. */
export interface Life<Running> {
  /** Creates the stack without resources; cleans up after a failure. */
  make(): Promise<void>;
  up(stop: AbortSignal): Promise<void>;
  /** @returns whether the smoke test passed */
  smoke(stop: AbortSignal): Promise<boolean>;
  /** The input of the action. */
  running(stop: AbortSignal): Promise<Running>;
  /** Unlocks a stack whose update was interrupted. */
  cancel(): Promise<void>;
  /** Deletes the resources. */
  down(): Promise<void>;
  /** Deletes the stack itself, and its files. */
  remove(): Promise<void>;
  /** Objects of the stack that are still in the cluster. */
  left(): Promise<string[]>;
}

export interface LifeOptions {
  /** Keeps the stack, even after a failure, for inspection. */
  keep: boolean;
  /** Interrupts the lifecycle. */
  stop: AbortSignal;
  /** Whether it is smoke-tested before it is used. @default true */
  smoke?: boolean;
  /** Timeout of the smoke test, including retries, in seconds. */
  smokeWithin: number;
  /** Seconds between attempts. @default 15 */
  smokeEvery?: number;
  /** Receives progress, a line at a time. */
  tell(line: string): void;
}

/** An error's message, without the stack trace. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Retries the smoke test until it passes. @throws UserError on a timeout */
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

/** Deletes a stack. @throws UserError if some of it remains */
async function end(life: Life<unknown>, tell: (line: string) => void, brokenOff: boolean): Promise<void> {
  // An interrupted update may have left its lock; without one there is nothing to unlock.
  if (brokenOff) await life.cancel().catch(() => undefined);
  tell("deleting the stack");
  await life.down();
  await life.remove();
  const left = await life.left();
  if (left.length)
    throw new UserError(
      `the stack is deleted, but these objects are still in the cluster: ${left.join(", ")}`,
    );
}

/**
 * Runs a stack's lifecycle around an action.
 *
 * @returns the action's result
 * @throws the first error; if the deletion failed too, both in one message
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
    tell("creating the stack");
    // Not raced against `stop`: an update ends in order, and only then can the stack be deleted.
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
      tell(`deleted after ${since(start)}; nothing remains`);
    } catch (reason) {
      const both = failed ? `${messageOf(failed.reason)}\nThe deletion failed as well: ` : "";
      throw new UserError(`${both}${messageOf(reason)}`);
    }
  }
  if (failed) throw failed.reason;
  return (given as { value: T }).value;
}
