import { expect } from "chai";
import { checks } from "../../cli/commands/smoke";
import { missingOf as missingSignals } from "../../cli/commands/smoke/agents";
import { notificationsIn } from "../../cli/commands/smoke/alert";
import { parseOutput } from "../../cli/commands/smoke/app";
import { type Check, type Context, type Evidence, Skipped } from "../../cli/commands/smoke/check";
import { logsQuery, shiftOf, type TracesToLogs } from "../../cli/commands/smoke/correlate";
import { missingOf } from "../../cli/commands/smoke/heal";
import { appManifest, receiverManifest, ruleManifest, spansTo } from "../../cli/commands/smoke/manifest";
import { judge, lineOf, pairOf } from "../../cli/commands/smoke/retention";
import { resultText, runChecks, summaryText } from "../../cli/commands/smoke/run";
import { healthy, type View } from "../../cli/commands/smoke/view";
import { until } from "../../cli/lib/poll";
import { address } from "../../names";
import { secondsOf } from "../../settings/units";
import { alertmanagerConfig } from "../../values/alertmanager";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { settingsOf } from "../support/stacks";

const silent = { waiting: () => undefined, ended: () => undefined };
const contextOf = (stop = new AbortController().signal) => ({ stop }) as Omit<Context, "until">;
const check = (number: number, show: Check["show"], needs?: number[]): Check => ({
  number,
  name: `test ${number}`,
  show,
  ...(needs && { needs }),
});
const passes: Check["show"] = async () => [{ asked: "a", answer: "b" }];
const fails: Check["show"] = async () => {
  throw new Error("it broke");
};

describe("unit: obs smoke, the run", () => {
  it("has its tests once and in order, and each depends only on earlier ones", () => {
    expect(checks.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const { number, needs = [] } of checks) for (const need of needs) expect(need).to.be.below(number);
  });

  it("skips the tests that depend on a failed one, and no others", async () => {
    let tried = 0;
    const counting: Check["show"] = async () => {
      tried++;
      return [];
    };
    const results = await runChecks(
      [check(1, fails), check(2, counting, [1]), check(3, passes)],
      contextOf(),
      silent,
    );
    expect(results.map(({ state, reason }) => [state, reason])).to.deep.equal([
      ["failed", "it broke"],
      ["failed", "not tried, because test 1 failed"],
      ["passed", undefined],
    ]);
    expect(tried).to.equal(0);
    expect(summaryText(results)).to.equal("1 of 3 passed, 2 failed");
  });

  it("skips a test that was not selected, with the reason, and does not fail", async () => {
    const skips: Check["show"] = async () => {
      throw new Skipped("only with --disruptive");
    };
    const results = await runChecks([check(1, passes), check(2, skips)], contextOf(), silent);
    expect(summaryText(results)).to.equal("1 of 2 passed, 1 skipped");
    expect(resultText({ ...(results[1] as never as object), seconds: 0 } as never, 2)).to.equal(
      "skipped  2/2 test 2 (0.0 s)\n        only with --disruptive",
    );
  });

  it("test 10 does nothing without --disruptive", async () => {
    const ten = checks.find(({ number }) => number === 10) as Check;
    const config = { makeApiClient: () => expect.fail("it asked the cluster") };
    const settings = settingsOf("dev");
    const context = { ...contextOf(), until, disruptive: false, config, settings } as unknown as Context;
    const error = await ten.show(context).catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(Skipped);
  });

  it("skips tests of stores for an agent, with the reason", async () => {
    const hub = { stack: "organization/observability/prod" };
    const settings = settingsOf("dev", { cluster: { name: "eu-1" }, network: { policies: true }, hub });
    const reasons = [9, 10, 11, 12].map(async (number) => {
      const test = checks.find((one) => one.number === number) as Check;
      const context = { ...contextOf(), until, disruptive: true, settings } as unknown as Context;
      const error = await test.show(context).catch((reason: Error) => reason);
      expect(error, `test ${number}`).to.be.instanceOf(Skipped);
      return (error as Error).message;
    });
    expect(await Promise.all(reasons)).to.deep.equal([
      "the hub has it: run ./obs smoke for organization/observability/prod",
      "the hub has it: run ./obs smoke for organization/observability/prod",
      "it connects to Loki, which this cluster does not have",
      "the stack has no agents",
    ]);
  });

  it("ends at once with the reason after an interruption, whatever it waits for", async () => {
    const control = new AbortController();
    let asked = 0;
    const waits: Check["show"] = ({ until: wait }) =>
      wait<Evidence[]>(3600, "what never comes", async () => {
        asked++;
        control.abort(new Error("interrupted"));
        return undefined;
      });
    const all = [check(1, waits), check(2, async () => expect.fail("it went on"))];
    const error = await runChecks(all, contextOf(control.signal), silent).catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(Error).with.property("message", "interrupted");
    expect(asked).to.equal(1);
  });
});

