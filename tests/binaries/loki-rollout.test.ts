/** Loki's ingesters: three processes whose chunks are flushed, and which restart one after the other, as a StatefulSet restarts its pods. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { stringify } from "yaml";
import { lokiConfiguration } from "../../values/loki-configuration";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const headers = { "X-Scope-OrgID": "logs", "Content-Type": "application/json" };
const lines = 5000;
const ingesters = ["ingester-0", "ingester-1", "ingester-2"];

/** A Loki process, which keeps its ports and its folder when it restarts. */
interface Part {
  url: string;
  start: () => Promise<Server>;
}

describe("binaries: flushes and rollouts of Loki's ingesters", function () {
  this.timeout(300_000);
  let program: string;
  let folder: string;
  let gossip: number;
  const running = new Map<string, Server>();

  before(function () {
    [program = ""] = needs(this, "loki");
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "observability-loki-rollout-"));
    gossip = await freePort();
  });
  afterEach(async () => {
    await Promise.all([...running.values()].map((server) => server.stop("SIGKILL")));
    running.clear();
    rmSync(folder, { recursive: true, force: true });
  });

  /**
   * @param first the member that all others join
   * @param faster shorter periods of the ingester, of the index cache and of health checks
   */
  async function part(
    name: string,
    target: string,
    first: boolean,
    faster: { ingester?: object; storage?: object; pool?: object } = {},
  ): Promise<Part> {
    // The querier reads the index itself.
    const settings = settingsOf("prod", { loki: { indexGateway: { replicas: 0 } } });
    const { ingester, ingester_client, storage_config } = lokiConfiguration(settings) as unknown as {
      ingester: { wal: object };
      ingester_client: { pool_config: object };
      storage_config: { boltdb_shipper: object };
    };
    const own = join(folder, name);
    const [http, grpc, port] = [await freePort(), await freePort(), first ? gossip : await freePort()];
    const address = { http_listen_address: "127.0.0.1", grpc_listen_address: "127.0.0.1" };
    const config = {
      target,
      server: { ...address, http_listen_port: http, grpc_listen_port: grpc, log_level: "warn" },
      memberlist: {
        ...{ bind_addr: ["127.0.0.1"], bind_port: port, advertise_addr: "127.0.0.1", advertise_port: port },
        join_members: [`127.0.0.1:${gossip}`],
      },
      common: {
        path_prefix: own,
        replication_factor: ingesters.length,
        instance_addr: "127.0.0.1",
        compactor_address: "http://127.0.0.1:1", // serves the API for deletions, of which there are none
        ring: { kvstore: { store: "memberlist" } },
        storage: {
          filesystem: { chunks_directory: join(folder, "chunks"), rules_directory: join(folder, "rules") },
        },
      },
      ingester: {
        ...ingester,
        ...faster.ingester,
        wal: { ...ingester.wal, dir: join(own, "wal") },
        lifecycler: { id: name, min_ready_duration: "0s", final_sleep: "0s" },
      },
      ingester_client: { pool_config: { ...ingester_client.pool_config, ...faster.pool } },
      storage_config: {
        ...storage_config,
        ...faster.storage,
        tsdb_shipper: {},
        boltdb_shipper: {
          ...storage_config.boltdb_shipper,
          active_index_directory: join(own, "index"),
          cache_location: join(own, "index-cache"),
        },
      },
      schema_config: {
        configs: [
          {
            from: "2024-01-01",
            store: "boltdb-shipper",
            object_store: "filesystem",
            schema: "v13",
            index: { prefix: "index_", period: "24h" },
          },
        ],
      },
      limits_config: { allow_structured_metadata: false },
      analytics: { reporting_enabled: false },
    };
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "loki.yaml"), stringify(config));
    const url = `http://127.0.0.1:${http}`;
    const start = async () => {
      const server = await Server.start(program, [`-config.file=${join(own, "loki.yaml")}`], {
        folder: own,
        ready: async () => (await fetch(`${url}/ready`)).ok,
      });
      running.set(name, server);
      return server;
    };
    return { url, start };
  }

  /** Lines that a query returns, as soon as the ring is healthy enough for a response. */
  async function count(querier: string): Promise<number> {
    const query = encodeURIComponent('sum(count_over_time({job="rollout"}[1h]))');
    for (let tries = 0; ; tries += 1) {
      const answer = await fetch(`${querier}/loki/api/v1/query?query=${query}`, { headers });
      if (answer.ok) {
        const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        return Number(data.result[0]?.value[1] ?? 0);
      }
      if (tries > 60) throw new Error(`Loki answered ${answer.status}: ${await answer.text()}`);
      await wait(500);
    }
  }

  /** Pushes lines to a distributor, once it has the ring. */
  async function write(distributor: Part): Promise<void> {
    const now = BigInt(Date.now()) * 1_000_000n;
    const values = Array.from({ length: lines }, (_, line) => [String(now + BigInt(line)), `line ${line}`]);
    const body = JSON.stringify({ streams: [{ stream: { job: "rollout" }, values }] });
    for (let tries = 0; ; tries += 1) {
      const pushed = await fetch(`${distributor.url}/loki/api/v1/push`, { method: "POST", headers, body });
      if (pushed.status === 204) return;
      if (tries > 60) throw new Error(await pushed.text());
      await wait(500);
    }
  }

  it("hides no line after a flush, although ingesters have cached that their index lacks it", async () => {
    // A snapshot of the index is taken each minute, and responses are cached for 10 s (Loki subtracts a minute).
    const faster = {
      ingester: { chunk_idle_period: "5s", flush_check_period: "1s", chunk_retain_period: "90s" },
      storage: { index_cache_validity: "70s" },
    };
    const distributor = await part("distributor", "distributor", true);
    const members: Part[] = [];
    for (const name of ingesters) members.push(await part(name, "ingester", false, faster));
    const querier = await part("querier", "querier", false, faster);
    for (const one of [distributor, ...members, querier]) await one.start();
    await write(distributor);
    const hidden: string[] = [];
    const begun = Date.now();
    while (Date.now() - begun < 110_000) {
      const found = await count(querier.url);
      if (found !== lines) hidden.push(`${Math.round((Date.now() - begun) / 1000)} s: ${found} lines`);
      await wait(1000);
    }
    expect(hidden).to.deep.equal([]);
  });

  it("hides no line, although queriers do not know the new index yet and a member missed a write", async () => {
    const distributor = await part("distributor", "distributor", true);
    const members = new Map<string, Part>();
    for (const name of ingesters) members.set(name, await part(name, "ingester", false));
    const querier = await part("querier", "querier", false);
    for (const one of [distributor, ...members.values(), querier]) await one.start();
    /** Each query reads two of the three ingesters, so that several queries cover all pairs. */
    const expectAll = async (written: number, when: string) => {
      const seen = new Set<number>();
      for (let query = 0; query < 20; query += 1) seen.add(await count(querier.url));
      expect([...seen], when).to.deep.equal([written]);
    };
    await write(distributor);
    await expectAll(lines, "at first");
    for (const name of ingesters) {
      await running.get(name)?.stop();
      await members.get(name)?.start();
      await expectAll(lines, `after the restart of ${name}`);
    }
    await running.get("ingester-1")?.stop();
    await write(distributor);
    await members.get("ingester-1")?.start();
    await running.get("ingester-0")?.stop();
    await members.get("ingester-0")?.start();
    await expectAll(2 * lines, "after a write that one member missed");
  });

  it("counts every line, although ingesters pause for seconds while they respond", async () => {
    const faster = { pool: { client_cleanup_period: "1s" } };
    const distributor = await part("distributor", "distributor", true, faster);
    const members: Part[] = [];
    for (const name of ingesters) members.push(await part(name, "ingester", false, faster));
    const querier = await part("querier", "querier", false, faster);
    for (const one of [distributor, ...members, querier]) await one.start();
    const writes = 60; // so many that a query lasts long enough to pause in the middle
    for (let written = 0; written < writes; written += 1) await write(distributor);
    const signal = (name: NodeJS.Signals) => {
      for (const member of ingesters) process.kill(running.get(member)?.pid ?? 0, name);
    };
    const found: number[] = [];
    for (const delay of [50, 100, 150, 200]) {
      const counted = count(querier.url);
      await wait(delay);
      signal("SIGSTOP");
      await wait(4000);
      signal("SIGCONT");
      found.push(await counted);
    }
    expect(new Set(found)).to.deep.equal(new Set([writes * lines]));
  });
});
