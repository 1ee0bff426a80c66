import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { capacityText, fitText, withLoad } from "../../cli/commands/size";
import { record } from "../../cli/lib/record";
import { root } from "../../cli/lib/stack-config";
import { type Settings, UserError } from "../../settings";
import { capacity } from "../../settings/capacity";
import { settingAt } from "../../settings/describe";
import { configuredSize, fits, notCompared, wholeStack } from "../../settings/fit";
import { daysUntilFull, growths } from "../../settings/forecast";
import { wholeLoad } from "../../settings/load";
import { formulas } from "../../settings/sizing";
import {
  nodeShortages,
  sizingProblems,
  sizingWarnings,
  storageForecast,
} from "../../settings/sizing-problems";
import { asText, type Config, settingsOf } from "../support/stacks";

const GiB = 1024 ** 3;
const TiB = 1024 ** 4;
const MiB = 1024 ** 2;
const day = 86400;

const sized = (load: Config, more: Config = {}) => settingsOf("prod", { load, ...more });
const needsOf = (component: string, load: Config, more: Config = {}) =>
  fits(sized(load, more)).find((fit) => fit.component === component)?.needs;
const fitOf = (component: string, load: Config, more: Config = {}) =>
  fits(sized(load, more)).find((fit) => fit.component === component);
const pathsOf = (load: Config, more: Config = {}) =>
  sizingProblems(sized(load, more)).map(({ path }) => path);

