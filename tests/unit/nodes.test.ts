import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { expect } from "chai";
import { parse } from "yaml";
import { parseSettings, UserError } from "../../settings";
import type { Component } from "../chaos/components";
import { emptyRecord, type Record as Written } from "../chaos/record";
import {
  type Cost,
  costOf,
  type Found,
  missingLines,
  missingSamples,
  type Period,
  queryOutage,
} from "../nodes/account";
import { drilled, type Scene, wholeAt } from "../nodes/case";
import { type Cluster, isEvicted } from "../nodes/cluster";
import { type Ask, areScraped, findAll, joined, readLine, readTraces } from "../nodes/found";
import { filled, Harm, shell } from "../nodes/harm";
import { workloadTrouble } from "../nodes/health";
import { loadOn, queries, writersManifest, writes } from "../nodes/load";
import { type Event, eventsOf, planned, readAsked } from "../nodes/plan";
import { type Case, judge, readReport, tableText, withCase, writeReport } from "../nodes/report";
import { settingsOf } from "../support/stacks";

/** Seconds as milliseconds. */
const s = (seconds: number) => seconds * 1000;
const load = { spans: 2, scrapeInterval: 15 };

/** A writer with a batch of ten lines and two spans each second from 0 to 59, all of it delivered. */
const record = (): Written => ({
  ...emptyRecord(),
  batches: Array.from({ length: 60 }, (_, at) => ({
    ...{ at: s(at), batch: at + 1, first: at * 10 + 1, last: at * 10 + 10 },
  })),
  spans: Array.from({ length: 60 }, (_, at) => ({ at: s(at), batch: at + 1, tries: 1, status: 200 })),
  writes: Array.from({ length: 60 }, (_, at) => ({ at: s(at), store: "loki", tries: 1, status: 204 })),
  queries: Array.from({ length: 60 }, (_, at) => ({ at: s(at), store: "loki", took: 5, status: 200 })),
  loads: [{ at: s(15), load: 3 }],
});
/** All of it, found once. */
const found = (): Found => ({
  lines: new Map(Array.from({ length: 600 }, (_, index) => [index + 1, 1])),
  spans: new Map(Array.from({ length: 60 }, (_, index) => [index + 1, 2])),
  samples: { alloy: [0, 15, 30, 45, 60].map(s), prometheus: [5, 20, 35, 50, 65].map(s) },
});
const during = (lost: Period["lost"] = []): Period => ({ from: s(10), to: s(49), lost });

/** Costs of an event on two nodes, with changes. */
function cost(change: (records: Written[], found: Found[]) => void, lost: Period["lost"] = []): Cost {
  const records = [record(), record()];
  const all = [found(), found()];
  change(records, all);
  const names = ["node-1", "node-2"];
  return costOf(
    during(lost),
    new Map(names.map((name, index) => [name, records[index] ?? record()])),
    new Map(names.map((name, index) => [name, all[index] ?? found()])),
    load,
  );
}
const good = () => cost(() => undefined);

