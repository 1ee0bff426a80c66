/** Real servers for tests: on separate loopback ports, and stopped by the test process. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** The ports that were returned before: each belongs to a server that may not have started yet. */
const taken = new Set<number>();

/**
 * A loopback port without a listener, below the range that the kernel uses for outgoing connections: it stays free
 * until a server starts. It never returns a port twice.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(15_000, 30_000);
  if (taken.has(port)) return freePort();
  taken.add(port);
  const server = createServer();
  const free = await new Promise<boolean>((done) =>
    server.once("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)),
  );
  if (!free) return freePort();
  await new Promise((done) => server.close(done));
  return port;
}

export interface ServerOptions {
  /** Environment, in addition to this process' own. */
  environment?: Record<string, string>;
  /** Working directory. */
  folder?: string;
  /** Whether it is ready; a rejection means not yet. */
  ready: () => Promise<boolean>;
  /** Timeout in seconds. @default 120 */
  seconds?: number;
}

/** A running program. */
export class Server {
  /** All of its output on stdout and stderr. */
  log = "";

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.log += text;
      });
    // Interrupted tests leave no server running, either.
    process.once("exit", this.kill);
  }

  private readonly kill = () => {
    this.child.kill("SIGKILL");
  };

  /**
   * Starts a program and waits until it is ready.
   *
   * @throws with the end of its log if it exits or is not ready in time; it is not running then
   */
  static async start(program: string, args: string[], options: ServerOptions): Promise<Server> {
    const child = spawn(program, args, {
      cwd: options.folder,
      env: { ...process.env, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const server = new Server(child);
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    const closed = new Promise((done) => child.once("close", done));
    const deadline = Date.now() + (options.seconds ?? 120) * 1000;
    while (!(await options.ready().catch(() => false))) {
      const ended = failure?.message ?? (child.exitCode === null ? undefined : `exit code ${child.exitCode}`);
      if (ended === undefined && Date.now() < deadline) {
        await wait(100);
        continue;
      }
      await server.stop();
      // The program has exited, but the end of its output may still be in the pipe. A child process can keep the pipe open.
      await Promise.race([closed, wait(1000)]);
      throw new Error(`${program}: ${ended ?? "not ready in time"}\n${server.log.slice(-8000)}`);
    }
    return server;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Stops it, and waits until it has exited. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const { child } = this;
    process.off("exit", this.kill);
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(late);
  }
}