describe("unit: obs smoke, waiting", () => {
  it("continues after an empty list, and ends with the first result", async () => {
    const answers = [[], ["found"], ["late"]];
    expect(await until(60, "answer", async () => answers.shift())).to.deep.equal(["found"]);
  });

  it("fails with the last error, or with the awaited condition", async () => {
    const failed = (answer: () => Promise<unknown>) =>
      until(-1, "line 7", answer).catch(({ message }: Error) => message);
    expect(await failed(async () => [])).to.equal("no line 7 after -1 s");
    expect(await failed(async () => Promise.reject(new Error("refused")))).to.equal("refused");
  });
});

describe("unit: obs smoke, its objects", () => {
  it("are small, bounded, restricted, and from the registry of the settings", () => {
    const settings = settingsOf("prod", { images: { registry: "mirror.example.com/x", pullSecret: "pull" } });
    for (const pod of [appManifest(settings, "r", "10.0.0.1"), receiverManifest(settings)]) {
      const container = pod.spec?.containers[0];
      expect(container?.image).to.equal("mirror.example.com/x/library/busybox:1.38.0");
      expect(container?.resources?.limits).to.have.keys("cpu", "memory");
      expect(container?.securityContext).to.deep.include({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
      });
      expect(pod.spec?.securityContext?.runAsNonRoot).to.equal(true);
      expect(pod.spec?.activeDeadlineSeconds).to.be.at.most(3600);
      expect(pod.spec?.imagePullSecrets).to.deep.equal([{ name: "pull" }]);
      expect(pod.metadata?.namespace).to.equal("obs-smoke");
    }
  });

  it("send spans to Alloy, or, if that serves TLS, to the collector, which verifies it", () => {
    expect(address(spansTo(settingsOf("dev")))).to.equal("alloy-traces.alloy-traces.svc:4318");
    const tls = settingsOf("dev", { network: { tls: { certificates: "ownCa" } } });
    expect(address(spansTo(tls))).to.equal("gateway-collector.opentelemetry.svc:4318");
  });

  it("fires alerts that match the first route of both Alertmanagers, with a severity that pages no one", () => {
    const { route }: { route: { routes: { matchers: string[] }[] } } = alertmanagerConfig(
      settingsOf("prod"),
    ) as never;
    for (const evaluator of ["prometheus", "mimir"] as const) {
      const labels = ruleManifest(evaluator, "r").spec.groups[0]?.rules[0]?.labels;
      expect(route.routes[0]?.matchers).to.deep.equal([`namespace = "${labels?.namespace}"`]);
      expect(labels?.severity).to.equal("none");
    }
    expect(ruleManifest("mimir", "r").metadata.labels).to.deep.equal({
      "observability/mimir-tenant": "nodes",
    });
    expect(ruleManifest("prometheus", "r").metadata.labels).to.deep.equal({});
  });
});

