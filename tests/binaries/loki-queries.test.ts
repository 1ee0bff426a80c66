/** The read path of Loki in its distributed mode: query-frontend, query-scheduler and querier are separate processes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { stringify } from "yaml";
import { lokiFrontendAddress, lokiSchedulerAddress } from "../../names";
import { lokiConfiguration } from "../../values/loki-configuration";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const headers = { "X-Scope-OrgID": "pods", "Content-Type": "application/json" };
const lines = 20_000;
/** Components that are not on the path of a query to the queriers, as one process. */
const rest = "distributor,ingester,compactor";

/** A Loki on loopback whose components find each other as in the values. */
class DistributedLoki {
  private readonly servers: Server[] = [];
  private gossip = 0;
  private readonly grpc = new Map<string, number>();

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly schedulers: number,
  ) {}

  static async start(program: string, folder: string, schedulers: number): Promise<DistributedLoki> {
    const loki = new DistributedLoki(program, folder, schedulers);
    loki.gossip = await freePort();
    for (const part of [rest, "query-frontend", "query-scheduler"]) loki.grpc.set(part, await freePort());
    return loki;
  }

  /** Starts a component, and returns its address. */
  async part(target: string, ready = "/ready"): Promise<string> {
    const settings = settingsOf("prod", { loki: { queryScheduler: { replicas: this.schedulers } } });
    const { frontend, frontend_worker, querier } = JSON.parse(
      JSON.stringify(lokiConfiguration(settings))
        .replaceAll(lokiSchedulerAddress(settings), `127.0.0.1:${this.grpc.get("query-scheduler")}`)
        .replaceAll(lokiFrontendAddress(settings), `127.0.0.1:${this.grpc.get("query-frontend")}`),
    );
    const [http, own] = [await freePort(), this.grpc.get(target) ?? (await freePort())];
    const first = !this.servers.length;
    const folder = join(this.folder, `part-${http}`);
    const config = {
      target,
      auth_enabled: true,
      server: {
        http_listen_address: "127.0.0.1",
        http_listen_port: http,
        grpc_listen_address: "127.0.0.1",
        grpc_listen_port: own,
        log_level: "warn",
      },
      memberlist: {
        bind_addr: ["127.0.0.1"],
        bind_port: first ? this.gossip : await freePort(),
        join_members: first ? [] : [`127.0.0.1:${this.gossip}`],
      },
      common: {
        path_prefix: folder,
        replication_factor: 1,
        instance_addr: "127.0.0.1",
        compactor_grpc_address: `127.0.0.1:${this.grpc.get(rest)}`,
        ring: { kvstore: { store: "memberlist" } },
        storage: {
          filesystem: {
            chunks_directory: join(this.folder, "chunks"),
            rules_directory: join(this.folder, "rules"),
          },
        },
      },
      frontend: { ...frontend, address: "127.0.0.1" },
      frontend_worker,
      querier,
      ingester: { lifecycler: { min_ready_duration: "0s", final_sleep: "0s" } },
      schema_config: {
        configs: [
          {
            from: "2024-01-01",
            store: "tsdb",
            object_store: "filesystem",
            schema: "v13",
            index: { prefix: "index_", period: "24h" },
          },
        ],
      },
      analytics: { reporting_enabled: false },
    };
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "loki.yaml"), stringify(config));
    const url = `http://127.0.0.1:${http}`;
    this.servers.push(
      await Server.start(this.program, [`-config.file=${join(folder, "loki.yaml")}`], {
        folder,
        ready: async () => (await fetch(url + ready)).ok,
      }),
    );
    return url;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop("SIGKILL")));
  }
}

describe("binaries: queries of Loki", function () {
  this.timeout(300_000);
  let program: string;
  let folder: string;
  let loki: DistributedLoki | undefined;

  before(function () {
    [program = ""] = needs(this, "loki");
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-loki-queries-"));
  });
  afterEach(async () => {
    await loki?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts everything, writes lines, and returns the query-frontend's address. */
  async function start(schedulers: number): Promise<string> {
    loki = await DistributedLoki.start(program, folder, schedulers);
    const writer = await loki.part(rest);
    if (schedulers) await loki.part("query-scheduler");
    // Unready without a querier, if there is no query-scheduler.
    const frontend = await loki.part("query-frontend", "/metrics");
    await loki.part("querier");
    const now = Date.now();
    const values = Array.from({ length: lines }, (_, number) => [
      String(BigInt(now - number * 100) * 1_000_000n),
      `request ${number} took ${number % 97} ms `.padEnd(200, "x"),
    ]);
    for (let from = 0; from < lines; from += 2000) {
      const streams = [{ stream: { app: "shop" }, values: values.slice(from, from + 2000).reverse() }];
      const { status } = await fetch(`${writer}/loki/api/v1/push`, {
        method: "POST",
        headers,
        body: JSON.stringify({ streams }),
      });
      expect(status).to.equal(204);
    }
    return frontend;
  }

  const query = (frontend: string, expr: string, signal?: AbortSignal) =>
    fetch(`${frontend}/loki/api/v1/query?${new URLSearchParams({ query: expr })}`, {
      headers,
      ...(signal && { signal }),
    });
  const answered = async (frontend: string): Promise<unknown> => {
    const answer = await query(frontend, 'sum(count_over_time({app="shop"}[1h]))');
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result[0]?.value[1];
  };

  /** Cancels many queries, and returns how often the query-frontend was unready meanwhile, and why. */
  async function unready(frontend: string): Promise<string[]> {
    const until = Date.now() + 20_000;
    const found: string[] = [];
    const cancel = async () => {
      while (Date.now() < until)
        await query(
          frontend,
          `sum(count_over_time({app="shop"} |~ "request (1|2|3|4|5|6|7|8|9)+[0-9]* took .*${Math.random()}" [1h]))`,
          AbortSignal.timeout(20 + Math.floor(Math.random() * 30)),
        ).catch(() => undefined);
    };
    const look = async () => {
      while (Date.now() < until) {
        const answer = await fetch(`${frontend}/ready`);
        const text = await answer.text();
        if (!answer.ok) found.push(text.trim());
        await wait(50);
      }
    };
    await Promise.all([look(), ...Array.from({ length: 40 }, cancel)]);
    return found;
  }

  it("succeed through the query-scheduler, and canceled ones leave the query-frontend ready", async () => {
    const frontend = await start(1);
    expect(await answered(frontend)).to.equal(String(lines));
    expect(await unready(frontend)).to.deep.equal([]);
    expect(await answered(frontend)).to.equal(String(lines));
  });

  it("succeed without a query-scheduler, even after many were canceled", async () => {
    const frontend = await start(0);
    await wait(1000);
    expect(await answered(frontend)).to.equal(String(lines));
    // A query-frontend without a query-scheduler is unready while all queriers reconnect to it. It recovers.
    for (const reason of await unready(frontend)) expect(reason).to.include("number of queriers connected");
    expect(await answered(frontend)).to.equal(String(lines));
  });
});
