/** Log lines of real programs, in the kubelet's files, through the real Alloy: text, level and number of entries. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { parseSettings } from "../../settings";
import { type LogEntry, LogReceiver } from "../support/otlp-logs";
import { containerFolder, envelopes, type Runtime, runtimes, startCollector } from "../support/pod-logs";
import type { Server } from "../support/servers";
import { needs } from "../support/tools";
import * as forms from "./logs-lines";
import { moreChecks, moreLevels, moreNoChecks, moreTraces } from "./logs-more";
import { levelsOfSoftware, tracesOfSoftware } from "./logs-software";

const { ESC, errorsOnly } = forms;
const checks = [...forms.checks, ...moreChecks];
const noChecks = [...forms.noChecks, ...moreNoChecks];
const levels = [...forms.levels, ...levelsOfSoftware, ...moreLevels];
const traces = [...forms.traces, ...tracesOfSoftware, ...moreTraces];

/** Without the colors, which Loki does not get. */
const plain = (line: string) =>
  line
    .split(ESC)
    .map((part, index) => (index ? part.replace(/^\[[\d;]*m/, "") : part))
    .join("");

interface Sample {
  namespace: string;
  lines: string[];
}

const long = (kib: number) => `BEGIN-${kib} ${"x".repeat(kib * 1024)} END-${kib}`;
const samples: Record<string, Sample> = {
  levels: { namespace: "shop", lines: levels.map(([, , line]) => line) },
  checks: { namespace: "shop", lines: [...checks, ...noChecks].map(([, line]) => line) },
  "errors-only": { namespace: "kube-system", lines: [...errorsOnly.dropped, ...errorsOnly.kept] },
  blank: { namespace: "shop", lines: ["one", "", "   ", "two"] },
  long: { namespace: "shop", lines: [20, 100, 300].flatMap((kib) => [long(kib), `after-${kib}`]) },
  "too-long": {
    namespace: "shop",
    lines: [900, 1000, 1100, 1200].flatMap((kib) => [long(kib), `after-${kib}`]),
  },
  ...Object.fromEntries(traces.map(([, lines], index) => [`trace-${index}`, { namespace: "shop", lines }])),
};

const end = "error: end of the sample";

describe("cases: log lines of real programs", function () {
  this.timeout(120_000);
  let folder: string;
  let receiver: LogReceiver | undefined;
  let collector: Server | undefined;

  /** What came of a sample, in the order of its lines. */
  const entries = (name: string, runtime: Runtime): LogEntry[] =>
    (receiver?.entries ?? [])
      .filter(({ labels, line }) => labels["container_name"] === `${name}-${runtime}` && line !== end)
      .sort((a, b) => Number(a.time - b.time));
  const lines = (name: string, runtime: Runtime) => entries(name, runtime).map(({ line }) => line);

  before(async function () {
    const [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-log-lines-"));
    const files = join(folder, "pods");
    const began = Date.now() - 60_000;
    const fileOf = (namespace: string, name: string, runtime: Runtime) =>
      join(containerFolder(files, namespace, `${name}-pod`, `${name}-${runtime}`), "0.log");
    for (const [name, { namespace, lines }] of Object.entries(samples))
      for (const runtime of runtimes)
        writeFileSync(
          fileOf(namespace, name, runtime),
          lines
            .map((line, index) => envelopes[runtime](line, "stdout", new Date(began + index).toISOString()))
            .join(""),
        );
    const raw = containerFolder(files, "shop", "raw", "raw");
    const time = new Date(began).toISOString();
    writeFileSync(
      join(raw, "0.log"),
      Buffer.concat([
        Buffer.from(`${time} stdout F ERROR bad bytes `),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(` end\n${time} stderr F one of stderr\n${time} stdout F   indented of stdout\n`),
        Buffer.from(`${time} stdout P ERROR last words without a newline\n`),
      ]),
    );
    const old = new Date(began - 8 * 86_400_000).toISOString();
    writeFileSync(
      join(containerFolder(files, "shop", "weekly", "weekly"), "0.log"),
      `${old} stdout F too old for Loki\n${time} stdout F once a week\nwithout a time\n`,
    );
    receiver = await LogReceiver.start();
    collector = await startCollector(alloy, {
      settings: parseSettings("test", { environment: "dev", cluster: { name: "test" } }),
      storage: join(folder, "alloy"),
      files,
      url: receiver.url,
    });
    const complete = () =>
      receiver?.entries.filter(({ line }) => line === end).length === 2 * Object.keys(samples).length &&
      receiver.entries.some(({ line }) => line.includes("last words"));
    // A program that crashes is quiet after its trace: nothing that follows completes the last entry.
    const quiet = () => new Set(receiver?.entries.map(({ labels }) => labels["container_name"])).size;
    const deadline = Date.now() + 90_000;
    while (quiet() < 2 * Object.keys(samples).length && Date.now() < deadline) await wait(250);
    await wait(8000);
    for (const [name, { namespace }] of Object.entries(samples))
      for (const runtime of runtimes)
        appendFileSync(
          fileOf(namespace, name, runtime),
          envelopes[runtime](end, "stdout", new Date(began + 50_000).toISOString()),
        );
    while (!complete()) {
      if (Date.now() > deadline) throw new Error(`not all samples came\n${collector.log.slice(-4000)}`);
      await wait(250);
    }
  });

  after(async () => {
    await collector?.stop();
    await receiver?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("drops lines that are too old for Loki, and no line without a time", () => {
    const weekly = receiver?.entries.filter(({ labels }) => labels["container_name"] === "weekly");
    expect(weekly?.map(({ line }) => line)).to.have.members(["once a week", "without a time"]);
  });

  for (const runtime of runtimes)
    describe(runtime, () => {
      it("gives each line its level", () => {
        const found = entries("levels", runtime).map(({ line, labels }) => `${labels["level"]}: ${line}`);
        expect(found).to.deep.equal(levels.map(([level, , line]) => `${level}: ${plain(line)}`));
      });

      traces.forEach(([source, written, sizes], index) => {
        it(`keeps together: ${source}`, () => {
          const rest = [...written];
          const wanted = sizes.map((size) => rest.splice(0, size).join("\n").trimEnd());
          expect(lines(`trace-${index}`, runtime)).to.deep.equal(wanted);
        });
      });

      it("drops health checks that succeeded, and nothing else", () => {
        expect(lines("checks", runtime)).to.deep.equal(noChecks.map(([, line]) => plain(line)));
      });

      it("keeps the errors of kube-system, and whole stack traces", () => {
        const { kept } = errorsOnly;
        const panic = kept.findIndex((line) => line.startsWith("panic"));
        expect(lines("errors-only", runtime)).to.deep.equal([
          ...kept.slice(0, panic),
          kept.slice(panic).join("\n"),
        ]);
      });

      it("drops blank lines", () => {
        expect(lines("blank", runtime)).to.deep.equal(["one", "two"]);
      });

      it("puts long lines together again", () => {
        expect(lines("long", runtime)).to.deep.equal(samples["long"]?.lines);
      });

      it("cuts lines of 900 KiB and more, and keeps those around them", () => {
        expect(lines("too-long", runtime).map((line) => line.replace(/x{3,}/, "x"))).to.deep.equal(
          [900, 1000, 1100, 1200].flatMap((kib) => [`BEGIN-${kib} x [truncated]`, `after-${kib}`]),
        );
      });
    });

  it("keeps streams apart, replaces bytes that are no UTF-8, and delivers last words without a newline", () => {
    const found = (receiver?.entries ?? []).filter(({ labels }) => labels["pod_name"] === "raw");
    expect(found.map(({ line }) => line)).to.have.members([
      "ERROR bad bytes \ufffd\ufffd end\n  indented of stdout",
      "one of stderr",
      "ERROR last words without a newline",
    ]);
  });

  it("sends the labels that Loki indexes, and nothing else", () => {
    const [entry] = entries("errors-only", "containerd");
    expect(entry?.labels).to.deep.equal({
      cluster: "test",
      namespace: "kube-system",
      pod_name: "errors-only-pod",
      container_name: "errors-only-containerd",
      node_name: "node-1",
      job: "kube-system/errors-only-containerd",
      "service.name": "errors-only-containerd",
      level: "error",
    });
    const names = new Set(Object.keys(entry?.labels ?? {}));
    for (const { labels, others } of receiver?.entries ?? []) {
      expect(Object.keys(labels).filter((name) => !names.has(name))).to.deep.equal([]);
      expect(others).to.deep.equal([]);
    }
  });
});