describe("unit: node drills, the cost of an event", () => {
  it("finds no loss if all data exists", () => {
    expect(good()).to.deep.equal({
      lines: { written: 800, lost: 0, duplicated: 0 },
      samples: { alloy: 0, prometheus: 0 },
      lostTargets: {},
      reasons: {},
      spans: { accepted: 160, lost: 0, unsent: 0 },
      failedWrites: { alloy: 0, loki: 0, mimir: 0, tempo: 0 },
      queries: {
        loki: { asked: 80, failed: 0, outage: 0 },
        mimir: { asked: 0, failed: 0, outage: 0 },
        tempo: { asked: 0, failed: 0, outage: 0 },
      },
      load: 3,
    });
  });

  it("counts lost and duplicate lines of each node, even the last ones", () => {
    const { lines, reasons } = cost((_, [one, two]) => {
      for (const number of [101, 250, 500]) one?.lines.delete(number);
      two?.lines.set(250, 3);
      // Written before and after the event.
      for (const number of [100, 501]) two?.lines.delete(number);
    });
    expect(lines).to.deep.equal({ written: 800, lost: 3, duplicated: 2 });
    expect(reasons).to.deep.equal({ "line of node-1": 3 });
  });

  it("counts accepted spans that are missing", () => {
    const { spans } = cost((_, [one]) => {
      one?.spans.delete(20);
      one?.spans.set(21, 1);
    });
    expect(spans).to.deep.equal({ accepted: 160, lost: 3, unsent: 0 });
  });

  it("distinguishes failed writes from data that never left a lost node", () => {
    const change = (records: Written[]) => {
      for (const one of records[1]?.spans ?? []) if (one.at === s(20) || one.at === s(40)) one.status = 503;
      for (const one of records[1]?.writes ?? []) if (one.at === s(20) || one.at === s(40)) one.status = 0;
      // The node loses power before a batch is delivered.
      if (records[1]) records[1].spans = records[1].spans.filter(({ at }) => at !== s(19));
    };
    const stayed = cost(change);
    expect(stayed.failedWrites).to.include({ alloy: 3, loki: 2 });
    expect(stayed.reasons).to.deep.equal({
      "alloy write 503": 2,
      "alloy write without end": 1,
      "loki write 0": 2,
    });
    expect(stayed.spans).to.deep.equal({ accepted: 154, lost: 0, unsent: 0 });
    const lost = cost(change, [{ node: "node-2", from: s(20), to: s(30) }]);
    expect(lost.failedWrites).to.include({ alloy: 1, loki: 1 });
    expect(lost.spans).to.deep.equal({ accepted: 154, lost: 0, unsent: 4 });
  });

  it("lists missing samples of targets on lost nodes separately", () => {
    const change = (_: Written[], all: Found[]) => {
      for (const { samples } of all) samples.alloy = samples.alloy.filter((at) => at !== s(30));
    };
    expect(cost(change).samples).to.deep.equal({ alloy: 2, prometheus: 0 });
    const lost = cost(change, [{ node: "node-2", from: s(20), to: s(30) }]);
    expect(lost.samples).to.deep.equal({ alloy: 1, prometheus: 0 });
    expect(lost.lostTargets).to.deep.equal({ "node-2": { alloy: 1, prometheus: 0 } });
  });

  it("detects samples that are missing at the ends of an event, and a complete lack of samples", () => {
    expect(missingSamples([0, 15, 30, 45, 60].map(s), during(), 15)).to.equal(0);
    expect(missingSamples([0, 45, 60].map(s), during(), 15)).to.equal(2);
    expect(missingSamples([0, 15, 30].map(s), during(), 15)).to.equal(1);
    expect(missingSamples([], { from: 0, to: s(60), lost: [] }, 15)).to.equal(5);
  });

  it("uses queries of remaining nodes, and measures the longest outage", () => {
    const { queries: seen } = cost(
      ([one, two]) => {
        for (const query of one?.queries ?? []) if (query.at >= s(20) && query.at < s(25)) query.status = 0;
        for (const query of two?.queries ?? [])
          if (query.at >= s(15) && query.at < s(35)) query.status = "empty";
      },
      [{ node: "node-2", from: s(12), to: s(40) }],
    );
    expect(seen.loki).to.deep.equal({ asked: 51, failed: 5, outage: 5 });
    const query = (at: number, status: number) => ({ at: s(at), store: "loki", took: 1, status });
    expect(queryOutage([query(1, 200), query(2, 0), query(3, 200)], s(9))).to.equal(1);
    expect(queryOutage([query(1, 200), query(4, 502)], s(9))).to.equal(5);
  });

  it("searches again only for lines that were missing, and keeps earlier results", () => {
    const [one, two] = [found(), found()];
    const records = new Map([
      ["node-1", record()],
      ["node-2", record()],
    ]);
    const all = new Map([
      ["node-1", one],
      ["node-2", two],
    ]);
    expect(missingLines(during(), records, all)).to.equal(undefined);
    one.lines.delete(205);
    two.lines.delete(308);
    // Written before the event.
    two.lines.delete(8);
    expect(missingLines(during(), records, all)).to.deep.equal({ from: s(0), to: s(50) });
    const later: Found = {
      lines: new Map([[205, 2]]),
      spans: new Map(),
      samples: { alloy: [1], prometheus: [] },
    };
    const both = joined(all, new Map([["node-1", later]])).get("node-1");
    expect([both?.lines.get(204), both?.lines.get(205), both?.spans.size]).to.deep.equal([1, 2, 60]);
    expect(both?.samples.alloy).to.deep.equal([1]);
  });

  it("has recovered when health and queries have lasted for 30 s", () => {
    const one = record();
    one.queries = ["loki", "mimir", "tempo"].flatMap((store) =>
      Array.from({ length: 60 }, (_, at) => ({
        ...{ at: s(at), store, took: 1, status: store === "tempo" && at === 20 ? 500 : 200 },
      })),
    );
    const records = new Map([["node-1", one]]);
    const all: Period = { from: 0, to: Infinity, lost: [] };
    expect(wholeAt(s(59), s(10), all, records)).to.equal(s(20));
    expect(wholeAt(s(49), s(10), all, records)).to.equal(undefined);
    expect(wholeAt(s(59), s(25), all, records)).to.equal(s(25));
    expect(wholeAt(s(59), undefined, all, records)).to.equal(undefined);
    // Without further queries the state is unknown.
    expect(wholeAt(s(95), s(10), all, records)).to.equal(undefined);
  });
});

