/**
 * The needs of each component at a load, by the formulas that the projects publish. If they give a range, the lower end
 * counts: a component below it is certainly too small. See docs/guides/sizing.md.
 */
import { bytesAtRetention, erasureCoding, growths } from "./forecast";
import { type Load, type Signal, spanBytes } from "./load";
import { usableMemory } from "./protection";
import { loadRetention } from "./retention";
import type { Settings } from "./schema";
import { day } from "./units";

/** CPU in millicores, memory and disk in bytes; amounts without a formula are omitted. */
export interface Amount {
  cpu?: number;
  memory?: number;
  disk?: number;
}

/** A component's needs at a load. */
export interface Formula {
  /** Path of its settings. */
  component: string;
  /** Signals that it processes. */
  signals: Signal[];
  /** URL of the published formula. */
  source: string;
  /** Needs of all its replicas together. */
  needs: (load: Load, settings: Settings) => Amount;
}

const core = 1000;
const [MB, GB] = [1e6, 1e9];
const [MiB, GiB, TiB] = [1024 ** 2, 1024 ** 3, 1024 ** 4];

/** "run Grafana Mimir with 50% extra capacity for memory and disk": https://grafana.com/docs/mimir/latest/manage/run-production-environment/planning-capacity/ */
const mimirHeadroom = 1.5;
/** The default replication factor of Loki and Tempo, on which their published numbers are based. */
const usualReplicas = 3;

/** `amount`, multiplied by `factor`. */
const times = (factor: number, amount: Amount): Amount =>
  Object.fromEntries(Object.entries(amount).map(([resource, value]) => [resource, value * factor]));

const mimirSource =
  "https://grafana.com/docs/mimir/latest/manage/run-production-environment/planning-capacity/#microservices-mode";
const mimir = (
  component: string,
  units: (load: Load, settings: Settings) => number,
  { cpu = 0, memory = 0, disk }: Amount,
): Formula => ({
  component: `mimir.${component}`,
  signals: ["metrics"],
  source: mimirSource,
  needs: (load, settings) =>
    times(units(load, settings), {
      cpu,
      memory: memory * mimirHeadroom,
      ...(disk && { disk: disk * mimirHeadroom }),
    }),
});

const lokiSource = "https://grafana.com/docs/loki/latest/setup/size/";
/** Cores and GiB of all replicas at 3 TB and at 30 TB a day, and at the "~30TB/day" of the largest tier. */
type LokiTiers = [Amount, Amount, Amount];
/**
 * Volume of an ingester for each byte that it receives per second: "~10-15GB" for "~5mb/s" below 90 % of the volume, at which an
 * ingester rejects all lines (`disk_full_threshold`). Unlike memory, this amount is the upper end: the volume must never be too small.
 * https://grafana.com/docs/loki/latest/operations/storage/wal/#disk-space-requirements
 */
const lokiWal = (15 * GB) / (5 * MB) / 0.9;
const tier = (cores: number, memory: number): Amount => ({ cpu: cores * core, memory: memory * GiB });
/**
 * Loki's tables have a column for up to 3, up to 30 and about 30 TB a day. A column applies to its upper end. Below the
 * first and beyond the last, needs are in proportion; between two columns they are interpolated.
 */
const loki = (component: string, [small, medium, large]: LokiTiers, replicated = false): Formula => ({
  component: `loki.${component}`,
  signals: ["logs"],
  source: lokiSource,
  needs: ({ logs }, settings) => {
    const daily = logs / TiB;
    const along = ({ cpu = 0, memory = 0 }: Amount, share: number): Amount => ({
      cpu: (small.cpu ?? 0) + (cpu - (small.cpu ?? 0)) * share,
      memory: (small.memory ?? 0) + (memory - (small.memory ?? 0)) * share,
    });
    const needs =
      daily <= 3
        ? times(daily / 3, small)
        : daily <= 30
          ? along(medium, (daily - 3) / 27)
          : times(daily / 30, large);
    if (!replicated) return needs;
    const { replicationFactor } = settings.loki;
    return {
      ...times(replicationFactor / usualReplicas, needs),
      disk: (logs / day) * replicationFactor * lokiWal,
    };
  },
});

/** Of Tempo 2.x, which has ingesters and compactors. */
const tempoSource =
  "https://github.com/grafana/tempo/blob/01cc7ed024d4877de4416f66ce9f0aa39292a01b/docs/sources/tempo/setup/size.md";
