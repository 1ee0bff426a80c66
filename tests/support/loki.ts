/** A real Loki: all components in one process on loopback, with files for S3 or with a given storage. Like in the cluster, it is multi-tenant. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort, Server } from "./servers";

export class Loki {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Starts it in a folder, which keeps its data. */
  static async start(
    program: string,
    folder: string,
    // Only sent lines are visible.
    limits: Record<string, unknown> = { discover_service_name: [], discover_log_levels: false },
    // Storage of chunks and index instead of the folder, as Loki's `storage` configuration.
    storage?: Record<string, unknown>,
    // Further parts of its configuration.
    more: Record<string, unknown> = {},
    environment: Record<string, string> = {},
  ): Promise<Loki> {
    const index = limits["allow_structured_metadata"] === false ? "boltdb-shipper" : "tsdb";
    mkdirSync(folder, { recursive: true });
    const [http, grpc] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${http}`;
    const config = {
      auth_enabled: true,
      server: {
        http_listen_address: "127.0.0.1",
        http_listen_port: http,
        grpc_listen_address: "127.0.0.1",
        grpc_listen_port: grpc,
        log_level: "warn",
      },
      common: {
        path_prefix: folder,
        replication_factor: 1,
        instance_addr: "127.0.0.1",
        ring: { kvstore: { store: "inmemory" } },
        storage: storage ?? {
          filesystem: {
            chunks_directory: join(folder, "chunks"),
            rules_directory: join(folder, "rules"),
          },
        },
      },
      ingester: { lifecycler: { min_ready_duration: "0s", final_sleep: "0s" } },
      schema_config: {
        configs: [
          {
            from: "2024-01-01",
            store: index,
            object_store: Object.keys(storage ?? { filesystem: {} })[0],
            schema: "v13",
            index: { prefix: "index_", period: "24h" },
          },
        ],
      },
      limits_config: limits,
      analytics: { reporting_enabled: false },
      ...more,
    };
    writeFileSync(join(folder, "loki.yaml"), stringify(config));
    const server = await Server.start(program, [`-config.file=${join(folder, "loki.yaml")}`], {
      folder,
      environment,
      ready: async () => (await fetch(`${url}/ready`)).ok,
    });
    return new Loki(server, url);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
