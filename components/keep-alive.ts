import * as pulumi from "@pulumi/pulumi";

/**
 * Runs asynchronous work and keeps the program alive until it ends. Connections to MinIO do not keep Node.js running,
 * so that they do not delay the end of the program. But a program that waits for nothing else would end too early, and
 * Pulumi would delete every resource that it has not registered yet.
 */
export async function keepAlive<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  try {
    return await work();
  } catch (error) {
    // Thrown outside the promise: after a resource is registered, Pulumi's Node.js host waits forever for a program
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
