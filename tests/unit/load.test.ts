import { expect } from "chai";
import { commandLine } from "../../cli/commands";
import { jobManifest, ownNamespace } from "../../cli/commands/load/manifest";
import { autoscalerRows, componentOf, componentRows, type Query } from "../../cli/commands/load/observe";
import { type LoadOptions, type Plan, planOf, requestedRate } from "../../cli/commands/load/plan";
import { type Report, reportText } from "../../cli/commands/load/report";
import { type Counts, readSteps, readSummary, type Summary, stepText } from "../../cli/commands/load/summary";
import { exhausted, missing, signalRows, verdictText } from "../../cli/commands/load/verdict";
import { workloadOf } from "../../cli/lib/objects";
import type { Sample } from "../../cli/lib/prometheus";
import { table } from "../../cli/lib/text";
import { UserError } from "../../settings";
import { namespaces } from "../support/names";
import { settingsOf } from "../support/stacks";

const asked: LoadOptions = { logs: 400, series: 3000, spans: 100, queries: 3, steps: 4, duration: 60 };

/** Only logs: 100, 200 lines a second, 10 s each. */
const small: Plan = planOf(
  settingsOf("dev"),
  { logs: 200, series: 0, spans: 0, queries: 0, steps: 2, duration: 10 },
  "r",
);

/** A run of {@link small}. */
const summaryOf = (...steps: Partial<Counts>[]): Summary => ({
  seconds: 20,
  dropped: 0,
  steps: steps.map((counts) => ({ logs: { items: 0, refused: 0, errors: 0, ...counts } })),
  answer: { logs: { count: 3, p50: 10, p95: 20, p99: 30 } },
  visible: { logs: { count: 18, lost: 2, p50: 500, p95: 1500, p99: 2500 } },
  words: {},
});

describe("unit: obs load, options", () => {
  /** The value of an option, as the command line reads it. */
  const read = (name: string, text: string) => {
    const command = commandLine().commands.find((one) => one.name() === "load");
    const parse = command?.options.find(({ long }) => long === `--${name}`)?.parseArg;
    return parse?.(text, undefined as never);
  };

  it("accepts integers within limits, and reports an invalid option", () => {
    for (const [name, value] of Object.entries(asked))
      expect(read(name, String(value)), name).to.equal(value);
    expect(read("queries", "0.5")).to.equal(0.5);
    for (const [name = "", value = ""] of [
      ["logs", "-1"],
      ["logs", "many"],
      ["spans", "1.5"],
      ["steps", "0"],
      ["steps", "21"],
      ["duration", "9"],
      ["queries", ""],
    ])
      expect(() => read(name, value), name)
        .to.throw(UserError)
        .with.property("message")
        .that.matches(
          new RegExp(`^--${name}: invalid value "${value}" \\(must be a .* from \\d+ to \\d+\\)$`),
        );
  });

  it("rejects a load of nothing", () => {
    const nothing = { ...asked, logs: 0, series: 0, spans: 0, queries: 0 };
    expect(() => planOf(settingsOf("dev"), nothing)).to.throw(UserError, /all 0/);
    expect(planOf(settingsOf("dev"), { ...nothing, spans: 10 }).kinds).to.have.keys("traces");
  });

  it("raises every rate by the same amount with each step", () => {
    const plan = planOf(settingsOf("dev"), asked);
    expect([1, 2, 3, 4].map((step) => requestedRate(plan, "logs", step))).to.deep.equal([100, 200, 300, 400]);
    expect(plan.series).to.deep.equal([750, 1500, 2250, 3000]);
    // Each series once in 15 s.
    expect([1, 2, 3, 4].map((step) => requestedRate(plan, "metrics", step))).to.deep.equal([
      50, 100, 150, 200,
    ]);
    // A third of the queries in each language.
    expect(requestedRate(plan, "PromQL", 4)).to.equal(1);
    expect(requestedRate(plan, "PromQL", 1)).to.be.closeTo(0.25, 0.001);
  });

  it("stays below the largest batch, and sends requests at the lowest rates, too", () => {
    const much = planOf(settingsOf("dev"), { ...asked, logs: 100_000, series: 1_000_000, spans: 50_000 });
    expect([much.kinds.logs?.batch, much.kinds.metrics?.batch, much.kinds.traces?.batch]).to.deep.equal([
      100, 500, 100,
    ]);
    expect(requestedRate(much, "logs", 4)).to.equal(100_000);
    const little = planOf(settingsOf("dev"), { ...asked, queries: 0.01 });
    expect(little.kinds.LogQL?.requestsPerMinute).to.deep.equal([1, 1, 1, 1]);
  });

  it("marks each run", () => {
    expect(planOf(settingsOf("dev"), asked).run)
      .to.match(/^[0-9a-f]{8}$/)
      .and.not.equal(planOf(settingsOf("dev"), asked).run);
  });
});

