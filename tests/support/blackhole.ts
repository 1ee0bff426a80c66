/** An address that does not respond, like that of a pod on a node without power. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Listens, prints its port, and never accepts a connection. */
const program = `
  const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** Whether a connection is accepted, at least by the kernel, within a moment. */
const accepted = (socket: Socket) =>
  new Promise<boolean>((done) => {
    const late = setTimeout(() => done(false), 300);
    socket.once("connect", () => {
      clearTimeout(late);
      done(true);
    });
  });

export class Blackhole {
  private constructor(
    private readonly process: ChildProcess,
    private readonly waiting: Socket[],
    /** Host and port. */
    readonly address: string,
  ) {}

  /** Starts one: the kernel drops further connections as soon as the listener's backlog is full. */
  static async start(): Promise<Blackhole> {
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const port = Number(text.toString());
    const waiting: Socket[] = [];
    for (let full = false; !full; ) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      waiting.push(socket);
      full = !(await accepted(socket));
    }
    return new Blackhole(child, waiting, `127.0.0.1:${port}`);
  }

  stop(): void {
    for (const socket of this.waiting) socket.destroy();
    this.process.kill("SIGKILL");
  }
}
