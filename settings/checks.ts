/** Rules that check several settings together. Each returns its problems, so that all of them are reported at once. */

import { type Check, type Problem, problem } from "./check";
import { accessChecks, agentChecks } from "./checks-agents";
import { alertingChecks } from "./checks-alerting";
import { backupChecks } from "./checks-backups";
import { coldTierChecks } from "./checks-cold-tier";
import { grafanaChecks } from "./checks-grafana";
import { helmChecks } from "./checks-helm";
import { networkChecks } from "./checks-network";
import { rollupChecks } from "./checks-rollups";
import { schedulingChecks } from "./checks-scheduling";
import { storageChecks } from "./checks-storage";
import { mimirLimitChecks, storeChecks } from "./checks-stores";
import { dnsName } from "./fields";
import { quantity } from "./units";

/** Size of one segment of Alloy's write-ahead log: https://github.com/prometheus/prometheus/blob/main/tsdb/wlog/wlog.go */
const walSegment = 128 * 1024 ** 2;

/** Capacity for a few of the largest batches, of 3,000 entries or 3 MB. */
const leastQueue = 128 * 1024 ** 2;

/**
 * Volume for the buffers of spans and of OTLP metrics and logs. The buffers take one and a half times the size, twice
 * that during compaction. The metrics generated from spans need 1 GiB.
 */
const leastTracesDisk = (buffer: number): number => 3 * buffer + 1024 ** 3;

const alloyBuffers: Check = ({ alloyLogs, alloyMetrics, alloyTraces }) => [
  ...problem(
    alloyMetrics.buffer < 2 * walSegment,
    "alloyMetrics.buffer",
    quantity(alloyMetrics.buffer),
    `at least ${quantity(2 * walSegment)}, two segments of the write-ahead log`,
  ),
  ...Object.entries({ alloyLogs, alloyTraces }).flatMap(([alloy, { buffer }]) =>
    problem(
      buffer < leastQueue,
      `${alloy}.buffer`,
      quantity(buffer),
      `at least ${quantity(leastQueue)}, the size of a few batches`,
    ),
  ),
  ...problem(
    alloyTraces.disk < leastTracesDisk(alloyTraces.buffer),
    "alloyTraces.disk",
    quantity(alloyTraces.disk),
    `at least ${quantity(leastTracesDisk(alloyTraces.buffer))}, three times alloyTraces.buffer and 1Gi`,
  ),
];

/** Minimum sizes of buffers and volumes. */
const growth: Check = ({ loki, mimir, tempo, alloyMetrics }) =>
  Object.entries({
    "loki.querier": loki.querier,
    "mimir.querier": mimir.querier,
    "tempo.querier": tempo.querier,
    alloyMetrics,
  }).flatMap(([path, { replicas, maxReplicas }]) =>
    problem(
      maxReplicas < replicas,
      `${path}.maxReplicas`,
      maxReplicas,
      `at least ${path}.replicas, ${replicas}`,
    ),
  );

/** Traces are sampled once, and counted at a point where the true rate is still known. */
const sampling: Check = ({ tracing: { sampling, metricsFrom } }) => [
  ...Object.keys(sampling.services).flatMap((service) =>
    problem(
      sampling.appliedBy === "sdk" && (service === "default" || !dnsName().safeParse(service).success),
      "tracing.sampling.services",
      service,
      "names of Instrumentation objects, because tracing.sampling.appliedBy is sdk: lowercase letters, digits and dashes, at most 63, and not default",
    ),
  ),
  ...problem(
    sampling.appliedBy === "collector" && metricsFrom !== "alloy",
    "tracing.metricsFrom",
    metricsFrom,
    "alloy, because tracing.sampling.appliedBy is collector: the traces that reach Tempo are too few for correct counts",
  ),
  ...problem(
    sampling.appliedBy === "sdk" &&
      Math.min(sampling.ratio, ...Object.values(sampling.services)) < 1 &&
      metricsFrom !== "tempo",
    "tracing.metricsFrom",
    metricsFrom,
    "tempo, because SDKs sample: Tempo's metrics-generator corrects its counts by the ratio",
  ),
];

const cadvisorExposed: Check = ({ cadvisor }) =>
  problem(
    cadvisor.enabled && cadvisor.expose.length === 0,
    "cadvisor.expose",
    cadvisor.expose,
    "serviceMonitor, nodePort or both, because cadvisor.enabled is true",
  );

/** Every `memoryLimit` is at least the `memory` of the same component. */
const memoryLimits: Check = (settings) => {
  const visit = (node: unknown, path: string): Problem[] => {
    if (typeof node !== "object" || node === null) return [];
    const { memory, memoryLimit } = node as { memory?: number; memoryLimit?: number };
    const here =
      memory !== undefined && memoryLimit !== undefined && memoryLimit < memory
        ? problem(
            true,
            `${path}.memoryLimit`,
            quantity(memoryLimit),
            `at least ${path}.memory, ${quantity(memory)}`,
          )
        : [];
    return [
      ...here,
      ...Object.entries(node).flatMap(([key, child]) => visit(child, path ? `${path}.${key}` : key)),
    ];
  };
  return visit(settings, "");
};

/** All rules that check several settings together. */
export const checks: Check[] = [
  ...storageChecks,
  ...coldTierChecks,
  ...backupChecks,
  ...storeChecks,
  growth,
  ...accessChecks,
  ...agentChecks,
  alloyBuffers,
  ...mimirLimitChecks,
  ...rollupChecks,
  ...schedulingChecks,
  sampling,
  cadvisorExposed,
  ...grafanaChecks,
  ...alertingChecks,
  ...networkChecks,
  ...helmChecks,
  memoryLimits,
];
