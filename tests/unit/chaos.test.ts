import { expect } from "chai";
import { UserError } from "../../settings";
import {
  accountOf,
  fresh,
  gaps,
  holes,
  type Item,
  type Look,
  lasting,
  lateSince,
  latest,
  outage,
  type Signal,
  signals,
  upTo,
  wholeAt,
} from "../chaos/account";
import type { Component } from "../chaos/components";
import { expectationOf, expectations } from "../chaos/expectations";
import { load, monitorManifest, namespaceManifest, podManifest } from "../chaos/load";
import { planned, readAsked } from "../chaos/plan";
import { readRecord } from "../chaos/record";
import { type Case, judge, tableText, withCase } from "../chaos/report";
import { signalMap, sources } from "../chaos/watch";
import { type Config, settingsOf } from "../support/stacks";

const item = (number: number, late = 1000, copies = 1): Item => ({
  ...{ number, written: number * 1000, found: number * 1000 + late, copies },
});
const items = (...numbers: number[]) => numbers.map((number) => item(number));

/**
 * Query results for each second from 0 on; `-` is no response, `.` means that all are fresh, `o` that the newest is
 * old.
 */
const looks = (text: string): Look[] =>
  [...text].map((sign, index) => ({
    at: index * 1000,
    answered: sign !== "-",
    newest: sign === "o" ? -1_000_000 : index * 1000,
  }));

describe("unit: chaos, results of numbered signals", () => {
  it("finds missing ones between the first and the last", () => {
    expect(holes(items(3, 4, 7, 9))).to.deep.equal([5, 6, 8]);
    expect(holes(items(3, 4, 5))).to.deep.equal([]);
    expect(holes([])).to.deep.equal([]);
  });

  it("takes all signals written up to a time, and one more, which shows a loss at the end", () => {
    expect(upTo(5500, items(3, 5, 8, 9)).map(({ number }) => number)).to.deep.equal([3, 5, 8]);
    expect(upTo(9000, items(3, 9)).map(({ number }) => number)).to.deep.equal([3, 9]);
    expect(upTo(9000, [])).to.deep.equal([]);
  });

  it("measures a counter's gaps in seconds and in samples", () => {
    expect(gaps(items(0, 5, 20, 25), 5)).to.deep.equal({ longest: 15, missing: 2 });
    expect(gaps(items(0, 5.2, 10), 5)).to.deep.equal({ longest: 5.2, missing: 0 });
    expect(gaps([], 5)).to.deep.equal({ longest: 0, missing: 0 });
  });

  it("reports the latest arrival, and arrivals after the recovery of everything else", () => {
    expect(latest([item(1, 3000), item(2, 12_000)])).to.equal(12);
    expect(latest([])).to.equal(0);
    const late = signalMap((): Item[] => []);
    expect(lateSince(late, 5000)).to.equal(0);
    expect(lateSince({ ...late, lines: [item(1, 60_000), item(60, 2000)] }, 5000)).to.equal(61_000);
    expect(lateSince({ ...late, lines: [item(60, fresh.lines)] }, 5000)).to.equal(0);
  });

  it("measures an outage from the first query without a response to the first with one", () => {
    expect(outage(looks("....."))).to.equal(0);
    expect(outage(looks("..---..-."))).to.equal(3);
    expect(outage(looks("..---"))).to.equal(2);
  });

  it("counts lost and duplicate signals, and those that the sender dropped", () => {
    const account = accountOf("lines", [item(1), item(2, 1000, 2), item(5)], looks("..-."), 5);
    expect(account).to.deep.equal({ found: 3, lost: 2, which: [3, 4], doubled: 1, latest: 1, outage: 1 });
    expect(accountOf("traces", items(1, 2, 5), [], 5, [3, 5, 6])).to.deep.include({
      ...{ which: [3, 4, 6], lost: 3, gaveUp: 2 },
    });
    expect(accountOf("samples", items(0, 5, 20), [], 5)).to.include({ lost: 2, gap: 15 });
  });
});

describe("unit: chaos, full recovery", () => {
  const all = (text: string) => signalMap(() => looks(text));
  const long = ".".repeat(1 + lasting / 1000);

  it("is when the last signal became fresh, and stayed fresh", () => {
    expect(wholeAt(0, all(`.o-${long}`))).to.equal(3000);
    expect(wholeAt(0, { ...all(long.padStart(20, ".")), traces: looks(long.padStart(20, "o")) })).to.equal(
      9000,
    );
  });

  it("is not before the workload is ready", () => {
    expect(wholeAt(2500, all(`...${long}`))).to.equal(2500);
  });

  it("is unknown while a signal is old, or was until just now", () => {
    expect(wholeAt(0, all(`${long}o`))).to.equal(undefined);
    expect(wholeAt(0, all(`o${long.slice(1)}`))).to.equal(undefined);
    expect(wholeAt(0, all(""))).to.equal(undefined);
    expect(wholeAt(0, { ...all(long), lines: looks(`${long}-`) })).to.equal(undefined);
  });
});