describe("unit: obs load, its Job", () => {
  const job = (config = {}) => jobManifest(settingsOf("dev", config), small).spec;
  const pod = (config = {}) => job(config)?.template.spec;

  it("complies with Pod Security's restricted level, which its namespace enforces", () => {
    expect(ownNamespace.labels).to.deep.equal({ "observability/client": "true" });
    expect(pod()?.automountServiceAccountToken).to.equal(false);
    expect(pod()?.securityContext).to.deep.include({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod()?.containers[0]?.securityContext).to.deep.include({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("is in a namespace of its own", () => {
    expect(Object.values(namespaces)).not.to.include(ownNamespace.name);
  });

  it("runs once, and not longer than its plan", () => {
    expect(job()?.backoffLimit).to.equal(0);
    expect(pod()?.restartPolicy).to.equal("Never");
    expect(job()?.activeDeadlineSeconds).to.be.greaterThan(20).and.lessThan(1000);
  });

  it("has the plan in its environment, and credentials only from its Secret", () => {
    const [container] = pod()?.containers ?? [];
    const plan = container?.env?.find(({ name }) => name === "LOAD_PLAN")?.value ?? "";
    expect(JSON.parse(plan)).to.deep.equal(small);
    expect(container?.envFrom).to.deep.equal([{ secretRef: { name: "load-test" } }]);
  });

  it("pulls a pinned image, from the registry in the settings", () => {
    expect(pod()?.containers[0]?.image).to.match(/^docker\.io\/grafana\/k6:\d+\.\d+\.\d+$/);
    expect(pod()?.imagePullSecrets).to.deep.equal([]);
    const own = pod({ images: { registry: "registry.example/mirror", pullSecret: "pull" } });
    expect(own?.containers[0]?.image).to.match(/^registry\.example\/mirror\/grafana\/k6:/);
    expect(own?.imagePullSecrets).to.deep.equal([{ name: "pull" }]);
  });
});

describe("unit: obs load, output of k6", () => {
  const summary = summaryOf({ items: 1000 }, { items: 2000 });
  const log = [
    'OBS-STEP {"step":1,"kinds":{"logs":{"items":990,"refused":10,"errors":0}}}',
    "Request Failed",
    'OBS-WORDS {"kind":"logs","words":"429 too many"}',
    'OBS-WORDS {"kind":"logs","words":"500 later"}',
    'OBS-STEP {"step":2,"kin',
    "",
    "OBS-SUMMARY",
    JSON.stringify(summary),
    "OBS-END",
    "",
  ].join("\n");

  it("is parsed between other lines; an incomplete line is ignored", () => {
    expect(readSteps(log)).to.deep.equal([
      { step: 1, kinds: { logs: { items: 990, refused: 10, errors: 0 } } },
    ]);
    expect(readSummary(log)).to.deep.equal({ ...summary, words: { logs: "429 too many" } });
  });

  it("has no summary if k6 did not finish", () => {
    expect(readSummary(log.replace("OBS-END", ""))).to.equal(undefined);
    expect(readSummary("")).to.equal(undefined);
  });

  it("is reported in one line per step", () => {
    const [step] = readSteps(log);
    expect(step && stepText(small, step)).to.equal("step 1 of 2: logs 99 of 100 lines/s (10 rejected)");
  });
});

describe("unit: obs load, verdict", () => {
  const verdictOf = (plan: Plan, summary: Summary) =>
    verdictText(plan, exhausted(plan, summary), missing(plan, summary));

  it("sustained is the highest successful step, if every step below it was successful", () => {
    const sustained = (...steps: Partial<Counts>[]) => signalRows(small, summaryOf(...steps))[0]?.sustained;
    expect(sustained({ items: 1000 }, { items: 2000 })).to.equal(200);
    expect(sustained({ items: 1000 }, { items: 1000 })).to.equal(100);
    expect(sustained({ items: 500 }, { items: 2000 })).to.equal(0);
    expect(sustained({ items: 1000 }, { items: 1900, errors: 100 })).to.equal(100);
    expect(sustained({ items: 1000 }, { items: 1900, refused: 100 })).to.equal(100);
  });

  it("a request at the edge of a step does not fail it", () => {
    expect(exhausted(small, summaryOf({ items: 900 }, { items: 2000 }))).to.deep.equal([]);
    expect(exhausted(small, summaryOf({ items: 700 }, { items: 2000 }))).to.have.length(1);
  });

  it("names the first bottleneck, with the reason", () => {
    const refused = summaryOf({ items: 1000 }, { items: 1900, refused: 100 });
    expect(exhausted(small, refused)).to.have.length(1);
    expect(exhausted(small, refused)[0]).to.include({ step: 2, kind: "logs" });
    expect(verdictOf(small, refused)).to.match(
      /step 2 of 2:\n {2}Loki's write path.*100 of about 2000 lines were rejected by a limit \(429\)/,
    );
    const failed = summaryOf({ errors: 1000 }, { errors: 2000 });
    expect(verdictOf(small, failed)).to.match(/step 1 of 2:\n.*1000 of about 1000 lines failed/);
    expect(verdictOf(small, summaryOf({ items: 1000 }, { items: 2000 }))).to.match(/^no bottleneck/);
  });

  it("reports the first response, and the number of missing marked signals", () => {
    const summary = { ...summaryOf({ items: 1000 }, { refused: 2000 }), words: { logs: "429 too many" } };
    expect(verdictOf(small, summary)).to.include("(429); answer: 429 too many");
    expect(missing(small, summary)).to.deep.equal([{ kind: "logs", lost: 2, of: 20 }]);
    expect(verdictOf(small, summary)).to.include("2 of 20 marked signals of logs were not found");
    const found = { ...summary, visible: { logs: { count: 20, lost: 0 } } };
    expect(missing(small, found)).to.deep.equal([]);
    expect(verdictOf(small, found)).not.to.include("marked");
  });

  it("names all bottlenecks of the same step, and none of a later one", () => {
    const plan = planOf(settingsOf("dev"), { ...asked, series: 0, queries: 0, steps: 2, duration: 10 });
    const fine = { refused: 0, errors: 0 };
    const summary: Summary = {
      ...summaryOf(),
      steps: [
        { logs: { items: 1000, ...fine }, traces: { items: 500, ...fine } },
        { logs: { items: 0, refused: 0, errors: 2000 }, traces: { items: 100, ...fine } },
      ],
    };
    expect(exhausted(plan, summary).map(({ kind, step }) => [kind, step])).to.deep.equal([["logs", 1]]);
    const [, second] = summary.steps;
    expect(
      exhausted(plan, {
        ...summary,
        steps: [{ logs: { items: 2000, ...fine }, traces: { items: 500, ...fine } }, second ?? {}],
      }).map(({ kind, step }) => [kind, step]),
    ).to.deep.equal([
      ["logs", 2],
      ["traces", 2],
    ]);
  });
});

describe("unit: obs load, usage of the stack", () => {
  /** Answers a query by the first metric that it contains. */
  const answer =
    (answers: Record<string, [labels: Sample["labels"], value: number][]>): Query =>
    async (promql) => {
      const metric = Object.keys(answers).find((one) => promql.includes(one)) ?? "";
      return (answers[metric] ?? []).map(([labels, value]) => ({ labels, value }));
    };

  it("a component is the common name of its replicas", () => {
    const pod = (namespace: string, name: string, generateName?: string, hash?: string): string =>
      componentOf(
        workloadOf({
          metadata: {
            namespace,
            name,
            ...(generateName && { generateName }),
            ...(hash && { labels: { "pod-template-hash": hash } }),
          },
        }),
      );
    expect(pod("loki", "loki-ingester-0", "loki-ingester-")).to.equal("loki-ingester");
    expect(pod("loki", "loki-querier-5c5-x", "loki-querier-5c5-", "5c5")).to.equal("loki-querier");
    expect(pod("monitoring", "cadvisor-76454", "cadvisor-")).to.equal("monitoring/cadvisor");
    expect(pod("minio", "alone")).to.equal("minio/alone");
  });

  it("has a row for each component, the highest CPU usage first; no sample is 0", async () => {
    const querier = { namespace: "loki", workload: "loki-querier" };
    const cadvisor = { namespace: "monitoring", workload: "cadvisor" };
    const query = answer({
      container_cpu: [
        [querier, 0.75],
        [cadvisor, 0.8],
      ],
      container_memory: [[querier, 300]],
      restarts_total: [[querier, 3]],
      "count by": [
        [querier, 2],
        [cadvisor, 1],
      ],
    });
    expect(await componentRows(query, settingsOf("dev"), 60)).to.deep.equal([
      { component: "monitoring/cadvisor", pods: 1, cores: 0.8, memory: 0, restarts: 0 },
      { component: "loki-querier", pods: 2, cores: 0.75, memory: 300, restarts: 3 },
    ]);
  });

  it("reads an autoscaler's replicas at the start, at most and at the end", async () => {
    const labels = { namespace: "loki", horizontalpodautoscaler: "querier" };
    const query = answer({ " offset 60s": [[labels, 2]], max_over: [[labels, 5]], last_over: [[labels, 3]] });
    expect(await autoscalerRows(query, settingsOf("dev"), 60)).to.deep.equal([
      { autoscaler: "loki/querier", start: 2, highest: 5, end: 3 },
    ]);
    expect(await autoscalerRows(answer({}), settingsOf("dev"), 60)).to.deep.equal([]);
  });
});

describe("unit: obs load, its report", () => {
  const summary = summaryOf({ items: 1000 }, { items: 1900, refused: 100 });
  const report: Report = {
    stack: "try",
    run: "r",
    plan: small,
    summary,
    signals: signalRows(small, summary),
    components: [{ component: "loki-ingester", pods: 1, cores: 0.1234, memory: 64 * 2 ** 20, restarts: 0 }],
    autoscalers: [],
    discarded: {},
    exhausted: exhausted(small, summary),
    missing: missing(small, summary),
  };

  it("has a line for each signal, component and autoscaler", () => {
    const text = reportText(report);
    expect(text).to.match(
      /^logs \(lines\) +200 +100 +0 +100 +0\.01 \/ 0\.02 \/ 0\.03 +0\.5 \/ 1\.5 \/ 2\.5 +18 of 20$/m,
    );
    expect(text).to.match(/^loki-ingester +1 +0\.123 +64 +0$/m);
    expect(text).to.include("no autoscalers").and.not.include("discarded");
    const more = reportText({
      ...report,
      autoscalers: [{ autoscaler: "loki/querier", start: 1, highest: 3, end: 2 }],
      discarded: { "loki_discarded_samples_total (rate_limited)": 7 },
      summary: { ...summary, dropped: 4 },
    });
    expect(more).to.match(/^loki\/querier +1 +3 +2$/m);
    expect(more)
      .to.include("loki_discarded_samples_total (rate_limited): 7")
      .and.include("did not send 4 requests");
  });

  it("aligns numbers to the right", () => {
    expect(
      table(
        [
          ["a", "b"],
          ["long", "1"],
          ["x", "100"],
        ],
        true,
      ),
    ).to.equal("a       b\nlong    1\nx     100");
  });
});
