import { type Check, type Finding, findingIn } from "../check";
import { total } from "../metrics";
import { query } from "../prometheus";
import { type Reading, readings } from "../readings";

/** Seconds for which Loki's compactor may not get through; it runs every 10 minutes. The alert's, LokiCompactorBehind. */
const lokiCompactor = 7200;

/** Runs of Mimir's compactor that may fail; the alert's, MimirCompactionFailing. */
const mimirRuns = 2.5;

/** Seconds for which a block may wait for the bucket; the alert's, MimirBlocksNotShipped. */
const unshipped = 3600;

/** Shares of the volume of Loki's WAL: noted, and from where on Loki writes no WAL any more. */
const walDisk = { warning: 0.8, critical: 0.9 } as const;

const minutes = (seconds: number) => `${Math.round(seconds / 60)} minutes`;

const finding = findingIn("components");

/** Counters of what ingesters could not write, and where one reads on. */
const writes: Record<string, { what: string; page: string }> = {
  loki_ingester_chunks_flush_failures_total: {
    what: "chunks to the bucket",
    page: "docs/operations/runbooks/LokiFlushFailing.md",
  },
  cortex_ingester_shipper_upload_failures_total: {
    what: "blocks to the bucket",
    page: "docs/operations/runbooks/MimirBlocksNotShipped.md",
  },
  tempo_ingester_failed_flushes_total: {
    what: "blocks to the bucket",
    page: "docs/operations/runbooks/TempoFlushFailing.md",
  },
  loki_ingester_wal_disk_full_failures_total: { what: "its WAL", page: "docs/operations/runbook.md#storage" },
  cortex_ingester_tsdb_wal_writes_failed_total: {
    what: "its WAL",
    page: "docs/operations/runbook.md#storage",
  },
  cortex_ingester_tsdb_wal_truncations_failed_total: {
    what: "its WAL shorter",
    page: "docs/operations/runbook.md#storage",
  },
  tempodb_compaction_errors_total: {
    what: "blocks that it joined",
    page: "docs/operations/runbooks/TempoCompactionFailing.md",
  },
};

/** Since when nothing has succeeded: the last time, or the start where there was none. */
const since = (one: Reading, name: string): number => {
  const last = Math.max(0, ...one.now(name).map(({ value }) => value));
  return last || one.started / 1000;
};

/** What is wrong with what a pod does besides taking and giving signals. @param now in seconds */
export function judgeUpkeep(one: Reading, now: number): Finding[] {
  const { component, namespace, pod } = one;
  const logs = `kubectl -n ${namespace} logs ${pod} --tail=50`;
  const found: Finding[] = [];
  for (const [name, { what, page }] of Object.entries(writes)) {
    const failures = total(one.grown(name));
    if (failures)
      found.push(
        finding(
          "warning",
          `${namespace}/${pod} cannot write ${what}`,
          `${name} grew by ${failures} within ${one.seconds.toFixed(0)} s`,
          `what it says: ${logs}`,
          page,
        ),
      );
  }
  const behind = (name: string, limit: number, page: string) => {
    const seconds = now - since(one, name);
    if (one.now(name).length && seconds > limit)
      found.push(
        finding(
          "warning",
          `${namespace}/${pod} has not got through for ${minutes(seconds)}`,
          `${name} is ${minutes(seconds)} ago; ${minutes(limit)} are allowed`,
          `what it says: ${logs}`,
          page,
        ),
      );
  };
  if (component === "loki-compactor")
    for (const what of ["boltdb_shipper_compact_tables_operation", "compactor_apply_retention"])
      behind(
        `loki_${what}_last_successful_run_timestamp_seconds`,
        lokiCompactor,
        "docs/operations/runbooks/LokiCompactorBehind.md",
      );
  if (component === "mimir-compactor")
    behind(
      "cortex_compactor_last_successful_run_timestamp_seconds",
      mimirRuns * (one.now("cortex_compactor_compaction_interval_seconds")[0]?.value ?? 7200),
      "docs/operations/runbooks/MimirCompactionFailing.md",
    );
  const oldest = total(one.now("cortex_ingester_oldest_unshipped_block_timestamp_seconds"));
  if (oldest && now - oldest > unshipped)
    found.push(
      finding(
        "critical",
        `a block of ${namespace}/${pod} has waited ${minutes(now - oldest)} for the bucket`,
        "cortex_ingester_oldest_unshipped_block_timestamp_seconds",
        `what it says: ${logs}`,
        "docs/operations/runbooks/MimirBlocksNotShipped.md",
      ),
    );
  const wal = Math.max(0, ...one.now("loki_ingester_wal_disk_usage_percent").map(({ value }) => value));
  const severity = (["critical", "warning"] as const).find((level) => wal > walDisk[level]);
  if (severity)
    found.push(
      finding(
        severity,
        `the volume of the WAL of ${namespace}/${pod} is ${(wal * 100).toFixed(0)} % full`,
        `loki_ingester_wal_disk_usage_percent is ${wal.toFixed(2)}; above ${walDisk.critical} it is not written any more`,
        "does it flush? else raise loki.ingester.disk",
        "docs/operations/runbook.md#storage",
      ),
    );
  return found;
}

/** Minutes of Prometheus' past: what is written to buckets is so every quarter of an hour or less often. */
const past = 15;

/** Compactors that do not get through, WALs that grow, and what could not be written to buckets. */
export const check: Check = {
  name: "upkeep",
  async look(context) {
    // One question for all: each has its name in a label of its own.
    const question = Object.keys(writes)
      .map(
        (name) =>
          `label_replace(sum by (namespace, pod) (increase(${name}[${past}m])) > 0, "counter", "${name}", "", "")`,
      )
      .join(" or ");
    const [all, failed = []] = await Promise.all([readings(context), query(context, question)]);
    const now = all.flatMap((one) => judgeUpkeep(one, Date.now() / 1000));
    // What failed and may have gone well since is told, and makes nobody ill.
    const before = failed.map(({ labels, value }): Finding => {
      const { namespace, pod, counter = "" } = labels;
      return finding(
        "note",
        `${namespace}/${pod} could not write ${writes[counter]?.what} in the last ${past} minutes`,
        `${counter} grew by ${Math.ceil(value)}; it is tried again`,
        "look again in a while",
        writes[counter]?.page ?? "docs/operations/runbook.md#storage",
      );
    });
    return [...now, ...before.filter(({ page }) => !now.some((one) => one.page === page))];
  },
};
