/** Reads the records of the writers from their pods while they respond. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { isReady } from "../../cli/lib/objects";
import { type Load, recordOf } from "../chaos/load";
import { emptyRecord, readRecord, type Record as Written } from "../chaos/record";

/** Interval of reads, in milliseconds. */
const period = 3000;

/** One writer. */
interface Writer {
  pod: string;
  /** Number of bytes read. */
  read: number;
  /** The beginning of an incomplete line. */
  rest: string;
  record: Written;
  /** Time of the last response, in milliseconds since 1970. */
  heard: number;
}

export class Writers {
  /** By node. */
  private readonly writers = new Map<string, Writer>();
  private readonly core: CoreV1Api;
  private readonly stop = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private nodes: string[] = [];

  constructor(
    private readonly config: KubeConfig,
    private readonly load: Load,
  ) {
    this.core = config.makeApiClient(CoreV1Api);
  }

  /** Waits for a writer on each node, and starts reading. @throws if one does not become ready in time */
  async start(nodes: string[]): Promise<void> {
    this.nodes = nodes;
    const labelSelector = `app.kubernetes.io/name=${this.load.name}`;
    for (let tries = 0; this.writers.size < nodes.length; tries += 1) {
      const { items } = await this.core.listNamespacedPod({ namespace: this.load.namespace, labelSelector });
      for (const pod of items.filter(isReady)) {
        const { name = "" } = pod.metadata ?? {};
        const node = pod.spec?.nodeName ?? "";
        if (!nodes.includes(node) || this.writers.has(node)) continue;
        this.writers.set(node, { pod: name, read: 0, rest: "", record: emptyRecord(), heard: 0 });
      }
      if (tries > 120)
        throw new Error(`no writer runs on ${nodes.filter((node) => !this.writers.has(node)).join(", ")}`);
      await wait(1000);
    }
    this.loop = this.follow();
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.loop;
  }

  private async follow(): Promise<void> {
    while (!this.stop.signal.aborted) {
      await this.readAll();
      await wait(period, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }

  /** Reads all writers once. One that does not respond is read later: its record outlives its node's outage. */
  private async readAll(): Promise<void> {
    await Promise.all([...this.writers.values()].map((writer) => this.read(writer).catch(() => undefined)));
  }

  private async read(writer: Writer): Promise<void> {
    // From the last known byte: a server that is asked for an empty range returns everything.
    const from = Math.max(0, writer.read - 1);
    const { status, body } = await recordOf(this.config, this.load, writer.pod, from);
    if (status !== 206 && status !== 200) return;
    writer.heard = Date.now();
    const fresh = writer.read ? body.slice(1) : body;
    writer.read += fresh.length;
    const text = writer.rest + fresh;
    const end = text.lastIndexOf("\n") + 1;
    readRecord(text.slice(0, end), writer.record);
    writer.rest = text.slice(end);
  }

  /** Whether each writer has responded since a time. */
  heardSince(time: number): boolean {
    return [...this.writers.values()].every(({ heard }) => heard >= time);
  }

  /** Pods of the writers by node, in the order of the nodes. */
  pods(): Map<string, string> {
    return new Map(this.nodes.map((node) => [node, this.writers.get(node)?.pod ?? ""]));
  }

  /** Records by node. */
  records(): Map<string, Written> {
    return new Map([...this.writers].map(([node, { record }]) => [node, record]));
  }
}