const tempo = (component: string, bytesPerReplica: number, replica: Amount, replicated = false): Formula => ({
  component: `tempo.${component}`,
  signals: ["traces"],
  source: tempoSource,
  needs: ({ spans }, settings) =>
    times(
      ((spans * spanBytes) / bytesPerReplica) *
        (replicated ? settings.tempo.replicationFactor / usualReplicas : 1),
      replica,
    ),
});

const alloySource = "https://grafana.com/docs/alloy/latest/introduction/estimate-resource-usage/";
/**
 * The scrape interval on which Alloy's numbers are based:
 * https://grafana.com/docs/alloy/latest/reference/components/prometheus/prometheus.scrape/
 */
const alloyInterval = 60;

/** All components of a stack with a published formula. Without index gateways, queriers do their work. */
export const formulas = ({ loki: { indexGateway } }: Settings): Formula[] => [
  mimir("distributor", ({ samples }) => samples / 25_000, { cpu: core, memory: GB }),
  mimir("ingester", ({ series }, { mimir }) => (series * mimir.replicationFactor) / 300_000, {
    cpu: core,
    // The limit of series is that of the memory which Go may use, so that the headroom is below the limit.
    memory: (2.5 * GB) / usableMemory,
    disk: 5 * GB,
  }),
  mimir("queryFrontend", ({ queries }) => queries / 250, { cpu: core, memory: GB }),
  mimir("queryScheduler", ({ queries }) => queries / 500, { cpu: core, memory: 100 * MB }),
  mimir("querier", ({ queries }) => queries / 10, { cpu: core, memory: GB }),
  {
    ...mimir("storeGateway", ({ queries }) => queries / 10, { cpu: core, memory: GB }),
    needs: ({ queries, series }, settings) => ({
      ...times(queries / 10, { cpu: core, memory: GB * mimirHeadroom }),
      // For a retention of a year.
      disk: 13 * GB * mimirHeadroom * (series / 1e6) * (loadRetention(settings).mimir / (365 * day)),
    }),
  },
  mimir("compactor", ({ series }) => series / 20e6, { cpu: core, memory: 4 * GB, disk: 300 * GB }),
  loki("distributor", [tier(8, 2), tier(80, 40), tier(200, 100)]),
  loki("ingester", [tier(12, 24), tier(180, 540), tier(600, 1200)], true),
  ...(indexGateway.replicas > 0
    ? [
        loki("querier", [tier(10, 10), tier(150, 200), tier(375, 750)]),
        loki("indexGateway", [tier(2, 8), tier(5, 40), tier(20, 80)]),
      ]
    : [loki("querier", [tier(10 + 2, 10 + 8), tier(150 + 5, 200 + 40), tier(375 + 20, 750 + 80)])]),
  // Query-schedulers are optional: query-frontends count for both.
  loki("queryFrontend", [tier(2 + 2, 4 + 1), tier(8 + 2, 16 + 1), tier(16 + 4, 64 + 1)]),
  loki("compactor", [tier(2, 10), tier(6, 20), tier(6, 40)]),
  tempo("distributor", 10 * MB, { cpu: 2 * core, memory: 2 * GB }),
  tempo("ingester", 5 * MB, { cpu: 2.5 * core, memory: 4 * GB }, true),
  tempo("querier", 2 * MB, { memory: 4 * GB }),
  tempo("compactor", 5 * MB, { cpu: core, memory: 4 * GB }),
  {
    component: "alloyMetrics",
    signals: ["metrics"],
    source: alloySource,
    needs: ({ series }, { alloyMetrics }) =>
      times(series / 1e6, {
        cpu: 0.4 * core * (alloyInterval / alloyMetrics.scrapeInterval),
        memory: 11 * GiB,
      }),
  },
  {
    component: "alloyLogs",
    signals: ["logs"],
    source: alloySource,
    needs: ({ logs }) => times(logs / day / MiB, { cpu: core, memory: 120 * MiB }),
  },
  {
    component: "objectStorage.minio",
    signals: ["metrics", "logs", "traces"],
    source: mimirSource,
    needs: (load, settings) => ({
      disk: bytesAtRetention(growths(load, settings)) * erasureCoding(settings.objectStorage.minio.servers),
    }),
  },
];
