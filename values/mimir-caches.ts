/**
 * Mimir's caches: memcached in the chart, and the address of each replica.
 *
 * The chart's own addresses resolve only to memcached pods that are ready, and a component exits if it finds none at
 * startup: https://github.com/grafana/dskit/blob/main/cache/memcached_client.go. With a Service for each replica the
 * address always exists, so components start and serve without their caches.
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

/** Chart values of each cache. */
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

/** Name prefixes of the flags for each cache. */
const clients: Record<CacheName, string[]> = {
  "results-cache": ["query-frontend.results-cache"],
  "chunks-cache": ["blocks-storage.bucket-store.chunks-cache"],
  "index-cache": ["blocks-storage.bucket-store.index-cache"],
  "metadata-cache": ["blocks-storage.bucket-store.metadata-cache", "ruler-storage.cache"],
};

/**
 * Arguments of a component that configure the caches; none for a cache without replicas. They override the
 * configuration file, where the chart accepts only its own addresses.
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
