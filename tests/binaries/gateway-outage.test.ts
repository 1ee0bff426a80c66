/** A gateway whose Services have an endpoint that does not respond, or one that crashes during a request. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Store, stores } from "../../names";
import { Blackhole } from "../support/blackhole";
import { Backends, Gateway, needsNginx, type Sent } from "../support/gateway";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("prod");
const json = { "content-type": "application/json" };
const requests: Record<Store, { reads: Sent[]; pushes: Sent[]; changes: Sent[] }> = {
  loki: {
    reads: [{ path: "/loki/api/v1/query_range?query=x" }, { path: "/loki/api/v1/query", method: "POST" }],
    pushes: [{ path: "/loki/api/v1/push" }, { path: "/otlp/v1/logs" }],
    changes: [],
  },
  mimir: {
    reads: [
      { path: "/prometheus/api/v1/query?query=x" },
      { path: "/prometheus/api/v1/query_range", method: "POST" },
    ],
    pushes: [{ path: "/api/v1/push" }, { path: "/otlp/v1/metrics" }],
    changes: [
      { path: "/alertmanager/api/v2/silences", method: "POST" },
      { path: "/prometheus/config/v1/rules/shop", method: "POST" },
    ],
  },
  tempo: {
    reads: [{ path: "/api/search?q=x" }, { path: "/api/traces/1" }],
    pushes: [{ path: "/v1/traces" }, { path: "/jaeger/api/traces" }, { path: "/zipkin/spans" }],
    changes: [],
  },
};
const tenants = { loki: "logs", mimir: "pods", tempo: "traces" };

/** A pod that reads a request and crashes. */
const dying = () =>
  new Promise<Server>((done) => {
    const server = createServer((socket) => {
      socket.on("error", () => {}).on("data", () => socket.destroy());
    });
    server.listen(0, "127.0.0.1", () => done(server));
  });
