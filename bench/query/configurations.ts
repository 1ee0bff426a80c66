/** The charts' configuration of Loki, Mimir and Tempo, changed for a single process of each on loopback. */
import { join } from "node:path";
import { parse } from "yaml";
import { failureOf, type KubernetesObject, releaseObjects, releasesOf } from "../../cli/lib/render";
import { releases } from "../../names";
import { ownOf } from "../../tests/support/rendered";
import { Skipped } from "../benchmark";

// biome-ignore lint/suspicious/noExplicitAny: the stores' configurations are read deeply
export type Tree = any;

/** The charts' output: the configuration of each store, and the runtime configuration of Mimir's tenants. */
export interface Configuration {
  loki: Tree;
  mimir: Tree;
  mimirRuntime: Tree;
  tempo: Tree;
}

const texts = (objects: KubernetesObject[], name: string, key: string): Tree => {
  const found = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name);
  if (!found?.["data"]?.[key]) throw new Error(`there is no ConfigMap ${name} with ${key}`);
  return parse(found["data"][key]);
};

/** @param config of a stack, by top-level key @throws Skipped if the charts cannot be rendered */
export async function configurationOf(config: Record<string, unknown>): Promise<Configuration> {
  const all = releasesOf((await ownOf(config)).recorded);
  const objectsOf = async (release: string) => {
    const inputs = all.filter(({ name }) => name === release);
    const objects = await Promise.all(inputs.map((one) => releaseObjects(one))).catch((error) => {
      throw new Skipped(failureOf(error));
    });
    return objects.flat();
  };
  const [loki, mimir, tempo] = [releases.loki, releases.mimir, releases.tempo].map(objectsOf);
  return {
    loki: texts((await loki) ?? [], "loki", "config.yaml"),
    mimir: texts((await mimir) ?? [], "mimir-config", "mimir.yaml"),
    mimirRuntime: texts((await mimir) ?? [], "mimir-runtime", "runtime.yaml"),
    tempo: texts((await tempo) ?? [], "tempo-config", "tempo.yaml"),
  };
}

/** The addresses of a store and its dependencies, all on loopback. */
export interface Place {
  folder: string;
  http: number;
  grpc: number;
  /** For gossip, or for OTLP. */
  third: number;
  minio: number;
  /** Undefined if the configuration has no caches. */
  memcached: number | undefined;
}

/** A tree with changes merged over it; `undefined` removes a key. */
export function changed(tree: Tree, changes: Tree): Tree {
  const plain = (one: unknown) => typeof one === "object" && one !== null && !Array.isArray(one);
  if (!plain(changes)) return changes;
  const result = { ...(plain(tree) && tree) };
  for (const [key, value] of Object.entries(changes))
    if (value === undefined) delete result[key];
    else result[key] = changed(result[key], value);
  return result;
}

/** The tree with another address for each memcached. */
export function withCaches(tree: Tree, port: number): Tree {
  if (Array.isArray(tree)) return tree.map((item) => withCaches(item, port));
  if (typeof tree !== "object" || tree === null) return tree;
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => {
      if (!/^memcached(_client)?$/.test(key)) return [key, withCaches(value, port)];
      // Tempo resolves a host and a service; Loki has two keys, one of which configures batches.
      const { host, service: _, ...rest } = value as Tree;
      const addressed = host !== undefined || "addresses" in rest;
      return [key, addressed ? { ...rest, addresses: `127.0.0.1:${port}` } : value];
    }),
  );
}

const server = ({ http, grpc }: Place) => ({
  http_listen_address: "127.0.0.1",
  http_listen_port: http,
  grpc_listen_address: "127.0.0.1",
  grpc_listen_port: grpc,
  log_level: "error",
});
const cached = (tree: Tree, { memcached }: Place) => (memcached ? withCaches(tree, memcached) : tree);
const noSchedulers = { scheduler_address: undefined, frontend_address: undefined, tail_proxy_url: undefined };

