import * as pulumi from "@pulumi/pulumi";

/**
 * Does some work with the program held open. Connections to MinIO do not keep Node running, so that the program ends
 * with its work; but a program that waits for nothing else would end too early, and Pulumi would take everything that
 * it has not registered yet for removed.
 */
export async function held<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  try {
    return await work();
  } catch (error) {
    // Thrown outside the promise: once a resource is registered, Pulumi's Node.js host waits forever for a program
    // whose promise is rejected.
    if (!pulumi.runtime.hasEngine()) throw error;
    setImmediate(() => {
      throw error;
    });
    return new Promise<T>(() => undefined);
  } finally {
    clearInterval(timer);
  }
}
