/** Waiting with a limit. */
import { setTimeout as wait } from "node:timers/promises";

/**
 * Calls a function every second until it returns something other than undefined, false or an empty list.
 *
 * @param seconds the timeout
 * @param what it waits for, for the error
 * @param stop ends it early
 * @throws the last error, or that nothing was returned
 */
export async function until<T>(
  seconds: number,
  what: string,
  answer: () => Promise<T | undefined | false>,
  stop?: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    stop?.throwIfAborted();
    const found = await answer().catch((error: Error) => error);
    const missing = found === undefined || found === false || (Array.isArray(found) && !found.length);
    if (!missing && !(found instanceof Error)) return found;
    if (Date.now() > deadline)
      throw found instanceof Error ? found : new Error(`no ${what} after ${seconds} s`);
    await wait(1000);
  }
}

/** The result of some work. @throws if it takes longer */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no response within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
