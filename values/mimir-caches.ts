/**
 * Mimir's caches: memcached in the chart, and how Mimir reaches each replica.
 *
 * The chart's own addresses are looked up among the memcached pods that are ready, and a component exits if it finds none
 * while it starts: https://github.com/grafana/dskit/blob/main/cache/memcached_client.go. A Service of each replica always
 * has an address, so components start and serve without their caches.
 */
import { cacheAddress, cacheService } from "../names";
import type { Cache, Settings } from "../settings";
import { megabytes } from "../settings/units";
import { scheduling } from "./scheduling";
import { memcached, type Values } from "./shared";

/** Caches by their names in the chart. */
const caches = ({ mimir }: Settings) =>
  ({
    "results-cache": mimir.resultsCache,
    "chunks-cache": mimir.chunksCache,
    "index-cache": mimir.indexCache,
    "metadata-cache": mimir.metadataCache,
  }) as const;
type CacheName = keyof ReturnType<typeof caches>;

const port = 11211;

/** Largest result in MiB, as in the chart. memcached does not start with a limit above half of its memory. */
const largestResult = 25;

const each = <T>({ replicas }: Cache, made: (replica: number) => T): T[] =>
  Array.from({ length: replicas }, (_, replica) => made(replica));

/** What the chart takes for each cache. */
export const cacheValues = (settings: Settings): Values =>
  Object.fromEntries(
    Object.entries(caches(settings)).map(([name, cache]) => [
      name,
      memcached(cache, {
        ...scheduling(settings, "mimir"),
        ...(name === "results-cache" && {
          maxItemMemory: Math.min(largestResult, Math.floor(megabytes(cache.memory) / 2)),
        }),
      }),
    ]),
  );

/** The Services of the replicas. */
export const cacheServices = (settings: Settings): Values[] =>
  Object.entries(caches(settings)).flatMap(([name, cache]) =>
    each(cache, (replica) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: cacheService("mimir", name, replica) },
      spec: {
        selector: { "statefulset.kubernetes.io/pod-name": cacheService("mimir", name, replica) },
        ports: [{ name: "memcached-client", port, targetPort: "client" }],
      },
    })),
  );

/** Flags that name the clients of each cache. */
const clients: Record<CacheName, string[]> = {
  "results-cache": ["query-frontend.results-cache"],
  "chunks-cache": ["blocks-storage.bucket-store.chunks-cache"],
  "index-cache": ["blocks-storage.bucket-store.index-cache"],
  "metadata-cache": ["blocks-storage.bucket-store.metadata-cache", "ruler-storage.cache"],
};

/**
 * Arguments by which a component reaches the caches; nothing for a cache without replicas. They win over the
 * configuration file, where the chart refuses addresses other than its own.
 */
export const cacheArguments = (settings: Settings): Record<string, string> =>
  Object.fromEntries(
    Object.entries(caches(settings)).flatMap(([name, cache]) => {
      const addresses = each(cache, (replica) => `${cacheAddress(settings, "mimir", name, replica)}:${port}`);
      return clients[name as CacheName]
        .filter(() => addresses.length > 0)
        .map((client) => [`${client}.memcached.addresses`, addresses.join(",")]);
    }),
  );