describe("unit: node drills, one event after another", () => {
  /** A cluster that never recovers, with a writer whose lines are found as given. */
  const scene = (more: Partial<Scene> = {}): Scene => {
    const now = Date.now();
    const one: Written = { ...emptyRecord(), batches: [{ at: now, batch: 1, first: 1, last: 2 }] };
    return {
      ask: (async () => {
        throw new Error("503");
      }) as Ask,
      troubles: async () => ["Deployment loki/loki-gateway: 1 of 2 ready"],
      load: loadOn(2, 10, 4),
      run: "0123abcd",
      writers: {
        records: () => new Map([["node-1", one]]),
        pods: () => new Map([["node-1", "pod-1"]]),
        heardSince: () => true,
      } as unknown as Scene["writers"],
      harm: { cause: async () => ({ lost: [], notes: ["seen"] }) } as unknown as Scene["harm"],
      ...{ patience: 0.1, limit: 0, tell: () => undefined },
      ...more,
    };
  };
  const event: Event = { kind: "restart", name: "restart", nodes: [] };

  /** Runs drills in simulated time. */
  async function fast<T>(action: () => Promise<T>): Promise<T> {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
    let over = false;
    try {
      const result = action().finally(() => {
        over = true;
      });
      while (!over) {
        await new Promise(setImmediate);
        mock.timers.tick(500);
      }
      return await result;
    } finally {
      mock.timers.reset();
    }
  }

  it("has a row for a stack that does not recover, stores that do not respond, and a command that fails", async () => {
    const harm = {
      cause: async () => ({ lost: [], notes: [], failed: '"up" was interrupted after 900 s' }),
    } as unknown as Scene["harm"];
    const { seen, again } = await fast(() => drilled(scene({ harm }), event));
    expect(seen.whole).to.equal(undefined);
    expect(seen.compared).to.equal(false);
    expect(seen.missed).to.include.members([
      '"up" was interrupted after 900 s',
      "did not recover in time",
      "data was not compared",
    ]);
    expect(seen.notes).to.include.members([
      "not healthy before: Deployment loki/loki-gateway: 1 of 2 ready",
      "the stores did not answer: 503",
    ]);
    expect(again).to.be.a("function");
  });

  it("searches again later for data that was still missing", async () => {
    let lines = ["number=1"];
    const ask = (async (_service: unknown, _user: string, path: string) => {
      if (path === "/api/search") return { traces: [] };
      const values = lines.map((line, index) => [`${index}`, `nodes run=0123abcd writer=node-1 ${line}`]);
      return { data: { result: path.includes("/loki/") ? [{ values }] : [] } };
    }) as Ask;
    const { seen, again } = await fast(() => drilled(scene({ ask }), event));
    expect([seen.compared, seen.open, seen.cost.lines.lost]).to.deep.equal([true, true, 1]);
    lines = ["number=1", "number=2"];
    expect((await fast(async () => again?.()))?.cost.lines.lost).to.equal(0);
  });
});