/** A pod on a node that loses power: its open connections stay silent, and new ones are refused. */
class LosingPower {
  private readonly sockets: Socket[] = [];
  private readonly server: Server;
  private constructor(to: string, started: () => void) {
    const [host = "", port] = to.split(":");
    this.server = createServer((socket) => {
      const backend = connect(Number(port), host);
      this.sockets.push(
        socket.on("error", () => {}),
        backend.on("error", () => {}),
      );
      socket.pipe(backend).pipe(socket);
    }).listen(0, "127.0.0.1", started);
  }
  static start = (to: string) =>
    new Promise<LosingPower>((done) => {
      const pod: LosingPower = new LosingPower(to, () => done(pod));
    });
  get address(): string {
    return addressOf(this.server);
  }
  powerOff(): void {
    this.server.close();
    for (const socket of this.sockets) socket.unpipe().pause();
  }
  stop(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
const addressOf = (server: Server) => `127.0.0.1:${(server.address() as { port: number }).port}`;

describe("binaries: the gateways route around an unavailable endpoint", function () {
  this.timeout(120_000);
  let folder: string;
  let blackhole: Blackhole;
  before(async function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-gateway-outage-"));
    blackhole = await Blackhole.start();
  });
  after(() => {
    blackhole?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  for (const store of stores)
    describe(store, () => {
      const { reads, pushes, changes } = requests[store];
      const writer = (sent: Sent): Sent => ({ method: "POST", headers: json, body: "something", ...sent });
      let backends: Backends;
      before(async () => {
        backends = await Backends.start(store, settings);
      });
      after(() => backends?.stop());

      /** A gateway with a dead address for every other connection, and the responses for every user. */
      const withDead = async (name: string, dead: string, run: (gateway: Gateway) => Promise<void>) => {
        const tried = new Map<string, number>();
        const gateway = await Gateway.start(join(folder, `${store}-${name}`), {
          store,
          settings,
          at: (target) => {
            const count = tried.get(target) ?? 0;
            tried.set(target, count + 1);
            return count % 2 === 0 ? dead : backends.at(target);
          },
        });
        backends.got.length = 0;
        try {
          await run(gateway);
        } finally {
          await gateway.stop();
        }
      };
      /** Responses to each request, sent several times so that nginx starts with each of its connections. */
      const statuses = async (gateway: Gateway, user: string, all: Sent[]) => {
        const answers: { path: string; status: number; seconds: number }[] = [];
        for (const sent of all)
          for (let time = 0; time < 5; time++) {
            const start = Date.now();
            const { status } = await gateway.ask(user, sent);
            answers.push({ path: sent.path, status, seconds: (Date.now() - start) / 1000 });
          }
        return answers;
      };
      const user = (role: "read" | "write" | "rules") => `${tenants[store]}-${role}`;

      it("responds to reads and pushes within 2 s while an endpoint does not accept connections", () =>
        withDead("blackhole", blackhole.address, async (gateway) => {
          const answers = [
            ...(await statuses(gateway, user("read"), reads)),
            ...(await statuses(gateway, user("write"), pushes.map(writer))),
            ...(await statuses(gateway, user("rules"), changes.map(writer))),
          ];
          for (const { path, status, seconds } of answers) {
            expect(status, path).to.equal(200);
            expect(seconds, path).to.be.below(2);
          }
          // Some connections used the dead endpoint.
          expect(Math.max(...answers.map(({ seconds }) => seconds))).to.be.above(0.4);
        }));

      it("responds to reads and pushes while a pod to which it had connections is on a node without power", async () => {
        const targets = new Map<string, LosingPower>();
        for (const target of backends.targets)
          targets.set(target, await LosingPower.start(backends.at(target)));
        const tried = new Map<string, number>();
        const gateway = await Gateway.start(join(folder, `${store}-power`), {
          store,
          settings,
          at: (target) => {
            const count = tried.get(target) ?? 0;
            tried.set(target, count + 1);
            return (count % 2 === 0 && targets.get(target)?.address) || backends.at(target);
          },
        });
        const all = async () => [
          ...(await statuses(gateway, user("read"), reads)),
          ...(await statuses(gateway, user("write"), pushes.map(writer))),
          ...(await statuses(gateway, user("rules"), changes.map(writer))),
        ];
        try {
          await all();
          for (const pod of targets.values()) pod.powerOff();
          const late = new Promise<never>((_, fail) =>
            setTimeout(() => fail(new Error("a request waits for the node without power")), 15_000),
          );
          for (const { path, status } of await Promise.race([all(), late]))
            expect(status, path).to.equal(200);
        } finally {
          await gateway.stop();
          for (const pod of targets.values()) pod.stop();
        }
      });

      it("closes connections of readers after each response, and keeps those of writers", () =>
        withDead("closes", backends.at(backends.targets[0] ?? ""), async (gateway) => {
          const kept = { connection: "keep-alive" };
          for (const sent of reads)
            expect((await gateway.ask(user("read"), { ...sent, headers: kept })).headers.connection).to.equal(
              "close",
            );
          for (const sent of pushes) {
            const { headers } = await gateway.ask(
              user("write"),
              writer({ ...sent, headers: { ...json, ...kept } }),
            );
            expect(headers.connection, sent.path).to.equal("keep-alive");
          }
        }));

      it("retries reads and pushes after the crash of an endpoint, but no change of rules or silences", async () => {
        const server = await dying();
        try {
          await withDead("dying", addressOf(server), async (gateway) => {
            const answers = [
              ...(await statuses(gateway, user("read"), reads)),
              ...(await statuses(gateway, user("write"), pushes.map(writer))),
            ];
            expect(answers.filter(({ status }) => status !== 200)).to.deep.equal([]);
            expect(backends.got).to.have.length(answers.length);
            const changed = await statuses(gateway, user("rules"), changes.map(writer));
            for (const { path } of changes)
              expect(
                changed.filter((answer) => answer.path === path).map(({ status }) => status),
                path,
              ).to.include(502);
          });
        } finally {
          server.close();
        }
      });

      it("responds with 504 or 502 within 5 s if no endpoint is left", async () => {
        const gateway = await Gateway.start(join(folder, `${store}-none`), {
          store,
          settings,
          at: () => blackhole.address,
        });
        try {
          const start = Date.now();
          const { status } = await gateway.ask(user("read"), reads[0] ?? { path: "/" });
          expect(status).to.be.oneOf([502, 504]);
          expect(Date.now() - start).to.be.below(5000);
        } finally {
          await gateway.stop();
        }
      });
    });
});