describe("unit: obs smoke, what it parses", () => {
  const id = "0af7651916cd43dd8448eb211c80319c";

  it("the application's log: its last line, its traces, and why one was rejected", () => {
    const lines = [
      'level=info msg="request served" run=r n=4',
      `level=info msg="request served" run=r n=5 trace_id=${id} spans="taken"`,
    ];
    expect(parseOutput(lines.join("\n"))).to.deep.equal({ last: 5, taken: [{ n: 5, traceId: id }] });
    lines.push(
      `level=info msg="request served" run=r n=10 trace_id=${id} spans="wget: can't connect"`,
      'level=info msg="request served" run=r n=11',
    );
    expect(parseOutput(lines.join("\n"))).to.deep.include({ last: 11, refused: "wget: can't connect" });
    expect(parseOutput("")).to.deep.equal({ last: 0, taken: [] });
  });

  it("a receiver's log: the firing alert of this run, and no other", () => {
    const alerts = (status: string, run: string) =>
      JSON.stringify({
        receiver: "(smoke test)",
        alerts: [{ status, startsAt: "2026-01-01T00:00:00Z", labels: { alertname: "A", run } }],
      });
    const found = { receiver: "(smoke test)", startsAt: "2026-01-01T00:00:00Z" };
    expect(notificationsIn(`\n${alerts("firing", "r")}\n`, { alertname: "A", run: "r" })).to.deep.equal(
      found,
    );
    for (const log of ["", alerts("firing", "other"), alerts("resolved", "r")])
      expect(notificationsIn(log, { alertname: "A", run: "r" })).to.equal(undefined);
    expect(notificationsIn(alerts("firing", "r"), { alertname: "B", run: "r" })).to.equal(undefined);
  });

  it("what an agent does not send; a cluster without traffic has no traces", () => {
    expect(missingSignals({ targets: 3, rules: true, lines: 20, traces: 0 })).to.deep.equal([]);
    expect(missingSignals({ targets: 0, rules: false, lines: 0, traces: 0 })).to.deep.equal([
      "no metrics",
      "no results of its rules",
      "no logs",
    ]);
  });

  it("durations in the formats of Loki, Mimir and Tempo", () => {
    const cases: [string, number][] = [
      ["30d", 2_592_000],
      ["720h0m0s", 2_592_000],
      ["1y", 31_536_000],
      ["1w", 604_800],
      ["1d", 86_400],
    ];
    for (const [text, seconds] of cases) expect(secondsOf(text), text).to.equal(seconds);
    for (const text of ["", "soon", "3 days"]) expect(secondsOf(text), text).to.equal(undefined);
  });

  it("gaps in the numbers of lines", () => {
    expect(missingOf([1, 2, 2, 5], 6)).to.deep.equal([3, 4, 6]);
    expect(missingOf([2, 1], 2)).to.deep.equal([]);
  });

  it("health of data sources: it names all of them, fails for an unhealthy one, and reports missing permissions", async () => {
    const view = (health: View["health"]): View =>
      ({
        configured: async () => [
          { name: "Loki", type: "loki" },
          { name: "Tempo", type: "tempo" },
        ],
        health,
      }) as never;
    expect(
      await healthy(
        view(async () => "OK"),
        ["loki"],
      ),
    ).to.deep.equal([{ asked: "health of data sources", answer: "Loki: OK" }]);
    expect(
      await healthy(
        view(async () => undefined),
        ["loki"],
      ),
    ).to.deep.equal([]);
    const sick = view(async ({ name }) => {
      if (name === "Tempo") throw new Error("refused");
      return "OK";
    });
    const error = await healthy(sick, ["loki", "tempo"]).catch((reason: Error) => reason);
    expect(error).to.have.property("message", "data sources that are not healthy: Tempo: refused");
  });
});

describe("unit: obs smoke, from a trace to its logs", () => {
  // biome-ignore lint/suspicious/noExplicitAny: values are plain data
  const all = grafanaDatasources(settingsOf("prod"))["datasources"] as any[];
  const link: TracesToLogs = all.find(({ uid }) => uid === "tempo").jsonData.tracesToLogsV2;
  const span = {
    name: "GET",
    spanId: "00f067aa0ba902b7",
    start: 1_000_000_000_000_000n,
    end: 1_000_001_000_000_000n,
    attributes: { "k8s.namespace.name": "obs-smoke", "k8s.pod.name": "app", "service.name": "x" },
  };

  it("runs the same query as Grafana's link", () => {
    expect(logsQuery(link, "abc", span)).to.deep.equal({
      query:
        '{namespace="obs-smoke", pod_name="app"} | label_format log_line_contains_trace_id=`{{ contains "abc" __line__  }}` | log_line_contains_trace_id="true" or trace_id="abc"',
      from: 1_000_000_000 - 600_000,
      to: 1_000_001_000 + 600_000,
    });
    expect(logsQuery({ ...link, filterByTraceID: false }, "abc", span).query).to.equal(
      '{namespace="obs-smoke", pod_name="app"}',
    );
  });

  it("fails if the span has no known pod, for which Grafana creates no link", () => {
    expect(() => logsQuery(link, "abc", { ...span, attributes: { "service.name": "x" } })).to.throw(
      "the span has none of k8s.namespace.name, k8s.pod.name",
    );
    expect([shiftOf("-10m"), shiftOf("1h")]).to.deep.equal([-600_000, 3_600_000]);
    expect(() => shiftOf("soon")).to.throw('"soon" is no duration');
  });
});

describe("unit: obs smoke, retention", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const minutesAgo = (minutes: number, run = `r${minutes}`) => ({ run, written: now - minutes * 60_000 });

  it("reads its own lines, and no others", () => {
    expect(pairOf(lineOf(minutesAgo(5)))).to.deep.equal(minutesAgo(5));
    expect(pairOf("aged line of somebody else")).to.equal(undefined);
  });

  it("a line counts as deleted only if its twin, which is kept, exists", () => {
    expect(judge([minutesAgo(200)], [], now)).to.match(/^deleted: the lines of 1 earlier runs \(r200\)/);
    expect(judge([], [], now)).to.equal(
      "not shown by this run: no earlier run's lines have reached the bucket; one after 2026-11-23T14:30:00.000Z shows it",
    );
  });

  it("an existing line is not yet due, or the test fails", () => {
    expect(judge([minutesAgo(40)], [minutesAgo(40)], now)).to.equal("not yet due: those of r40");
    expect(() => judge([minutesAgo(200)], [minutesAgo(200)], now)).to.throw(
      "are still found: run r200, 200 min ago",
    );
  });
});
