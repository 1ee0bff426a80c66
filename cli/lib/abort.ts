/** Commands that clean up when they are broken off. */
import { UserError } from "../../settings";

/** Runs an action that Ctrl-C breaks off instead of ending this process, so that it can clean up; a second one ends it. */
export async function withAbort<T>(what: string, action: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const stop = () => control.abort(new UserError(`${what} was broken off`));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    return await action(control.signal);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
