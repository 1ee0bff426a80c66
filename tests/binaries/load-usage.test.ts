/** The queries of `obs load`, as Prometheus evaluates them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { replicaQueries, usageQueries } from "../../cli/commands/load/observe";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const settings = settingsOf("dev");
const own = 'namespace="loki"';
const workload = (pod: string, name: string) =>
  `namespace_workload_pod:kube_pod_owner:relabel{${own}, pod="${pod}", workload="${name}", workload_type="x"}`;
const hpa = `kube_horizontalpodautoscaler_status_current_replicas{${own}, horizontalpodautoscaler="q"}`;

/** Series every 30 s: replica b replaces a, which ends; another namespace's pod is not part of the stack. */
const series = {
  [workload("a", "querier")]: "1x15 _x20",
  [workload("b", "querier")]: "_x15 1x20",
  [workload("c", "ingester")]: "1x40",
  'namespace_workload_pod:kube_pod_owner:relabel{namespace="shop", pod="d", workload="shop"}': "1x40",
  [`container_cpu_usage_seconds_total{${own}, pod="b", container="one"}`]: "0+15x40",
  [`container_cpu_usage_seconds_total{${own}, pod="b", container="two"}`]: "0+15x40",
  [`container_cpu_usage_seconds_total{${own}, pod="b", container=""}`]: "0+30x40",
  'container_cpu_usage_seconds_total{namespace="shop", pod="d", container="one"}': "0+30x40",
  [`container_memory_working_set_bytes{${own}, pod="a", container="one"}`]: "100x12 300 100 100 _x30",
  [`container_memory_working_set_bytes{${own}, pod="b", container="one"}`]: "_x15 200x20",
  // Restarts before the run do not count; the one of its last second is scraped later.
  [`kube_pod_container_status_restarts_total{${own}, pod="c", container="one"}`]: "2x12 3x6 4x20",
  [hpa]: "1x9 5x6 3x20",
};

describe("binaries: the queries of obs load", function () {
  this.timeout(60_000);
  let promtool: string;
  let folder: string;

  before(function () {
    [promtool = ""] = needs(this, "promtool");
    folder = mkdtempSync(join(tmpdir(), "observability-load-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("add up usage by workload, and read replicas at the start, at most and at the end", () => {
    const usage = usageQueries(settings, 300);
    const replicas = replicaQueries(settings, 300);
    const of = (name: string) => `{${own}, workload="${name}"}`;
    const scaler = `{${own}, horizontalpodautoscaler="q"}`;
    const expected: [expr: string, samples: [labels: string, value: number][]][] = [
      [
        usage.pods,
        [
          [of("ingester"), 1],
          [of("querier"), 2],
        ],
      ],
      [usage.cores, [[of("querier"), 1]]],
      [usage.memory, [[of("querier"), 500]]],
      [usage.restarts, [[of("ingester"), 2]]],
      [replicas.start, [[scaler, 1]]],
      [replicas.highest, [[scaler, 5]]],
      [replicas.end, [[scaler, 3]]],
    ];
    const file = join(folder, "test.yaml");
    const test = {
      interval: "30s",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        ...expected.map(([expr, samples]) => ({
          expr,
          eval_time: "570s",
          exp_samples: samples.map(([labels, value]) => ({ labels, value })),
        })),
        // promtool loads series until the last query.
        { expr: "vector(1)", eval_time: "600s", exp_samples: [{ labels: "{}", value: 1 }] },
      ],
    };
    writeFileSync(file, stringify({ rule_files: [], evaluation_interval: "30s", tests: [test] }));
    const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
    expect(status, `${stdout}${stderr}`).to.equal(0);
  });
});
