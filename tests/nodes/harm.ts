/** How each event is brought about, and how its end is reached. */
import { spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import type { Period } from "./account";
import type { Cluster } from "./cluster";
import type { CommandName, Commands, Event } from "./plan";

/** Seconds after a drain in which the upgrade of its node would happen. */
const upgrade = 60;
/** Replicas that ingesters are scaled to and back. */
const replicas = [5, 3];

/** A command with its placeholders replaced. */
export const filled = (command: string, words: Record<string, string>): string =>
  command.replace(/\{(node|store|replicas)\}/g, (all, word: string) => words[word] ?? all);

/** Runs a command in a shell; its output goes to stderr. @throws where it fails */
export const shell = (command: string): Promise<void> =>
  new Promise((done, fail) => {
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", 2, 2] });
    child.on("error", fail);
    child.on("close", (code) =>
      code === 0 ? done() : fail(new Error(`"${command}" ended with exit code ${code}`)),
    );
  });

export class Harm {
  /** Commands that put back nodes that are off or cut. */
  private readonly undo = new Map<string, CommandName>();

  constructor(
    private readonly cluster: Cluster,
    private readonly commands: Commands,
    /** Seconds. */
    private readonly off: number,
    private readonly patience: number,
  ) {}

  private run(name: CommandName, words: Record<string, string>): Promise<void> {
    const command = this.commands[name];
    if (!command) throw new Error(`--${name} is not given`);
    return shell(filled(command, words));
  }

  /** Takes nodes away while something happens. @returns when each was away, until it was ready again */
  private async without(
    nodes: string[],
    [away, back]: [CommandName, CommandName],
    meanwhile: () => Promise<void>,
  ): Promise<Period["lost"]> {
    const from = Date.now();
    try {
      for (const node of nodes) {
        this.undo.set(node, back);
        await this.run(away, { node });
      }
      await meanwhile();
    } finally {
      await this.putBack();
    }
    await this.cluster.nodesReady(nodes, this.patience);
    const to = Date.now();
    return nodes.map((node) => ({ node, from, to }));
  }

  /** Restores power, network and scheduling. */
  async putBack(): Promise<void> {
    for (const [node, back] of [...this.undo]) {
      await this.run(back, { node });
      this.undo.delete(node);
    }
    await this.cluster.uncordonAll();
  }

  /** Brings an event about, and waits for its end. @returns nodes that were away, and what else was seen */
  async cause({ kind, nodes, store = "" }: Event): Promise<{ lost: Period["lost"]; notes: string[] }> {
    const pause = () => wait(this.off * 1000);
    const power: [CommandName, CommandName] = ["node-down", "node-up"];
    const none: Period["lost"] = [];
    switch (kind) {
      case "power":
      case "zone":
      case "all":
        return { lost: await this.without(nodes, power, pause), notes: [] };
      case "cut":
        return { lost: await this.without(nodes, ["node-cut", "node-heal"], pause), notes: [] };
      case "up-during-loss":
        return { lost: await this.without(nodes, power, () => this.run("up", {})), notes: [] };
      case "up":
        await this.run("up", {});
        return { lost: none, notes: [] };
      case "drain": {
        const { seconds, refused } = await this.cluster.drain(nodes[0] ?? "", this.patience, upgrade);
        return {
          lost: none,
          notes: [`drained in ${seconds.toFixed(0)} s, ${refused} evictions refused at first`],
        };
      }
      case "restart":
        await this.cluster.restartAll();
        return { lost: none, notes: [] };
      case "scale":
        for (const count of replicas) await this.run("scale", { store, replicas: String(count) });
        return { lost: none, notes: [] };
      case "minio-volume":
        await this.cluster.loseMinioVolume(0);
        return { lost: none, notes: [] };
    }
  }
}