describe("unit: node drills, targets and the table", () => {
  const of = (name: string, more: Partial<Case> = {}): Case => ({
    ...{ event: name, at: "2026-01-01T00:00:00Z", held: 120, whole: 40, cost: good(), compared: true },
    ...{ notes: [], missed: [] },
    ...more,
  });

  it("misses no target without a loss", () => {
    expect(judge(good(), 40, { all: false, compared: true })).to.deep.equal([]);
  });

  it("names each target that is missed", () => {
    const bad = good();
    bad.lines = { written: 800, lost: 1, duplicated: 2 };
    bad.samples = { alloy: 3, prometheus: 4 };
    bad.spans.lost = 5;
    bad.failedWrites.alloy = 6;
    bad.failedWrites.mimir = 7;
    bad.queries.tempo = { asked: 80, failed: 16, outage: 16 };
    bad.queries.loki = { asked: 80, failed: 15, outage: 15 };
    expect(judge(bad, undefined, { all: false, compared: true })).to.deep.equal([
      "did not recover in time",
      "1 line lost",
      "2 lines duplicated",
      "3 samples missing (Alloy)",
      "4 samples missing (Prometheus)",
      "5 spans lost",
      "6 writes to alloy failed",
      "7 writes to mimir failed",
      "queries of tempo failed for 16 s",
    ]);
    expect(judge(bad, 40, { all: false, compared: true, stopped: "tempo" })).not.to.include(
      "queries of tempo failed for 16 s",
    );
    expect(judge(bad, 40, { all: false, compared: true, stopped: "mimir" })).not.to.include(
      "7 writes to mimir failed",
    );
    // Without any node there are no scrapes and no responses.
    expect(judge(bad, 40, { all: true, compared: true })).to.deep.equal([
      "1 line lost",
      "2 lines duplicated",
      "5 spans lost",
      "6 writes to alloy failed",
      "7 writes to mimir failed",
    ]);
  });

  it("judges and shows no data that was not compared", () => {
    const bad = good();
    bad.lines.lost = 7;
    bad.reasons = { "line of node-1": 7, "loki query 504": 4 };
    bad.failedWrites.loki = 1;
    const missed = judge(bad, 40, { all: false, compared: false });
    expect(missed).to.deep.equal(["data was not compared", "1 write to loki failed"]);
    const lines = tableText([of("drain/node-1", { cost: bad, compared: false, missed })]).split("\n");
    expect(lines[2]).to.include("| ? / ? / 800 | ? | ? | ? / - / 160 |");
    expect(lines.slice(4)).to.deep.equal([
      "- drain/node-1: MISSED data was not compared",
      "- drain/node-1: MISSED 1 write to loki failed",
      "- drain/node-1: 4 × loki query 504",
    ]);
  });

  it("writes its table next to the report", () => {
    const folder = mkdtempSync(join(tmpdir(), "obs-nodes-"));
    const file = join(folder, "nodes.json");
    writeReport(file, [of("restart")]);
    expect(readReport(file)).to.deep.equal([of("restart")]);
    expect(readFileSync(join(folder, "nodes.md"), "utf8")).to.include("| restart | 120 s |");
  });

  it("shows a row for each event, and missed targets below the table", () => {
    const bad = good();
    bad.lines.lost = 7;
    bad.lostTargets = { "node-2": { alloy: 9, prometheus: 0 } };
    bad.reasons = { "loki query 504": 4 };
    bad.queries.loki = { asked: 80, failed: 4, outage: 12.4 };
    const { whole, ...never } = of("cut/node-2", { cost: bad, missed: ["7 lines lost"], notes: ["slow"] });
    const lines = tableText([of("power/node-1"), never]).split("\n");
    expect(lines[2]).to.equal(
      "| power/node-1 | 120 s | 40 s | 3 | - / - / 800 | - | - | - / - / 160 | - / - / - / - | - of 80 | - of 0 | - of 0 |",
    );
    expect(lines[3]).to.include("| cut/node-2 | 120 s | never | 3 | 7 / - / 800 |");
    expect(lines[3]).to.include("| 4 of 80 (12 s) |");
    expect(lines.slice(5)).to.deep.equal([
      "- cut/node-2: MISSED 7 lines lost",
      "- cut/node-2: slow",
      "- cut/node-2: 4 × loki query 504",
      "- cut/node-2: the target on node-2 lacks 9 samples of Alloy, 0 of Prometheus",
    ]);
  });

  it("keeps the newest case of each event", () => {
    expect(
      withCase([of("a", { held: 1 }), of("b")], of("a", { held: 2 })).map(({ held }) => held),
    ).to.deep.equal([120, 2]);
  });
});

