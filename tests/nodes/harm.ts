/** Causes each event, and ends it. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { namespaces } from "../support/names";
import type { Period } from "./account";
import type { Cluster } from "./cluster";
import type { CommandName, Commands, Event } from "./plan";

/** Seconds after a drain, in place of the upgrade of its node. */
const upgrade = 60;
/** Replicas that ingesters are scaled to, and back to. */
const replicas = { more: 5, usual: 3 };

/** A command with its placeholders replaced. */
export const filled = (command: string, words: Record<string, string>): string =>
  command.replace(/\{(node|store|replicas)\}/g, (all, word: string) => words[word] ?? all);

/** Time for a command to exit after an interruption, before it is killed; milliseconds. */
const ending = 60_000;
/** Running commands, each with its own process group. */
const running = new Set<ChildProcess>();

const signal = ({ pid }: ChildProcess, name: NodeJS.Signals) => {
  try {
    if (pid) process.kill(-pid, name);
  } catch {
    // It has exited.
  }
};

/** Interrupts all running commands, as Ctrl-C does. */
export const interruptCommands = (): void => {
  for (const child of running) signal(child, "SIGINT");
};

/**
 * Runs a command in a shell; its output goes to stderr.
 *
 * @param seconds timeout after which the command and its child processes are interrupted, and killed if they do not
 * exit
 * @throws if it fails or times out
 */
export const shell = (command: string, seconds: number): Promise<void> =>
  new Promise((done, fail) => {
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", 2, 2], detached: true });
    running.add(child);
    let late: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      signal(child, "SIGINT");
      late = setTimeout(() => signal(child, "SIGKILL"), ending);
    }, seconds * 1000);
    child.on("error", fail);
    child.on("close", (code) => {
      running.delete(child);
      clearTimeout(timer);
      clearTimeout(late);
      if (late) fail(new Error(`"${command}" was interrupted after ${seconds} s`));
      else if (code === 0) done();
      else fail(new Error(`"${command}" ended with exit code ${code}`));
    });
  });

export class Harm {
  /** Commands that restore nodes that are off or cut. */
  private readonly undo = new Map<string, CommandName>();
  /** Nodes that the event disconnects or stops. */
  private lost: Period["lost"] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly commands: Commands,
    /** Durations in seconds: without power, network or Loki, until a node is ready or drained, and of a command. */
    private readonly seconds: { off: number; patience: number; limit: number },
  ) {}

  private async run(name: CommandName, words: Record<string, string>): Promise<void> {
    const command = this.commands[name];
    if (!command) throw new Error(`--${name} is not given`);
    await shell(filled(command, words), this.seconds.limit);
  }

  /** Stops nodes during an action, and waits until they are ready again. */
  private async without(
    nodes: string[],
    [away, back]: [CommandName, CommandName],
    meanwhile: () => Promise<void>,
  ): Promise<void> {
    const from = Date.now();
    this.lost = nodes.map((node) => ({ node, from, to: Infinity }));
    try {
      for (const node of nodes) {
        this.undo.set(node, back);
        await this.run(away, { node });
      }
      await meanwhile();
    } finally {
      await this.putBack();
    }
    await this.cluster.nodesReady(nodes, this.seconds.patience);
    this.lost = nodes.map((node) => ({ node, from, to: Date.now() }));
  }

  /** Restores power, network, scheduling and Loki. */
  async putBack(): Promise<void> {
    for (const [node, back] of [...this.undo]) {
      await this.run(back, { node });
      this.undo.delete(node);
    }
    await this.cluster.putBack();
  }

  /**
   * Causes an event, and waits for its end.
   *
   * @returns lost nodes, notes, and why the event did not go as planned
   */
  async cause(event: Event): Promise<{ lost: Period["lost"]; notes: string[]; failed?: string }> {
    this.lost = [];
    const seen = await this.bring(event).then(
      (notes) => ({ notes }),
      (error: Error) => ({ notes: [], failed: error.message }),
    );
    const to = Date.now();
    return { ...seen, lost: this.lost.map((one) => ({ ...one, to: Math.min(one.to, to) })) };
  }

  /** @returns notes */
  private async bring({ kind, nodes, store = "" }: Event): Promise<string[]> {
    const pause = () => wait(this.seconds.off * 1000);
    const power: [CommandName, CommandName] = ["node-down", "node-up"];
    switch (kind) {
      case "power":
      case "zone":
      case "all":
        await this.without(nodes, power, pause);
        return [];
      case "cut":
        await this.without(nodes, ["node-cut", "node-heal"], pause);
        return [];
      case "up-during-loss": {
        const update = this.run("up", {});
        // An update is rejected if a node is lost before it.
        await Promise.race([update, pause()]);
        const [updated, lost] = await Promise.allSettled([update, this.without(nodes, power, pause)]);
        if (lost.status === "rejected") throw lost.reason;
        if (updated.status === "fulfilled") return [];
        await this.run("up", {});
        return [
          `the update failed (${updated.reason.message}), and succeeded when it was repeated with the node`,
        ];
      }
      case "up":
        await this.run("up", {});
        return [];
      case "drain": {
        const { seconds, refused } = await this.cluster.drain(nodes[0] ?? "", this.seconds.patience, upgrade);
        return [`drained in ${seconds.toFixed(0)} s, ${refused} evictions refused at first`];
      }
      case "restart":
        return [`rollouts: ${(await this.cluster.restart(this.seconds.patience)).join(", ")}`];
      case "scale":
        try {
          await this.run("scale", { store, replicas: String(replicas.more) });
        } finally {
          await this.run("scale", { store, replicas: String(replicas.usual) });
        }
        return [];
      case "minio-volume":
        await this.cluster.loseMinioVolume(0);
        return [];
      case "loki-outage": {
        await wait(2 * this.seconds.off * 1000);
        await this.cluster.stopLoki(this.seconds.off);
        const rollout = await this.cluster.restart(
          this.seconds.patience,
          ({ kind, namespace }) => kind === "DaemonSet" && namespace === namespaces.alloyLogs,
        );
        return [`rollout: ${rollout.join(", ")}`];
      }
    }
  }
}