/** Loki as one process. @param fast accepts lines without rate limits, for the filling */
export function lokiOnLoopback(tree: Tree, place: Place, fast: boolean): Tree {
  const { folder, minio, grpc } = place;
  const shipper = {
    active_index_directory: join(folder, "index"),
    cache_location: join(folder, "cache"),
    index_gateway_client: { server_address: "" },
  };
  return cached(
    changed(tree, {
      server: server(place),
      memberlist: undefined,
      runtime_config: undefined,
      common: {
        path_prefix: folder,
        replication_factor: 1,
        instance_addr: "127.0.0.1",
        compactor_grpc_address: `127.0.0.1:${grpc}`,
        ring: { kvstore: { store: "inmemory" } },
        storage: { s3: { endpoint: `http://127.0.0.1:${minio}` } },
      },
      compactor: { working_directory: join(folder, "compactor") },
      storage_config: { boltdb_shipper: shipper, tsdb_shipper: shipper, bloom_shipper: undefined },
      frontend: noSchedulers,
      frontend_worker: noSchedulers,
      ingester: { lifecycler: { min_ready_duration: "0s", final_sleep: "0s" } },
      ...(fast && {
        limits_config: {
          ...{ ingestion_rate_mb: 10_000, ingestion_burst_size_mb: 10_000 },
          ...{ per_stream_rate_limit: "10GB", per_stream_rate_limit_burst: "10GB" },
        },
      }),
    }),
    place,
  );
}

/** Mimir as one process; tests/support/mimir.ts has the addresses that only flags set. */
export function mimirOnLoopback(tree: Tree, place: Place, fast: boolean): Tree {
  const { folder, minio } = place;
  const single = { replication_factor: 1, tokens_file_path: undefined };
  return cached(
    changed(tree, {
      server: { log_level: "error" },
      activity_tracker: { filepath: join(folder, "activity.log") },
      alertmanager: undefined,
      alertmanager_storage: undefined,
      memberlist: { join_members: undefined, cluster_label: undefined },
      common: { storage: { s3: { endpoint: `127.0.0.1:${minio}` } } },
      blocks_storage: {
        bucket_store: { sync_dir: join(folder, "sync") },
        tsdb: { dir: join(folder, "tsdb") },
      },
      compactor: { data_dir: join(folder, "compactor"), ...(fast && { cleanup_interval: "5s" }) },
      frontend: noSchedulers,
      frontend_worker: noSchedulers,
      ingester: { ring: { ...single, min_ready_duration: "0s" } },
      store_gateway: { sharding_ring: { ...single, wait_stability_min_duration: "0s" } },
      ruler: { rule_path: join(folder, "rules"), alertmanager_url: undefined },
      runtime_config: { file: join(folder, "runtime.yaml") },
      ...(fast && { limits: { ingestion_rate: 1e9, ingestion_burst_size: 1e9 } }),
    }),
    place,
  );
}

/** Tempo as one process, without metrics generation. */
export function tempoOnLoopback(tree: Tree, place: Place, fast: boolean): Tree {
  const { folder, grpc, third, minio } = place;
  return cached(
    changed(tree, {
      server: server(place),
      memberlist: undefined,
      distributor: {
        receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${third}` }, grpc: undefined } } },
        ring: { kvstore: { store: "inmemory" }, instance_addr: "127.0.0.1" },
      },
      ingester: {
        lifecycler: {
          ...{
            address: "127.0.0.1",
            min_ready_duration: "0s",
            final_sleep: "0s",
            tokens_file_path: undefined,
          },
          ring: { kvstore: { store: "inmemory" }, replication_factor: 1 },
        },
      },
      compactor: { ring: { kvstore: { store: "inmemory" }, instance_addr: "127.0.0.1" } },
      metrics_generator: undefined,
      querier: { frontend_worker: { frontend_address: `127.0.0.1:${grpc}` } },
      storage: {
        trace: {
          s3: { endpoint: `127.0.0.1:${minio}` },
          // A search finds a block by the time of its spans, even if they are old when they arrive.
          wal: { path: join(folder, "wal"), ...(fast && { ingestion_time_range_slack: "240h" }) },
          local: { path: join(folder, "blocks") },
        },
      },
      overrides: {
        per_tenant_override_config: undefined,
        defaults: {
          metrics_generator: undefined,
          ...(fast && { ingestion: { rate_limit_bytes: 1e9, burst_size_bytes: 1e9 } }),
        },
      },
    }),
    place,
  );
}
