/** Real Lokis and Mimirs that gossip on loopback: members of one ring, or of rings that must stay separate. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stringify } from "yaml";
import type { Values } from "../../values/shared";
import { freePort, Server } from "./servers";

/** Fast intervals, so that a test takes seconds instead of minutes. */
const gossip = { gossip_interval: "100ms", pull_push_interval: "1s", left_ingesters_timeout: "2s" };

const where = (folder: string, http: number, grpc: number) => ({
  server: {
    http_listen_address: "127.0.0.1",
    http_listen_port: http,
    grpc_listen_address: "127.0.0.1",
    grpc_listen_port: grpc,
    log_level: "warn",
  },
  folder,
});

/** The configuration of a single ingester, whose ring these tests check. */
const configurations = {
  loki: (id: string, folder: string, server: Values, memberlist: Values): Values => ({
    target: "ingester",
    auth_enabled: true,
    server,
    memberlist,
    common: {
      path_prefix: folder,
      replication_factor: 1,
      instance_addr: "127.0.0.1",
      ring: { kvstore: { store: "memberlist" } },
      storage: {
        filesystem: { chunks_directory: join(folder, "chunks"), rules_directory: join(folder, "r") },
      },
    },
    ingester: {
      lifecycler: {
        id,
        ring: { kvstore: { store: "memberlist" } },
        min_ready_duration: "0s",
        final_sleep: "1s",
      },
    },
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
  }),
  mimir: (id: string, folder: string, server: Values, memberlist: Values): Values => ({
    target: "ingester",
    server,
    memberlist,
    common: { storage: { backend: "filesystem", filesystem: { dir: join(folder, "common") } } },
    blocks_storage: {
      filesystem: { dir: join(folder, "blocks") },
      tsdb: { dir: join(folder, "tsdb") },
      bucket_store: { sync_dir: join(folder, "sync") },
    },
    ingest_storage: { enabled: false },
    ingester: {
      push_grpc_method_enabled: true,
      ring: {
        instance_id: id,
        instance_addr: "127.0.0.1",
        kvstore: { store: "memberlist" },
        replication_factor: 1,
        min_ready_duration: "0s",
        final_sleep: "1s",
        unregister_on_shutdown: true,
      },
    },
    usage_stats: { enabled: false },
  }),
};

export class Member {
  private server: Server | undefined;

  private constructor(
    readonly id: string,
    private readonly program: string,
    private readonly kind: keyof typeof configurations,
    private readonly folder: string,
    private readonly ports: { http: number; grpc: number; gossip: number },
  ) {}

  /** A member that is not running yet. @param program path of the program of that kind */
  static async of(kind: keyof typeof configurations, program: string, folder: string, id: string) {
    const ports = { http: await freePort(), grpc: await freePort(), gossip: await freePort() };
    return new Member(id, program, kind, join(folder, id), ports);
  }

  /** Address at which others join it. */
  get address(): string {
    return `127.0.0.1:${this.ports.gossip}`;
  }

  /** Starts it. @param label the label's settings in `memberlist`. @param join_members addresses that it joins */
  async start(label: Values, join_members: string[]): Promise<void> {
    const { http, grpc, gossip: port } = this.ports;
    mkdirSync(this.folder, { recursive: true });
    const address = { bind_addr: ["127.0.0.1"], bind_port: port, advertise_addr: "127.0.0.1" };
    const { server, folder } = where(this.folder, http, grpc);
    const memberlist = { ...gossip, ...address, advertise_port: port, join_members, ...label };
    const config = configurations[this.kind](this.id, folder, server, memberlist);
    const file = join(this.folder, "config.yaml");
    writeFileSync(file, stringify(config));
    this.server = await Server.start(this.program, [`-config.file=${file}`], {
      folder: this.folder,
      ready: async () => (await this.ring()).includes(this.id),
    });
  }

  /** The ingesters in its view of the ring, in order. */
  async ring(): Promise<string[]> {
    const path = this.kind === "loki" ? "/ring" : "/ingester/ring";
    const answer = await fetch(`http://127.0.0.1:${this.ports.http}${path}`, {
      headers: { Accept: "application/json" },
    });
    const { shards } = (await answer.json()) as { shards: { id: string; state: string }[] };
    return shards
      .filter(({ state }) => state === "ACTIVE")
      .map(({ id }) => id)
      .sort();
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.server?.stop(signal);
  }
}

/** Waits until each of these members has exactly these in its ring. @returns their last view */
export async function seen(members: Member[], ids: string[], seconds: number): Promise<string[][]> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const rings = await Promise.all(members.map((member) => member.ring()));
    const all = rings.every((ring) => ring.join() === ids.join());
    if (all || Date.now() > deadline) return rings;
    await wait(200);
  }
}