describe("unit: node drills, the plan", () => {
  const nodes = [
    { name: "node-1", zone: "zone-a" },
    { name: "node-2", zone: "zone-b" },
    { name: "node-3", zone: "zone-a" },
  ];
  const power = ["--node-down", "off {node}", "--node-up", "on {node}"];
  const names = (events: Event[]) => events.map(({ name }) => name);
  const plan = (args: string[], done: Case[] = []) => planned(eventsOf(nodes), readAsked(args), done);

  it("includes each node, then zones, then all; a zone is all of its nodes", () => {
    const { todo, skipped } = plan(power);
    expect(names(todo)).to.deep.equal([
      ...["power/node-1", "power/node-2", "power/node-3", "drain/node-1", "drain/node-2", "drain/node-3"],
      ...["zone/zone-a", "zone/zone-b", "restart", "all", "minio-volume", "loki-outage"],
    ]);
    expect(todo.find(({ name }) => name === "zone/zone-a")?.nodes).to.deep.equal(["node-1", "node-3"]);
    expect(skipped[0]).to.deep.include({ lacks: ["--node-cut", "--node-heal"] });
    expect(skipped.map(({ event }) => event.kind)).to.include.members(["up", "up-during-loss", "scale"]);
  });

  it("includes the named events in order, without those in a report", () => {
    expect(names(plan(["drain/node-2", "power", ...power]).todo)).to.deep.equal([
      ...["drain/node-2", "power/node-1", "power/node-2", "power/node-3"],
    ]);
    const done = [{ event: "power/node-1" } as Case];
    expect(names(plan(["power", ...power], done).todo)).to.deep.equal(["power/node-2", "power/node-3"]);
    expect(names(plan(["up", "--up", "true"]).todo)).to.deep.equal(["up"]);
  });

  it("rejects unknown events, and those that lack a command", () => {
    expect(() => plan(["flood"])).to.throw(UserError, 'no event is called "flood"');
    expect(() => plan(["cut/node-1"])).to.throw(
      UserError,
      "event cut/node-1 needs --node-cut and --node-heal",
    );
    expect(() => readAsked(["--off", "9"])).to.throw(
      UserError,
      '--off: invalid value "9" (must be an integer between 10 and 3600)',
    );
    expect(readAsked(["--ignore", "a/b", "--ignore", "c/d"]).ignore).to.deep.equal(["a/b", "c/d"]);
    expect(() => readAsked(["--wat"])).to.throw(UserError, "--wat");
  });

  it("limits the time of an event", () => {
    expect([readAsked([]).limit, readAsked(["--limit", "600"]).limit]).to.deep.equal([3600, 600]);
    expect(() => readAsked(["--limit", "60"])).to.throw(
      UserError,
      "must be an integer between 120 and 36000",
    );
  });

  it("interrupts a command that takes too long, with its child processes", async () => {
    const begun = Date.now();
    const error = await shell("trap 'exit 3' INT; sleep 60", 1).then(
      () => undefined,
      (failure: Error) => failure.message,
    );
    expect(error).to.equal(`"trap 'exit 3' INT; sleep 60" was interrupted after 1 s`);
    expect(Date.now() - begun).to.be.below(8000);
    await shell("true", 1);
  });

  it("reverts an event's changes, and reports why it failed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "obs-harm-"));
    const log = join(folder, "log");
    const cluster = {
      nodesReady: async () => {
        throw new Error("not ready after 1 s: node-1");
      },
      putBack: async () => undefined,
    } as unknown as Cluster;
    const commands = {
      "node-down": `echo down {node} >> ${log}`,
      "node-up": `echo up {node} >> ${log}`,
      scale: `echo {store} {replicas} >> ${log}; [ {replicas} = 3 ]`,
    };
    const harm = new Harm(cluster, commands, { off: 0, patience: 1, limit: 10 });
    const power = await harm.cause({ kind: "power", name: "power/node-1", nodes: ["node-1"] });
    expect(power.failed).to.equal("not ready after 1 s: node-1");
    expect(power.lost).to.have.lengthOf(1);
    expect(power.lost[0]?.to).to.be.within(power.lost[0]?.from ?? Infinity, Date.now());
    const scale = await harm.cause({ kind: "scale", name: "scale/loki", nodes: [], store: "loki" });
    expect(scale.failed).to.include("ended with exit code 1");
    expect(scale.lost).to.deep.equal([]);
    expect(readFileSync(log, "utf8")).to.equal("down node-1\nup node-1\nloki 5\nloki 3\n");
  });

  it("repeats an update that failed when a node was lost", async () => {
    const log = join(mkdtempSync(join(tmpdir(), "obs-harm-")), "log");
    const cluster = {
      nodesReady: async () => undefined,
      putBack: async () => undefined,
    } as unknown as Cluster;
    const commands = {
      // The first one runs until after the loss, however busy the machine is.
      up: `echo update >> ${log}; if [ $(grep -c update ${log}) = 2 ]; then sleep 0.5; else sleep 3; false; fi`,
      "node-down": `echo down >> ${log}`,
      "node-up": `echo up >> ${log}`,
    };
    const harm = new Harm(cluster, commands, { off: 0.2, patience: 1, limit: 10 });
    const begun = Date.now();
    const { notes, failed, lost } = await harm.cause({
      ...{ kind: "up-during-loss" as const, name: "up-during-loss", nodes: ["node-1"] },
    });
    expect(failed).to.equal(undefined);
    expect(notes).to.have.lengthOf(1);
    expect(notes[0]).to.match(/ended with exit code 1\), and succeeded when it was repeated/);
    expect(readFileSync(log, "utf8")).to.equal("update\ndown\nup\nupdate\n");
    expect(lost).to.have.lengthOf(1);
    expect(lost[0]?.to, "the node is back during the second update").to.be.below(Date.now() - 450);
    expect(lost[0]?.from).to.be.within(begun + 190, Date.now());
  });

  it("stops Loki after a time of load, then restarts Alloy for logs", async () => {
    const did: string[] = [];
    const cluster = {
      stopLoki: async (seconds: number) => did.push(`Loki stopped for ${seconds} s`),
      restart: async (_: number, wanted: (one: Component) => boolean) => {
        const one = (kind: Component["kind"], namespace: string): Component => ({
          ...{ kind, namespace, name: "a", selector: "", replicas: 1 },
        });
        for (const each of [
          one("DaemonSet", "alloy-logs"),
          one("DaemonSet", "cadvisor"),
          one("StatefulSet", "loki"),
        ])
          if (wanted(each)) did.push(`${each.namespace} restarted`);
        return ["alloy-logs 3 s"];
      },
    } as unknown as Cluster;
    const harm = new Harm(cluster, {}, { off: 0.05, patience: 1, limit: 10 });
    const begun = Date.now();
    const outage = await harm.cause({ kind: "loki-outage", name: "loki-outage", nodes: [] });
    expect(Date.now() - begun).to.be.at.least(99);
    expect(outage).to.deep.equal({ notes: ["rollout: alloy-logs 3 s"], lost: [] });
    expect(did).to.deep.equal(["Loki stopped for 0.05 s", "alloy-logs restarted"]);
  });

  it("fills a command's placeholders", () => {
    expect(filled("off {node} {other}", { node: "node-1" })).to.equal("off node-1 {other}");
    expect(filled("scale {store}={replicas}", { store: "loki", replicas: "5" })).to.equal("scale loki=5");
  });
});