describe("unit: sizing", () => {
  describe("a load", () => {
    it("has numbers that are derived from others: samples from series and vice versa, queries from series", () => {
      expect(wholeLoad(sized({ series: "1M" }))).to.include({ series: 1e6, samples: 1e6 / 15, queries: 5 });
      expect(wholeLoad(sized({ samples: "100k/s" }))).to.include({
        series: 1.5e6,
        samples: 1e5,
        queries: 7.5,
      });
      expect(wholeLoad(sized({ series: "1M", samples: "5/s", queries: "100/s" }))).to.include({
        series: 1e6,
        samples: 5,
        queries: 100,
      });
    });

    it("is empty if nothing is declared, without needs and problems", () => {
      for (const environment of ["dev", "prod"] as const) {
        expect(Object.values(wholeLoad(settingsOf(environment)))).to.deep.equal([0, 0, 0, 0, 0]);
        expect(fits(settingsOf(environment))).to.deep.equal([]);
        expect(sizingProblems(settingsOf(environment))).to.deep.equal([]);
      }
    });

    it("of one signal sizes the components of that signal", () => {
      const components = (load: Config) => fits(sized(load)).map(({ component }) => component.split(".")[0]);
      expect(new Set(components({ logs: "1GB/day" }))).to.deep.equal(
        new Set(["loki", "alloyLogs", "objectStorage"]),
      );
      expect(new Set(components({ spans: "1/s" }))).to.deep.equal(new Set(["tempo", "objectStorage"]));
      expect(new Set(components({ series: 1 }))).to.deep.equal(
        new Set(["mimir", "alloyMetrics", "objectStorage"]),
      );
    });
  });

  describe("formulas", () => {
    it("exist for existing components, each with its source", () => {
      for (const { component, source } of (["dev", "prod"] as const).flatMap((name) =>
        formulas(settingsOf(name)),
      )) {
        expect(settingAt(component)?.group, component).to.equal(true);
        expect(source, component).to.match(/^https:\/\//);
      }
    });

    it("Mimir's: planning-capacity, with half as much again of memory and disk", () => {
      const load = { series: "1M", samples: "100k/s", queries: "50/s" };
      expect(needsOf("mimir.distributor", load)).to.deep.equal({ cpu: 4000, memory: 6e9 });
      // Three replicas of a million series, 300,000 per core.
      // The headroom is in the 85 % of the memory that limits the series.
      const ingester = needsOf("mimir.ingester", load);
      expect(ingester).to.deep.include({ cpu: 10_000, disk: 75e9 });
      expect(ingester?.memory).to.be.closeTo(37.5e9 / 0.85, 1);
      expect(needsOf("mimir.querier", load)).to.deep.equal({ cpu: 5000, memory: 7.5e9 });
      expect(needsOf("mimir.queryFrontend", load)).to.deep.equal({ cpu: 200, memory: 3e8 });
      expect(needsOf("mimir.queryScheduler", load)).to.deep.equal({ cpu: 100, memory: 15e6 });
      expect(needsOf("mimir.storeGateway", load)).to.deep.equal({ cpu: 5000, memory: 7.5e9, disk: 19.5e9 });
      expect(needsOf("mimir.compactor", load)).to.deep.equal({ cpu: 50, memory: 3e8, disk: 22.5e9 });
    });

    it("Mimir's use the replication factor and the retention of the stack", () => {
      const load = { series: "300k" };
      const mimir = { replicationFactor: 1, retention: "73d" };
      expect(needsOf("mimir.ingester", load, { mimir })?.cpu).to.equal(1000);
      expect(needsOf("mimir.storeGateway", load, { mimir })?.disk).to.be.closeTo((13e9 * 1.5 * 0.3) / 5, 1);
    });

    it("the storage's use the longest retention of a tenant, kind or namespace, except Prometheus' copy", () => {
      const days = (load: Config, more: Config) =>
        growths(wholeLoad(sized(load)), sized(load, more)).find(({ daily }) => daily > 0)?.kept;
      const metrics = (tenants: Config, more: Config = {}) =>
        days({ series: "1k" }, { mimir: { retention: "20d", tenants }, ...more });
      expect(metrics({})).to.equal(20);
      expect(metrics({ pods: { retention: "90d" } })).to.equal(90);
      const shorter = { pods: { retention: "10d" }, nodes: { retention: "5d" } };
      expect(metrics(shorter)).to.equal(10);
      expect(metrics({ ...shorter, team: {} })).to.equal(20);
      const hub = { access: { ingress: { domain: "hub.test" } }, agents: { "eu-1": {} } };
      expect(metrics(shorter, hub)).to.equal(20);
      const mimir = { tenants: { pods: { retention: "730d" } } };
      expect(needsOf("mimir.storeGateway", { series: "1M" }, { mimir })?.disk).to.be.closeTo(39e9, 1);
      expect(days({ spans: "1/s" }, { tempo: { tenants: { traces: { retention: "60d" } } } })).to.equal(60);
      expect(days({ logs: "1GB/day" }, { loki: { retention: { namespaces: { pay: "90d" } } } })).to.equal(90);
    });

    it("Loki's: the columns of its tables at 3 and 30 TB a day, interpolated", () => {
      const ingester = (logs: string) => needsOf("loki.ingester", { logs });
      expect(ingester("3TB/day")).to.deep.include({ cpu: 12_000, memory: 24 * GiB });
      expect(ingester("1TB/day")?.cpu).to.be.closeTo(4000, 1e-6);
      expect(ingester("30TB/day")).to.deep.include({ cpu: 180_000, memory: 540 * GiB });
      expect(ingester("60TB/day")).to.deep.include({ cpu: 1_200_000, memory: 2400 * GiB });
      const querier = (logs: string) => needsOf("loki.querier", { logs });
      expect(querier("3TB/day")).to.deep.equal({ cpu: 10_000, memory: 10 * GiB });
      expect(needsOf("loki.indexGateway", { logs: "3TB/day" })).to.deep.equal({ cpu: 2000, memory: 8 * GiB });
      // Without index gateways, queriers do their work.
      const loki = { indexGateway: { replicas: 0 } };
      expect(needsOf("loki.querier", { logs: "3TB/day" }, { loki })).to.deep.equal({
        cpu: 12_000,
        memory: 18 * GiB,
      });
      expect(needsOf("loki.indexGateway", { logs: "3TB/day" }, { loki })).to.equal(undefined);
    });

    it("Loki's write-ahead log: 15 GB for 5 MB/s of an ingester, below 90 % of its volume", () => {
      const logs = `${5 * day}MB/day`;
      const volume = (15e9 * (MiB / 1e6)) / 0.9;
      expect(needsOf("loki.ingester", { logs })?.disk).to.be.closeTo(3 * volume, 1);
      const loki = { replicationFactor: 1, ingester: { replicas: 1 } };
      expect(needsOf("loki.ingester", { logs }, { loki })?.disk).to.be.closeTo(volume, 1);
      // The default volumes hold more than the other resources of Loki.
      const { ingester } = settingsOf("prod").loki;
      const disk = (most: string) => needsOf("loki.ingester", { logs: most })?.disk;
      expect(disk("310GB/day")).to.be.below((ingester.replicas * ingester.disk) / 1.5);
      expect(disk("510GB/day")).to.be.at.most(ingester.replicas * ingester.disk);
    });

    it("Loki's grow with the load, also from one column to the next", () => {
      const daily = [1, 2, 3, 4, 15, 29, 30, 31, 100].map(
        (tb) => needsOf("loki.ingester", { logs: `${tb}TB/day` })?.cpu,
      );
      expect(daily).to.deep.equal([...daily].sort((a, b) => (a ?? 0) - (b ?? 0)));
      expect(new Set(daily).size).to.equal(daily.length);
    });

    it("Tempo's: replicas by bytes, spans of 500 bytes", () => {
      const load = { spans: "20k/s" }; // 10 MB a second
      expect(needsOf("tempo.distributor", load)).to.deep.equal({ cpu: 2000, memory: 2e9 });
      expect(needsOf("tempo.ingester", load)).to.deep.equal({ cpu: 5000, memory: 8e9 });
      expect(needsOf("tempo.querier", load)).to.deep.equal({ memory: 20e9 });
      expect(needsOf("tempo.compactor", load)).to.deep.equal({ cpu: 2000, memory: 8e9 });
    });

    it("Alloy's: by series and scrape interval, and by bytes of logs", () => {
      expect(needsOf("alloyMetrics", { series: "1M" })).to.deep.equal({ cpu: 1600, memory: 11 * GiB });
      expect(
        needsOf("alloyMetrics", { series: "1M" }, { alloyMetrics: { scrapeInterval: "60s" } })?.cpu,
      ).to.equal(400);
      const { cpu = 0, memory = 0 } = needsOf("alloyLogs", { logs: "84375MB/day" }) ?? {};
      expect([cpu / 1000, memory / MiB / 120]).to.deep.equal([84_375 / day, 84_375 / day]);
    });

    it("the buckets': all retained data, multiplied by the overhead of erasure coding", () => {
      const disk = (load: Config, minio: Config = {}) =>
        needsOf("objectStorage.minio", load, { objectStorage: { minio } })?.disk;
      const year = 365 * day;
      expect(disk({ samples: "1k/s" })).to.equal(1000 * 2 * year * 2); // six servers: three of them parity
      expect(disk({ samples: "1k/s" }, { servers: 4 })).to.equal(1000 * 2 * year * 2);
      expect(disk({ logs: "1TB/day" })).to.be.closeTo((TiB / 5) * 30 * 2, 1);
      expect(disk({ spans: "1k/s" })).to.equal(1000 * 500 * 30 * day * 2);
      expect(disk({ samples: "1k/s" }, { servers: 8 })).to.equal(1000 * 2 * year * 2);
      expect(disk({ samples: "1k/s" }, { servers: 16 })).to.be.closeTo((1000 * 2 * year * 16) / 12, 1);
      // Two sets of ten.
      expect(disk({ samples: "1k/s" }, { servers: 20 })).to.be.closeTo((1000 * 2 * year * 10) / 6, 1);
      expect(disk({ samples: "1k/s" }, { servers: 1, mode: "standalone" })).to.equal(1000 * 2 * year);
    });
  });

  describe("configured resources", () => {
    it("are the replicas with the requests of each; per node for DaemonSets", () => {
      const settings = settingsOf("prod");
      expect(configuredSize(settings, "mimir.ingester")).to.deep.equal({
        ...{ replicas: 3, cpu: 2000, memory: 4 * GiB, disk: 50 * GiB },
      });
      expect(configuredSize(settings, "objectStorage.minio")?.replicas).to.equal(6);
      expect(configuredSize(settings, "alloyLogs")).to.equal(undefined);
      expect(configuredSize(sized({ nodes: 7 }), "alloyLogs")?.replicas).to.equal(7);
    });

    it("of a cache include a fifth more memory than its items need", () => {
      expect(configuredSize(settingsOf("prod"), "loki.resultsCache")).to.deep.equal({
        replicas: 1,
        cpu: 500,
        memory: 615 * MiB,
      });
    });

    it("of the whole stack include added components, and exclude missing ones", () => {
      const before = wholeStack(settingsOf("prod"));
      const more = wholeStack(settingsOf("prod", { loki: { ingester: { replicas: 5 } } }));
      expect(more.cpu - before.cpu).to.equal(2000);
      expect(more.memory - before.memory).to.equal(4 * GiB);
      expect(more.disk - before.disk).to.equal(40 * GiB);
      const without = wholeStack(settingsOf("prod", { cadvisor: { enabled: false } }));
      expect(before.memory - without.memory).to.equal(128 * MiB);
      const external = { endpoint: "s3", region: "x", tls: true, pathStyle: false };
      const keys = { accessKey: "access", secretKey: "secret-key" };
      const objectStorage = {
        kind: "external",
        external: { ...external, loki: keys, mimir: keys, tempo: keys },
      };
      expect(before.disk - wholeStack(settingsOf("prod", { objectStorage })).disk).to.equal(300 * GiB);
    });
  });

  describe("verdicts", () => {
    it("too small names the lacking resources and a sufficient number of replicas", () => {
      expect(fitOf("mimir.ingester", { series: "1M" })).to.deep.include({
        verdict: "too small",
        lacks: ["cpu", "memory"],
        replicas: 11,
      });
      const verdict = (replicas: number) =>
        fitOf("mimir.ingester", { series: "1M" }, { mimir: { ingester: { replicas } } })?.verdict;
      expect([verdict(10), verdict(11)]).to.deep.equal(["too small", "ok"]);
    });

    it("too large is four times the needs, and more than a minimum", () => {
      expect(fitOf("mimir.ingester", { series: "10k" })?.verdict).to.equal("too large");
      expect(fitOf("mimir.ingester", { series: "150k" })?.verdict).to.equal("ok");
      // A component with less than a core and a GiB cannot be much smaller.
      expect(fitOf("mimir.queryScheduler", { series: "10k" })?.verdict).to.equal("ok");
    });

    it("unknown if the configured resources are not known", () => {
      expect(fitOf("alloyLogs", { logs: "1TB/day" })).to.deep.include({ verdict: "unknown", lacks: [] });
      expect(fitOf("alloyLogs", { logs: "1TB/day", nodes: 3 })?.verdict).to.equal("too small");
    });

    it("use the maximum replicas of an autoscaled component", () => {
      const settings = sized({ series: "1M", queries: "50/s" });
      const scaled = (maxReplicas: number) => ({
        ...settings,
        mimir: { ...settings.mimir, querier: { ...settings.mimir.querier, maxReplicas } },
      });
      const verdict = (maxReplicas: number) =>
        fits(scaled(maxReplicas)).find(({ component }) => component === "mimir.querier")?.verdict;
      expect([verdict(4), verdict(5)]).to.deep.equal(["too small", "ok"]);
      expect(sizingProblems(scaled(4)).map(({ path }) => path)).to.include("mimir.querier.maxReplicas");
    });
  });

  describe("warnings", () => {
    // The load that docs/guides/sizing.md lists for prod, for one signal at a time.
    const most = { metrics: { series: "38k" }, logs: { logs: "25GB/day" }, traces: { spans: "120/s" } };

    it("do not exist for a load that the settings can carry", () => {
      for (const load of Object.values(most)) expect(pathsOf(load)).to.deep.equal([]);
    });

    it("name the setting of the bottleneck for a larger load", () => {
      expect(pathsOf({ series: "40k" })).to.deep.equal(["objectStorage.minio.disk"]);
      const disk = { objectStorage: { minio: { disk: "20Ti" } } };
      expect(pathsOf({ series: "290k" }, disk)).to.deep.equal([]);
      expect(pathsOf({ series: "295k" }, disk)).to.deep.equal(["mimir.ingester.replicas"]);
      expect(pathsOf({ logs: "300GB/day" }, disk)).to.deep.equal([]);
      expect(pathsOf({ logs: "310GB/day" }, disk)).to.deep.equal(["loki.compactor.memory"]);
      const compactor = { loki: { compactor: { memory: "4Gi", memoryLimit: "4Gi" } } };
      expect(pathsOf({ logs: "380GB/day" }, { ...disk, ...compactor })).to.deep.equal([]);
    });

    it("disappear once their setting has the required value", () => {
      const load = { series: "1M", samples: "100k/s" };
      const disk = { objectStorage: { minio: { disk: "4Ti" } } };
      expect(pathsOf(load, disk)).to.deep.equal([
        "mimir.distributor.replicas",
        "mimir.ingester.replicas",
        "alloyMetrics.maxReplicas",
      ]);
      const replicas = {
        mimir: { distributor: { replicas: 8 }, ingester: { replicas: 11 } },
        alloyMetrics: { maxReplicas: 11 },
      };
      expect(pathsOf(load, { ...disk, ...replicas })).to.deep.equal([]);
      const larger = {
        mimir: {
          distributor: { cpu: "1400m", memory: "2Gi" },
          ingester: { cpu: "3400m", memory: "14Gi", memoryLimit: "14Gi" },
        },
        alloyMetrics: { cpu: "600m", memory: "4Gi", memoryLimit: "4Gi" },
      };
      expect(pathsOf(load, { ...disk, ...larger })).to.deep.equal([]);
    });

    it("name the setting, its value, the required value and the fix", () => {
      const warnings = sizingWarnings("live", sized({ series: "1M" }));
      expect(warnings[1]).to.equal(
        "mimir.ingester.replicas: 3 is too small (needs 11 for the load, or cpu 3400m and memory 14Gi for each; " +
          "it has 6 of 10 cores and 12Gi of 41Gi memory)\n" +
          "    Fix it in Pulumi.live.yaml or run: pulumi config set --stack live --path 'mimir.ingester.replicas' <value>",
      );
    });

    it("report limits that would reject the load", () => {
      const limits = [
        "mimir.limits.series",
        "mimir.limits.samplesPerSecond",
        "loki.ingestionRate",
        "tempo.limits.rate",
      ];
      const refused = (load: Config, more: Config = {}) =>
        pathsOf(load, more).filter((path) => limits.includes(path));
      const largest = { series: "1M", samples: "100k/s", logs: "840GB/day", spans: "31k/s" };
      expect(refused(largest)).to.deep.equal([]);
      expect(refused({ series: "2M", samples: "101k/s", logs: "850GB/day", spans: "32k/s" })).to.deep.equal(
        limits,
      );
      // The load of a hub is that of its own cluster and of its agents, whose sum counts.
      const hub = (agents: Config) => ({ access: { ingress: { domain: "hub.test" } }, agents });
      const twice = { series: "2M", samples: "200k/s", logs: "1600GB/day", spans: "60k/s" };
      expect(refused(twice, hub({ "eu-1": {}, "us-1": { removed: "keepData" } }))).to.deep.equal([]);
      expect(refused(twice, hub({ "us-1": { removed: "keepData" } }))).to.deep.equal(limits);
      const few = { mimir: { series: 500_000, samplesPerSecond: 50_000 } };
      expect(refused(twice, hub({ "eu-1": few }))).to.deep.equal(limits.slice(0, 2));
      // The load may come from a tenant with limits of its own.
      const mimir = { tenants: { pods: { series: 2_000_000, samplesPerSecond: 200_000 } } };
      expect(refused({ series: "2M", samples: "101k/s" }, { mimir })).to.deep.equal([]);
    });

    it("are printed by a preview", async () => {
      const told: string[] = [];
      const warn = pulumi.log.warn;
      Object.assign(pulumi.log, {
        warn: async (text: string) => {
          told.push(text);
        },
      });
      try {
        await record("test", asText("dev", { load: { spans: "50/s" } }));
        expect(told.map((text) => text.split(":")[0])).to.deep.equal(["objectStorage.minio.disk"]);
      } finally {
        Object.assign(pulumi.log, { warn });
      }
    }).timeout(60_000);
  });

  describe("how long the object storage lasts", () => {
    it("follows from daily growth and retention", () => {
      expect(daysUntilFull([{ daily: 10, kept: 30 }], 300)).to.equal(undefined);
      expect(daysUntilFull([{ daily: 10, kept: 31 }], 300)).to.equal(30);
      // 15 a day for 10 days, then 5 a day.
      const two = [
        { daily: 10, kept: 10 },
        { daily: 5, kept: 100 },
      ];
      expect(daysUntilFull(two, 150)).to.equal(10);
      expect(daysUntilFull(two, 200)).to.equal(20);
      expect(daysUntilFull(two, 600)).to.equal(undefined);
      // 80 exist, so that 20 more are added before retention takes effect.
      expect(daysUntilFull([{ daily: 10, kept: 10, held: 80 }], 20)).to.equal(undefined);
      expect(daysUntilFull([{ daily: 10, kept: 10, held: 80 }], 10)).to.equal(1);
      expect(daysUntilFull([{ daily: -10, kept: 10 }], 10)).to.equal(undefined);
    });

    it("is reported for the declared load, with the date when the drives are full", () => {
      const text = (load: Config, more: Config = {}) => storageForecast(sized(load, more))[0];
      // 20,000 samples a second are 3.2 GiB a day.
      expect(text({ samples: "20k/s" })).to.match(
        /^The object storage is full after 46 days .* keep 1.14Ti of 150Gi\.$/,
      );
      expect(text({ series: "30k" })).to.match(
        /^The object storage lasts at the declared load: .* of 150Gi\.$/,
      );
      expect(text({ series: "30k" }, { objectStorage: { minio: { disk: "20Gi" } } })).to.include(
        "is full after",
      );
      expect(pathsOf({ samples: "20k/s" })).to.include("objectStorage.minio.disk");
      expect(storageForecast(sized({}))).to.deep.equal([]);
    });

    it("is warned about in prod if no load is declared, and MinIO is part of the stack", () => {
      const warned = (settings: Settings) =>
        sizingWarnings("prod", settings).filter((text) => text.startsWith("load:"));
      expect(warned(settingsOf("prod"))).to.have.length(1);
      expect(warned(settingsOf("prod"))[0])
        .to.include("150Gi hold 38.3k series, 25GB/day of logs or 124 spans/s")
        .and.include("pulumi config set --stack prod --path 'load.<setting>' <value>");
      expect(warned(sized({ series: "30k" }))).to.deep.equal([]);
      expect(warned(settingsOf("dev"))).to.deep.equal([]);
    });
  });

  describe("the capacity of a stack", () => {
    it("is the largest load without a problem", () => {
      for (const environment of ["dev", "prod"] as const) {
        const settings = settingsOf(environment);
        for (const [signal, key] of [
          ["metrics", "series"],
          ["logs", "logs"],
          ["traces", "spans"],
        ] as const) {
          const first = capacity(settings).find((one) => one.signal === signal);
          const problems = (factor: number) =>
            sizingProblems({ ...settings, load: { [key]: (first?.carries ?? 0) * factor } }).map(
              ({ path }) => path,
            );
          expect(problems(0.999), `${environment} ${signal}`).to.deep.equal([]);
          expect(problems(1.001), `${environment} ${signal}`).to.have.length(1);
          expect(problems(1.001)[0]).to.match(new RegExp(`^${first?.component}\\.`));
        }
      }
    });

    it("is the one in docs/guides/sizing.md for prod, and less than the tenant limit of R3.5", () => {
      const text = capacityText("prod", settingsOf("prod"));
      for (const line of [
        /38\.3k series +objectStorage\.minio +disk/,
        /292k series +mimir\.ingester +memory/,
        /1M series +mimir\.limits\.series +limit/,
        /25GB\/day +objectStorage\.minio +disk/,
        /384GB\/day +loki\.indexGateway +memory/,
        /768GB\/day +loki\.querier +cpu/,
        /4\.29k spans\/s +tempo\.querier +memory/,
      ])
        expect(text).to.match(line);
    });
  });

  describe("obs size", () => {
    it("accepts options in the form of settings, which override the stack's load", () => {
      const settings = sized({ series: "1M", logs: "1GB/day" });
      expect(withLoad(settings, { logs: "2GB/day", nodes: "3" }).load).to.deep.equal({
        ...{ series: 1e6, logs: 2 * GiB, nodes: 3 },
      });
      expect(() => withLoad(settings, { spans: "5" })).to.throw(
        UserError,
        /--spans: invalid value "5" \(must be a rate/,
      );
    });

    it("prints what docs/guides/sizing.md and README.md show", () => {
      const page = (path: string) => readFileSync(join(root, path), "utf8");
      const [, shown = ""] = /^(prod: 1M series[\s\S]*?)```/m.exec(page("docs/guides/sizing.md")) ?? [];
      const printed = fitText("prod", sized({ series: "1M", samples: "100k/s" })).split("\n");
      const lines = shown.split("\n").filter((line) => line && line !== "…");
      expect(lines).to.have.length.greaterThan(5);
      expect(lines.filter((line) => !printed.includes(line))).to.deep.equal([]);
      const requests = (settings: Settings) => {
        const { cpu, memory, disk } = wholeStack(settings);
        return [Math.round(cpu / 1000), Math.round(memory / GiB), Math.round(disk / GiB)];
      };
      const readme = page("README.md").replaceAll(/\s+/g, " ");
      const [cores, memory, disk] = requests(settingsOf("dev"));
      expect(readme).to.include(
        `Dev requests ${cores} core, ${memory} GiB and ${disk} GiB of volumes on one node`,
      );
      const prod = requests(settingsOf("prod", { load: { nodes: 6 } }));
      expect(readme).to.include(
        `prod requests ${prod[0]} cores, ${prod[1]} GiB and ${prod[2]} GiB of volumes on 6 nodes`,
      );
    });

    it("names the components that it does not compare", () => {
      const text = fitText("prod", sized({ spans: "100/s" }));
      const [, named = ""] = /^Not compared, .*: (.*)\.$/m.exec(text) ?? [];
      const names = named.split(", ");
      expect(names).to.include.members(["grafana", "tempo.gateway", "alloyTraces", "mimir.ruler"]);
      for (const compared of ["tempo.ingester", "alloyLogs"]) expect(names).not.to.include(compared);
      expect(notCompared(sized({ logs: "1GB/day" }))).to.include("alloyLogs");
      expect(notCompared(sized({ logs: "1GB/day", nodes: 3 }))).not.to.include("alloyLogs");
      expect(notCompared(sized({ spans: "1/s" }, { cadvisor: { enabled: false } }))).not.to.include(
        "cadvisor",
      );
      expect(fitText("prod", sized({ spans: "20k/s" }))).not.to.include("Not compared");
    });

    it("reports requests above what nodes of 4 cores and 16 GiB have", () => {
      const short = (nodes?: number, more: Config = {}) =>
        nodeShortages(sized({ spans: "100/s", ...(nodes && { nodes }) }, more));
      expect(short()).to.deep.equal([]);
      expect(short(12)).to.deep.equal([]);
      expect(short(3)).to.have.length(1);
      expect(short(3)[0]).to.match(
        /^The stack requests 3\d\.\d cores and 8\d\.\dGi, more than 3 nodes of 4 cores and 16Gi have: add nodes/,
      );
      expect(short(100, { alloyLogs: { cpu: "5" } })).to.deep.equal([
        "alloyLogs requests 5 cores and 256Mi on each node, more than one of 4 cores and 16Gi has: use larger nodes, or more of them.",
        short(100, { alloyLogs: { cpu: "5" } })[1],
      ]);
      expect(fitText("prod", sized({ spans: "100/s", nodes: 3 }))).to.include(short(3)[0]);
    });

    it("shows needs, configured resources, a verdict, the sums and the changes", () => {
      const text = fitText("prod", sized({ series: "1M", samples: "100k/s", nodes: 4 }));
      expect(text).to.include("prod: 1M series, 100k/s samples, 5/s queries");
      expect(text).to.match(
        /^mimir\.ingester +10 cores, 41Gi, 69\.8Gi disk +3 x 2 cores, 4Gi, 50Gi disk +too small: cpu, memory$/m,
      );
      expect(text).to.match(/^sum of these +16\.\d cores/m);
      expect(text).to.match(/^whole stack +\d+(\.\d)? cores, .+ requested, on 4 nodes$/m);
      expect(text).to.include("mimir.ingester.replicas: 3 is too small (needs 11");
    });
  });
});
