/** Clean-up of aborted commands. */
import { UserError } from "../../settings";

/** Runs an action that Ctrl-C aborts, so that it can clean up; a second Ctrl-C ends the process. */
export async function withAbort<T>(what: string, action: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const stop = () => control.abort(new UserError(`${what} was aborted`));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    return await action(control.signal);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