describe("unit: node drills, the cluster", () => {
  it("evicts what kubectl drain evicts", () => {
    const pod = (kind?: string, more = {}) => ({
      metadata: {
        ...(kind && { ownerReferences: [{ kind, name: "a", apiVersion: "v1", uid: "1" }] }),
        ...more,
      },
    });
    expect(isEvicted(pod("ReplicaSet"))).to.equal(true);
    expect(isEvicted(pod())).to.equal(true);
    expect(isEvicted(pod("DaemonSet"))).to.equal(false);
    expect(isEvicted(pod("Node", { annotations: { "kubernetes.io/config.mirror": "1" } }))).to.equal(false);
    expect(isEvicted({ ...pod("Job"), status: { phase: "Succeeded" } })).to.equal(false);
  });

  it("waits for pods that are not ready, of the old template, or of an old specification", () => {
    const whole = {
      kind: "StatefulSet",
      namespace: "loki",
      name: "loki-ingester",
      wanted: 3,
      ready: 3,
      all: 3,
    };
    expect(workloadTrouble({ ...whole, updated: 3, observed: true })).to.equal(undefined);
    expect(workloadTrouble({ ...whole, updated: undefined, observed: true })).to.equal(undefined);
    expect(workloadTrouble({ ...whole, updated: 2, observed: true })).to.equal(
      "StatefulSet loki/loki-ingester: 3 of 3 ready, 2 updated",
    );
    expect(workloadTrouble({ ...whole, ready: 2, updated: undefined, observed: true })).to.include(
      "2 of 3 ready",
    );
    expect(workloadTrouble({ ...whole, updated: 3, observed: false })).not.to.equal(undefined);
    expect(workloadTrouble({ ...whole, all: 4, updated: 3, observed: true })).not.to.equal(undefined);
  });
});

