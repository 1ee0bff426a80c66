import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { expect } from "chai";
import type { Benchmark } from "../../bench/benchmark";
import { rowsOf } from "../../bench/benchmarks/freshness";
import { limitOfPod, restRows } from "../../bench/benchmarks/rest";
import { componentTable, signalTable, verdicts } from "../../bench/benchmarks/throughput";
import { chartIn, withDefaults } from "../../bench/defaults";
import { machineText } from "../../bench/machine";
import { markdownTable, section, written } from "../../bench/page";
import { millicoresOf, nothing, ofPod, requested } from "../../bench/requested";
import { median, percentile, ratio, shortOf, spread } from "../../bench/statistics";
import { planOf } from "../../cli/commands/load/plan";
import type { Report } from "../../cli/commands/load/report";
import { exhausted, signalRows } from "../../cli/commands/load/verdict";
import type { KubernetesObject, ReleaseInputs } from "../../cli/lib/render";
import { signalMap } from "../chaos/watch";
import { settingsOf } from "../support/stacks";

const Mi = 1024 ** 2;

describe("unit: bench, numbers", () => {
  it("takes the middle value, and the mean of two", () => {
    expect(median([30, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(median([7])).to.equal(7);
    expect(median([])).to.be.NaN;
  });

  it("takes percentiles from measured values", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).to.deep.equal([50, 95, 99, 100]);
    expect(percentile([3, 1, 2], 0.95)).to.equal(3);
    expect(percentile([5], 0)).to.equal(5);
    expect(percentile([], 0.5)).to.be.NaN;
  });

  it("compares within each repetition", () => {
    // The machine was ten times as slow in the second one; separate medians would result in 10 / 2.
    expect(ratio([4, 40, 10], [2, 20, 1])).to.equal(2);
    expect(ratio([], [])).to.be.NaN;
  });

  it("prints the median with the minimum and the maximum", () => {
    expect(spread([12.345, 11, 14])).to.equal("12.3 (11 to 14)");
    expect(spread([1234.4])).to.equal("1234");
    expect(spread([])).to.equal("-");
    expect(shortOf(0.01234)).to.equal("0.0123");
  });
});

const object = (
  kind: string,
  name: string,
  spec: unknown,
): { namespace: string; object: KubernetesObject } => ({
  namespace: "a",
  object: { apiVersion: "v1", kind, metadata: { name }, spec },
});
const container = (cpu?: string | number, memory?: string) => ({
  resources: { requests: { ...(cpu && { cpu }), ...(memory && { memory }) } },
});
const template = (...containers: object[]) => ({ spec: { containers } });
const claim = (storage: string, name = "data") => ({
  metadata: { name },
  spec: { resources: { requests: { storage } } },
});

describe("unit: bench, requested resources", () => {
  it("parses cores as Kubernetes does", () => {
    expect(["250m", "0.5", 2, undefined].map(millicoresOf)).to.deep.equal([250, 500, 2000, 0]);
  });

  it("counts a pod as the scheduler does", () => {
    const pod = { containers: [container("100m", "64Mi"), container("50m", "32Mi")] };
    expect(ofPod(pod)).to.deep.equal({ ...nothing, pods: 1, cpu: 150, memory: 96 * Mi, containers: 2 });
    // For an init container, the larger of the two counts; a sidecar is added to the containers.
    expect(ofPod({ ...pod, initContainers: [container("1", "16Mi")] })).to.include({
      cpu: 1000,
      memory: 96 * Mi,
    });
    const sidecar = { ...container("1", "16Mi"), restartPolicy: "Always" };
    expect(ofPod({ ...pod, initContainers: [sidecar] })).to.include({
      cpu: 1150,
      memory: 112 * Mi,
      containers: 3,
    });
  });

  it("reports containers without requests, or with only one of the two", () => {
    const { unasked } = ofPod({
      containers: [container("1"), container(undefined, "1Gi"), {}, container("1", "1Gi")],
    });
    expect(unasked).to.equal(3);
  });

  it("multiplies by replicas, nodes and the initial replicas of an autoscaler", () => {
    const one = template(container("100m", "1Mi"));
    const cpu = (...objects: { namespace: string; object: KubernetesObject }[]) => requested(objects, 3).cpu;
    expect(cpu(object("Deployment", "d", { template: one }))).to.equal(100);
    expect(cpu(object("StatefulSet", "s", { replicas: 0, template: one }))).to.equal(0);
    expect(cpu(object("DaemonSet", "d", { template: one }))).to.equal(300);
    const scaled = (kind: string, least: object, of = "d") =>
      object(kind, "x", { scaleTargetRef: { kind: "Deployment", name: of }, ...least });
    const deployment = object("Deployment", "d", { replicas: 9, template: one });
    expect(cpu(deployment, scaled("HorizontalPodAutoscaler", { minReplicas: 2 }))).to.equal(200);
    expect(cpu(deployment, scaled("ScaledObject", { minReplicaCount: 4 }))).to.equal(400);
    expect(cpu(deployment, scaled("ScaledObject", { minReplicaCount: 4 }, "other"))).to.equal(900);
    expect(cpu(object("Job", "j", { template: one }))).to.equal(0);
    expect(cpu(object("ConfigMap", "c", undefined))).to.equal(0);
  });

  it("counts pods of operators", () => {
    const args = ["--config-reloader-cpu-request=10m", "--config-reloader-memory-request=25Mi"];
    const operator = object("Deployment", "operator", {
      template: template({ ...container("1m", "1Mi"), args }),
    });
    const prometheus = object("Prometheus", "p", { replicas: 2, ...container("500m", "1Mi") });
    expect(requested([operator, prometheus])).to.include({
      cpu: 1 + 2 * 510,
      memory: (1 + 2 * 26) * Mi,
      pods: 3,
    });
    const collector = object("OpenTelemetryCollector", "c", {
      mode: "deployment",
      ...container("10m", "1Mi"),
    });
    expect(requested([collector]).cpu).to.equal(10);
    const alloy = { controller: { type: "daemonset" }, alloy: container("10m", "1Mi") };
    expect(requested([object("Alloy", "a", alloy)], 3).cpu).to.equal(30);
  });

  it("counts each volume once, including one created before its StatefulSet", () => {
    const set = object("StatefulSet", "minio", {
      replicas: 2,
      template: template(),
      volumeClaimTemplates: [claim("10Gi", "export")],
    });
    const made = (name: string) => object("PersistentVolumeClaim", name, claim("20Gi").spec);
    const gibibytes = (...all: Parameters<typeof requested>[0]) => requested(all).volumes / 1024 / Mi;
    expect(gibibytes(set)).to.equal(20);
    expect(gibibytes(set, made("export-minio-0"), made("other"))).to.equal(20 + 10 + 20);
    expect(gibibytes(made("export-minio-0"), set)).to.equal(20 + 10);
    expect(
      gibibytes(object("Prometheus", "p", { replicas: 2, storage: { volumeClaimTemplate: claim("5Gi") } })),
    ).to.equal(10);
  });

  it("keeps only the mode of a release's values", () => {
    const release: ReleaseInputs = { name: "grafana", namespace: "g", chart: "c", values: { replicas: 9 } };
    expect(withDefaults(release)).to.deep.equal({ ...release, values: {} });
    expect(withDefaults({ ...release, name: "loki" }).values).to.include({ deploymentMode: "Distributed" });
  });

  it("finds a chart as a folder or a package, but not by a part of its name", () => {
    const folder = mkdtempSync(join(tmpdir(), "observability-"));
    try {
      mkdirSync(join(folder, "one"));
      writeFileSync(join(folder, "one", "Chart.yaml"), "version: 1.2.3\n");
      writeFileSync(join(folder, "two-more-4.5.6.tgz"), "");
      expect(chartIn(folder, "one")).to.deep.equal({ chart: join(folder, "one"), version: "1.2.3" });
      expect(chartIn(folder, "two-more")?.version).to.equal("4.5.6");
      expect(chartIn(folder, "two")).to.equal(undefined);
      expect(chartIn(join(folder, "none"), "one")).to.equal(undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("unit: bench, components at rest", () => {
  const pod = (name: string, limit?: string): V1Pod => ({
    metadata: { namespace: "loki", name, generateName: `${name}-` },
    spec: {
      containers: [
        {
          name,
          resources: {
            requests: { cpu: "100m", memory: "64Mi" },
            ...(limit && { limits: { memory: limit } }),
          },
        },
      ],
    },
  });
  const used = (component: string, memory: number) => ({
    component,
    pods: 1,
    cores: memory / 100,
    memory,
    restarts: 0,
  });

  it("uses medians, lists the largest first, and adds up replicas", () => {
    const pods = [pod("loki-a", "1Mi"), pod("loki-b", "1Mi"), pod("loki-b", "2Mi")];
    const rows = restRows(pods, [
      [used("loki-a", 1), used("loki-b", 10)],
      [used("loki-a", 3), used("loki-b", 30)],
      [used("loki-a", 2), used("loki-b", 20)],
    ]);
    expect(rows.map(({ component, memory, cores }) => [component, memory, cores])).to.deep.equal([
      ["loki-b", 20, 0.2],
      ["loki-a", 2, 0.02],
    ]);
    expect(rows[0]).to.deep.include({ pods: 2, limit: 3 * Mi });
    expect(rows[0]?.asked).to.include({ cpu: 200, memory: 128 * Mi });
  });

  it("reports a missing limit", () => {
    expect(limitOfPod(pod("x", "2Mi"))).to.equal(2 * Mi);
    expect(limitOfPod(pod("x"))).to.equal(undefined);
    expect(restRows([pod("loki-b", "1Mi"), pod("loki-b")], [])[0]?.limit).to.equal(undefined);
  });
});

describe("unit: bench, signals", () => {
  const plan = planOf(
    settingsOf("dev"),
    { logs: 200, series: 0, spans: 0, queries: 0, steps: 2, duration: 10 },
    "r",
  );
  const reportOf = (lines: number, errors: number, cores: number): Report => {
    const summary = {
      seconds: 20,
      dropped: 0,
      steps: [
        { logs: { items: 1000, refused: 0, errors: 0 } },
        { logs: { items: lines, refused: 0, errors } },
      ],
      answer: { logs: { count: 3, p50: 10, p95: 20, p99: 30 } },
      visible: { logs: { count: 18, lost: 0, p50: 500, p95: 1500, p99: 2500 } },
      words: {},
    };
    return {
      ...{
        stack: "s",
        run: "r",
        plan,
        summary,
        signals: signalRows(plan, summary),
        exhausted: exhausted(plan, summary),
      },
      ...{ autoscalers: [], discarded: {}, missing: [] },
      components: [{ component: "a", pods: 1, cores, memory: Mi, restarts: 1 }],
    };
  };

  it("shows the sustained rates of all repetitions, and the bottleneck of each", () => {
    const reports = [reportOf(2000, 0, 1), reportOf(1000, 500, 3), reportOf(2000, 0, 2)];
    expect(signalTable(reports).rows).to.deep.equal([
      ["logs (lines/s)", "200 (100 to 200)", "200", "500", "0.02 (0.02 to 0.02)", "1.5 (1.5 to 1.5)"],
    ]);
    expect(componentTable(reports).rows).to.deep.equal([["a", "2.00", "1", "3"]]);
    const [first, second] = verdicts(reports);
    expect(first).to.equal("Repetition 1: no bottleneck reached.");
    expect(second).to.match(
      /^Repetition 2: bottleneck in step 2 of 2: Loki's write path .*: 500 of about 2000 lines failed\.$/,
    );
  });

  it("has rows for each signal under each load", () => {
    const idle = {
      seconds: signalMap((one) => (one === "lines" ? [3, 1, 2] : [])),
      lost: signalMap(() => 4),
      atGateways: [],
    };
    const rows = rowsOf({ idle });
    expect(rows).to.have.length(4);
    expect(rows[0]?.slice(1)).to.deep.equal(["idle", "3", "4", "2", "3", "3"]);
    expect(rows[3]?.slice(2)).to.deep.equal(["0", "4", "-", "-", "-"]);
  });
});

describe("unit: bench, results.md", () => {
  const page = readFileSync("bench/results.md", "utf8");
  // Loaded here, outside any test's timeout: they load the Automation API.
  const files = readdirSync("bench/benchmarks").map((file) => basename(file, ".ts"));
  const names = files.map(
    (file) => (require(`../../bench/benchmarks/${file}`) as { benchmark: Benchmark }).benchmark.name,
  );
  const about = { date: "2026-01-31", command: "npm run bench -- x", machine: "2 cores" };
  const table = {
    title: "T",
    head: ["a", "n", "of"],
    rows: [
      ["x|y", "1.5", "2 of 3"],
      ["z", "-", "none"],
    ],
  };

  it("aligns numbers to the right in tables", () => {
    expect(markdownTable(table)).to.equal(
      "| a | n | of |\n|---|--:|---|\n| x\\|y | 1.5 | 2 of 3 |\n| z | - | none |",
    );
  });

  it("replaces one section and keeps the others", () => {
    const result = { tables: [table], notes: ["a note."], skipped: ["this, because"], measured: {} };
    const once = written(page, "rest", section(result, about));
    expect(once).to.include(
      "Measured on 2026-01-31: 2 cores.\n\n```\nnpm run bench -- x\n```\n\nT:\n\n| a |",
    );
    expect(once).to.include("- a note.\n\nLeft out: this, because.\n<!-- end of bench rest -->");
    expect(written(once, "rest", section(result, about))).to.equal(once);
    const without = (text: string) =>
      text.replace(/<!-- bench rest -->[\s\S]*<!-- end of bench rest -->/, "");
    expect(without(once)).to.equal(without(page));
    expect(() => written(page, "none", "")).to.throw("bench/results.md has no section for none");
  });

  it("has a section for each benchmark, named after its file", () => {
    expect(files).to.have.length.greaterThan(5);
    expect(names).to.deep.equal(files);
    for (const name of names) expect(written(page, name, "here")).to.include("here");
  });

  it("names the machine of the figures", () => {
    const here = { cores: 2, memory: 8 * 1024 * Mi, load: 1.25 };
    const versions = { Node: "v20" };
    expect(machineText({ here, versions })).to.equal(
      "2 cores, 8Gi, load average 1.3 at the start; no cluster; Node v20",
    );
    const cluster = { nodes: 2, kubernetes: "v1", cores: 4, memory: 1024 * Mi };
    expect(machineText({ here, versions, cluster })).to.include("Kubernetes v1 on 2 nodes with 4 cores, 1Gi");
  });
});