/** A successful case of a component with one pod. */
const good: Omit<Case, "failures"> = {
  ...{ component: "loki/loki-ingester", harm: "kill", at: "2026-01-01T00:00:00Z", left: 0, held: 0 },
  ...{ ready: 20, whole: 30 },
  signals: signalMap((signal) => ({
    ...{ found: 10, lost: 0, which: [], doubled: 0, latest: 3, outage: 0 },
    ...((signal === "samples" || signal === "written") && { gap: 5 }),
  })),
};
const badly = (signal: Signal, what: Partial<Case["signals"][Signal]>, more: Partial<Case> = {}) => ({
  ...{ ...good, ...more },
  signals: { ...good.signals, [signal]: { ...good.signals[signal], ...what } },
});

describe("unit: chaos, expectations of each component", () => {
  const of = (name: string) => {
    const found = expectationOf(name);
    if (!found) throw new Error(`expectations.ts has no entry for ${name}`);
    return found;
  };

  it("accept a case without loss, and describe it", () => {
    const ingester = of("loki/loki-ingester");
    expect(judge(ingester, good, 5)).to.deep.equal([]);
    expect(judge(ingester, badly("lines", { lost: 1, which: [7] }), 5)).to.deep.equal([
      "log lines: 1 lost (7), at most 0 expected",
    ]);
    expect(judge(ingester, badly("lines", { doubled: 2 }), 5)).to.have.length(1);
    expect(judge(ingester, badly("samples", { gap: 10, lost: 1 }), 5)).to.have.length(1);
  });

  it("allow failed queries only for a store without another replica", () => {
    const ingester = of("loki/loki-ingester");
    expect(judge(ingester, badly("lines", { outage: 60 }), 5)).to.deep.equal([]);
    expect(judge(ingester, badly("lines", { outage: 60 }, { left: 2 }), 5)).to.have.length(1);
    expect(judge(ingester, badly("traces", { outage: 60 }), 5)).to.have.length(1);
  });

  it("allow an unavoidable loss up to its size, if no other pod has the same role", () => {
    const alloy = of("alloy-traces/alloy-traces");
    const lost = badly("traces", { lost: 10 });
    expect(judge(alloy, lost, 5)).to.deep.equal([]);
    expect(judge(alloy, { ...lost, left: 1 }, 5)).to.have.length(1);
    expect(judge(alloy, badly("traces", { lost: 11 }), 5)).to.have.length(1);
    const scraper = of("alloy-metrics/alloy-metrics");
    expect(judge(scraper, badly("samples", { gap: 80 }), 5)).to.deep.equal([]);
    expect(judge(scraper, badly("samples", { gap: 81 }), 5)).to.have.length(1);
    expect(judge(scraper, badly("samples", { gap: 120 }, { held: 40 }), 5)).to.deep.equal([]);
  });

  it("name components that did not recover", () => {
    const { ready, whole, ...never } = good;
    expect(judge(of("grafana/grafana"), never, 5)).to.deep.equal(["not ready again in time"]);
    expect(judge(of("grafana/grafana"), { ...never, ready: 3 }, 5)).to.deep.equal([
      "did not recover in time",
    ]);
  });

  it("give the reason for every allowed loss", () => {
    for (const { loses = {} } of expectations)
      for (const loss of Object.values(loses)) expect(loss.why).to.match(/\w{3}/);
  });

  it("list each component once", () => {
    for (const name of [
      "loki/loki-ingester",
      "mimir/mimir-ruler",
      "minio/minio",
      "autoscaling/keda-operator",
    ])
      expect(
        expectations.filter(({ workload }) => workload.test(name)),
        name,
      ).to.have.length(1);
    expect(expectationOf("loki/loki-new-part")).to.equal(undefined);
  });
});

describe("unit: chaos, selected cases", () => {
  const component = (namespace: string, name: string): Component => ({
    ...{ kind: "Deployment", namespace, name, selector: "a=b", replicas: 1 },
  });
  const some = [component("loki", "loki-ingester"), component("loki", "loki-querier")];
  const order = (args: string[], done: Case[] = []) =>
    planned(some, readAsked(args), done).map(({ component: { name }, harm }) => `${harm} ${name}`);

  it("kill each component, then pause those on the path of signals", () => {
    expect(order([])).to.deep.equal(["kill loki-ingester", "kill loki-querier", "pause loki-ingester"]);
    expect(order(["--fault", "pause"])).to.deep.equal(["pause loki-ingester"]);
    expect(order(["querier"])).to.deep.equal(["kill loki-querier"]);
    expect(order(["--fault", "kill"], [{ ...good, failures: [] }])).to.deep.equal(["kill loki-querier"]);
  });

  it("reject unknown names", () => {
    expect(() => readAsked(["--fault", "burn"])).to.throw(UserError, '--fault: invalid value "burn"');
    expect(() => readAsked(["--hurt"])).to.throw(UserError, "--hurt");
    for (const value of ["0", "x", "601", "1.5"])
      expect(() => readAsked(["--pause", value]), value).to.throw(
        UserError,
        `--pause: invalid value "${value}"`,
      );
    expect(() => order(["nobody"])).to.throw(UserError, 'no component has "nobody"');
    expect(readAsked([])).to.deep.equal({
      ...{ only: [], harms: ["kill", "pause"], pause: 45, budget: Infinity, yes: false, help: false },
    });
  });

  it("shows a table, and the failures below it", () => {
    const wrong: Case = { ...good, harm: "pause", failures: ["log lines: 1 lost"] };
    const text = tableText([{ ...good, failures: [] }, wrong]);
    expect(text.split("\n")).to.have.length(4);
    expect(text).to.match(/loki\/loki-ingester +pause.* NO\n.*pause: log lines: 1 lost$/);
  });

  it("keeps the newest case of each component and fault", () => {
    const before: Case = { ...good, failures: ["old"] };
    expect(withCase([before], { ...good, failures: [] })).to.deep.equal([{ ...good, failures: [] }]);
    expect(withCase([before], { ...good, harm: "pause", failures: [] })).to.have.length(2);
  });
});

