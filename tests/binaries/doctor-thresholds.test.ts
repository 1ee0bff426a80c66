/** The queries of the doctor's thresholds, as Prometheus evaluates them: series that exceed one, and series that do not. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { thresholds } from "../../cli/commands/doctor/checks/thresholds";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

/** Series with their values every 30 s for ten minutes, by a metric of the query that reads them. */
interface Case {
  metric: string;
  /** A sample of the result, as promtool writes it. */
  found: { labels: string; value: number };
  over: Record<string, string>;
  under: Record<string, string>;
}

const cases: Case[] = [
  {
    metric: "up{",
    found: { labels: '{namespace="loki", pod="a"}', value: 0 },
    over: { 'up{namespace="loki", pod="a"}': "1x10 0x10", 'up{namespace="shop", pod="b"}': "0x20" },
    // One failed scrape is no outage, and a deleted pod is no target.
    under: { 'up{namespace="loki", pod="a"}': "1x17 0 1 1", 'up{namespace="loki", pod="b"}': "0x17 stale" },
  },
  {
    metric: "tempo_ingester_live_traces",
    found: { labels: '{tenant="traces"}', value: 0.9 },
    over: {
      'tempo_ingester_live_traces{pod="a", tenant="traces"}': "900x20",
      'tempo_limits_defaults{pod="a", limit_name="max_local_traces_per_user"}': "1000x20",
      'tempo_limits_defaults{pod="a", limit_name="max_bytes_per_trace"}': "5000000x20",
    },
    under: {
      'tempo_ingester_live_traces{pod="a", tenant="traces"}': "700x20",
      'tempo_limits_defaults{pod="a", limit_name="max_local_traces_per_user"}': "1000x20",
    },
  },
  {
    metric: "minio_bucket_quota_total_bytes",
    found: { labels: '{bucket="loki"}', value: 0.92 },
    over: {
      'minio_bucket_usage_total_bytes{server="a", bucket="loki"}': "92x20",
      'minio_bucket_quota_total_bytes{server="b", bucket="loki"}': "100x20",
    },
    // A quota of 0 is none.
    under: {
      'minio_bucket_usage_total_bytes{bucket="loki"}': "92x20",
      'minio_bucket_quota_total_bytes{bucket="loki"}': "0x20",
    },
  },
  {
    metric: "loki_ingester_wal_disk_usage_percent",
    found: { labels: '{namespace="loki", pod="a"}', value: 0.95 },
    over: { 'loki_ingester_wal_disk_usage_percent{namespace="loki", pod="a"}': "0.95x20" },
    under: { 'loki_ingester_wal_disk_usage_percent{namespace="loki", pod="a"}': "0.7x20" },
  },
  {
    metric: "cortex_ingester_tsdb_wal_writes_failed_total",
    found: { labels: '{namespace="mimir", pod="a"}', value: 6 },
    over: { 'cortex_ingester_tsdb_wal_writes_failed_total{namespace="mimir", pod="a"}': "0+1x20" },
    under: { 'cortex_ingester_tsdb_wal_writes_failed_total{namespace="mimir", pod="a"}': "3+0x20" },
  },
];

describe("binaries: the doctor's thresholds", function () {
  this.timeout(60_000);
  let promtool: string;
  let folder: string;
  const all = thresholds(settingsOf("dev"));

  before(function () {
    [promtool = ""] = needs(this, "promtool");
    folder = mkdtempSync(join(tmpdir(), "observability-thresholds-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("each has a case", () => {
    for (const { promql } of all) expect(cases.some(({ metric }) => promql.includes(metric))).to.equal(true);
  });

  it("find series past the threshold, and no others", () => {
    const tests = cases.flatMap(({ metric, found, over, under }) =>
      all
        .filter(({ promql }) => promql.includes(metric))
        .flatMap(({ promql }) =>
          [
            { series: over, exp_samples: [found] },
            { series: under, exp_samples: [] },
          ].map(({ series, exp_samples }) => ({
            interval: "30s",
            input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
            promql_expr_test: [{ expr: promql, eval_time: "10m", exp_samples }],
          })),
        ),
    );
    const file = join(folder, "test.yaml");
    writeFileSync(file, stringify({ rule_files: [], evaluation_interval: "30s", tests }));
    const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
    expect(status, `${stdout}${stderr}`).to.equal(0);
  });
});