describe("unit: node drills, the load", () => {
  it("puts a writer on each node, which complies with the restricted Pod Security level", () => {
    const { spec } = writersManifest(settingsOf("prod"), loadOn(6, 600, 54), "0123abcd", ["node-1"]);
    const [container] = spec?.template.spec?.containers ?? [];
    expect(spec?.template.spec?.automountServiceAccountToken).to.equal(false);
    expect(container?.securityContext).to.include({ runAsNonRoot: true, readOnlyRootFilesystem: true });
    expect(container?.env).to.deep.include({ name: "LOAD_LINES", value: "100" });
    expect(container?.env).to.deep.include({ name: "LOAD_SPANS", value: "9" });
    expect(JSON.stringify(spec?.template.spec?.affinity)).to.include('"values":["node-1"]');
    expect(container?.envFrom).to.deep.equal([{ secretRef: { name: "nodes" } }]);
  });

  it("names a user's variable in each query and write, and never a password", () => {
    for (const text of [queries("0123abcd"), writes("0123abcd")]) {
      const lines = text.trimEnd().split("\n");
      expect(lines.map((line) => line.split(" ")[0])).to.deep.equal(["loki", "mimir", "tempo"]);
      for (const line of lines) expect(line).to.match(/^(\w+) \1_(READ|WRITE) http:\/\/\S+ \S+$/i);
    }
    for (const line of writes("0123abcd").trimEnd().split("\n")) JSON.parse(line.split(" ")[3] ?? "");
  });

  it("parses nodes and numbers from lines and trace IDs", () => {
    expect(readLine("nodes run=0123abcd writer=node-3 number=17")).to.deep.equal({
      node: "node-3",
      number: 17,
    });
    const traces = [
      { traceID: "123abcd0002000000000000000000000a", spanSets: [{ matched: 9 }] },
      { traceID: "f".repeat(32), spanSets: [{ matched: 9 }] },
    ];
    // Tempo omits the leading zero.
    const [first] = traces;
    if (first) first.traceID = "0123abcd00020000000000000000000a".slice(1);
    expect(readTraces({ traces }, "0123abcd")).to.deep.equal([{ writer: 2, batch: 10, spans: 9 }]);
    expect(readTraces({}, "0123abcd")).to.deep.equal([]);
  });

  it("finds every line over pages that end between lines of the same time, and spans that a search does not return", async () => {
    const entries = Array.from({ length: 12_001 }, (_, index): [string, string] => [
      `${1000 + Math.floor(index / 7)}000000`,
      `nodes run=0123abcd writer=node-${1 + (index % 2)} number=${Math.floor(index / 2) + 1}`,
    ]);
    // One line exists twice, with a time in the next range.
    entries.push(["69000000000", entries[10]?.[1] ?? ""]);
    const pages: number[] = [];
    const ask = (async (
      service: { name: string },
      user: string,
      path: string,
      query: { start?: string; end?: string; limit?: number },
    ) => {
      if (service.name === "loki-gateway") {
        const values = entries
          .filter(
            ([time]) => BigInt(time) >= BigInt(query.start ?? 0) && BigInt(time) < BigInt(query.end ?? 0),
          )
          .slice(0, query.limit);
        pages.push(values.length);
        return { data: { result: [{ values: values.slice(0, 1000) }, { values: values.slice(1000) }] } };
      }
      if (path === "/api/search")
        return { traces: [{ traceID: "123abcd000000000000000000000001", spanSets: [{ matched: 2 }] }] };
      if (path.endsWith("2")) throw new Error("tempo-gateway answered 404: no");
      if (path.startsWith("/api/traces/"))
        return { spans: [{ spanId: "a", parentSpanId: "x" }, { spanId: "b" }] };
      const times = user === "pods-read" ? [15, 30] : [20];
      return { data: { result: [{ metric: { pod: "pod-2" }, values: times.map((time) => [time, "1"]) }] } };
    }) as Ask;
    const run = "0123abcd";
    const of = { ask, load: loadOn(2, 10, 4), run, from: 0, to: 120_000 };
    const pods = new Map([
      ["node-1", "pod-1"],
      ["node-2", "pod-2"],
    ]);
    const all = await findAll(of, pods, new Map([["node-1", [1, 2, 3]]]), of);
    expect(pages).to.deep.equal([5000, 5000, 2005, 1]);
    const [one, two] = [all.get("node-1"), all.get("node-2")];
    expect(one?.lines.size).to.equal(6001);
    expect(two?.lines.size).to.equal(6000);
    expect([...(one?.lines ?? [])].filter(([, copies]) => copies !== 1)).to.deep.equal([[6, 2]]);
    expect(Object.fromEntries(one?.spans ?? [])).to.deep.equal({ 1: 2, 2: 0, 3: 2 });
    expect(two?.samples).to.deep.equal({ alloy: [15_000, 30_000], prometheus: [20_000] });
  });

  it("reads only incomplete traces again", async () => {
    const asked: string[] = [];
    const ask = (async (_service: object, _user: string, path: string) => {
      asked.push(path);
      if (path.startsWith("/api/traces/")) return { spans: [{ spanId: "a" }, { spanId: "b" }] };
      return { data: { result: [] } };
    }) as Ask;
    const quest = { ask, load: loadOn(1, 10, 2), run: "0123abcd", from: 0, to: 20_000 };
    const spans = new Map([
      [1, 2],
      [2, 1],
    ]);
    const known = new Map([["node-1", { lines: new Map(), spans, samples: { alloy: [], prometheus: [] } }]]);
    const pods = new Map([["node-1", "pod-1"]]);
    const again = await findAll(quest, pods, new Map([["node-1", [1, 2]]]), undefined, known);
    expect(Object.fromEntries(again.get("node-1")?.spans ?? [])).to.deep.equal({ 1: 2, 2: 2 });
    expect(asked.filter((path) => path.startsWith("/api/"))).to.deep.equal([
      "/api/traces/0123abcd000000000000000000000002",
    ]);
  });

  it("waits until Alloy and Prometheus scrape every writer", async () => {
    const scraped = (alloy: string, prometheus?: string) =>
      areScraped(
        {
          ask: (async (_service: object, user: string) => {
            const count = user === "pods-read" ? alloy : prometheus;
            return { data: { result: count ? [{ value: [0, count] }] : [] } };
          }) as Ask,
          load: loadOn(2, 10, 4),
          run: "0123abcd",
        },
        2,
      );
    expect(await Promise.all([scraped("2", "2"), scraped("2", "1"), scraped("2")])).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it("fits a prod stack on a few small nodes only with lower requests", () => {
    const { config } = parse(readFileSync("tests/nodes/Pulumi.nodes.yaml", "utf8"));
    const plain = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key.replace("observability:", ""), value]),
    ) as { grafana: { auth: { oauth: object } } };
    Object.assign(plain.grafana.auth.oauth, { clientSecret: "[secret]" });
    const settings = parseSettings("nodes", plain);
    expect(settings.environment).to.equal("prod");
    let requested = 0;
    const grows: string[] = [];
    const visit = (node: unknown, path: string) => {
      if (typeof node !== "object" || node === null || Array.isArray(node)) return;
      const { memory, replicas, servers, maxReplicas } = node as { [key: string]: unknown };
      requested += Number(memory ?? 0) * Number(replicas ?? servers ?? 1);
      if (maxReplicas !== undefined && maxReplicas !== replicas) grows.push(path);
      for (const [key, child] of Object.entries(node)) visit(child, `${path}.${key}`);
    };
    visit(settings, "");
    expect(requested / 1024 ** 3).to.be.within(1, 6);
    expect(grows).to.deep.equal([]);
  });
});