describe("unit: chaos, the load and the queries", () => {
  it("writes like an application: restricted, without a token and without probes", () => {
    const pod = podManifest(settingsOf("dev"), "0123abcd");
    expect(pod.spec?.automountServiceAccountToken).to.equal(false);
    for (const container of pod.spec?.containers ?? []) {
      expect(container.securityContext?.readOnlyRootFilesystem).to.equal(true);
      expect(container).not.to.have.any.keys("livenessProbe", "readinessProbe");
    }
    expect(namespaceManifest(load).metadata?.labels).to.include({ "observability/client": "true" });
    const [endpoint] = monitorManifest(load).spec.podMetricsEndpoints;
    expect(Number.parseInt(endpoint?.scrapeTimeout ?? "", 10)).to.be.lessThan(
      Number.parseInt(endpoint?.interval ?? "", 10),
    );
  });

  it("pulls its image from the stack's registry, and sends to the collector if Alloy serves TLS", () => {
    const traces = (config: Config) => {
      const { containers = [] } = podManifest(settingsOf("dev", config), "0123abcd").spec ?? {};
      const [{ image, env } = {}] = containers;
      return { image, url: env?.find(({ name }) => name === "LOAD_TRACES")?.value };
    };
    const plain = traces({ images: { registry: "registry.example.com" } });
    expect(plain.image).to.match(/^registry\.example\.com\//);
    expect(plain.url).to.equal("http://alloy-traces.alloy-traces.svc:4318");
    expect(traces({ network: { tls: { certificates: "ownCa" } } }).url).to.equal(
      "http://gateway-collector.opentelemetry.svc:4318",
    );
  });

  it("parses a writer's record, without an incomplete last line", () => {
    const text =
      "batch 1000 1 1 100\nspans 1000 1 2 200\nspans 1000 2 9 503\nquery 1000 loki 40 200\nquery 2000 tempo 9990 0\nquery 3000 mimir 5 empty\nwrite 1000 mimir 1 400\nload 1000 1.25\nbatch 2000 2 10";
    expect(readRecord(text)).to.deep.equal({
      batches: [{ at: 1000, batch: 1, first: 1, last: 100 }],
      spans: [
        { at: 1000, batch: 1, tries: 2, status: 200 },
        { at: 1000, batch: 2, tries: 9, status: 503 },
      ],
      queries: [
        { at: 1000, store: "loki", took: 40, status: 200 },
        { at: 2000, store: "tempo", took: 9990, status: 0 },
        { at: 3000, store: "mimir", took: 5, status: "empty" },
      ],
      writes: [{ at: 1000, store: "mimir", tries: 1, status: 400 }],
      loads: [{ at: 1000, load: 1.25 }],
    });
  });

  it("parses each store's response as numbers and write times", () => {
    const values = [["1700000000123000000", "chaos run=r number=7"]];
    expect(sources.lines.read(JSON.stringify({ data: { result: [{ values }] } }))).to.deep.equal([
      [7, 1_700_000_000_123],
    ]);
    const samples = [[1_700_000_000.5, "9"]];
    expect(sources.samples.read(JSON.stringify({ data: { result: [{ values: samples }] } }))).to.deep.equal([
      [1_700_000_000_500, 1_700_000_000_500],
    ]);
    // Tempo omits leading zeros of an ID.
    const traces = [{ traceID: "123abcd00000000000000000000000a", startTimeUnixNano: "1700000000123000000" }];
    expect(sources.traces.read(JSON.stringify({ traces }))).to.deep.equal([[10, 1_700_000_000_123]]);
    expect(sources.traces.read("{}")).to.deep.equal([]);
  });

  it("queries each store for this run only", () => {
    for (const signal of signals)
      expect(decodeURIComponent(sources[signal].path("0123abcd", 0, 1000)), signal).to.include("0123abcd");
  });
});
