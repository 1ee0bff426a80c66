import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { maxSatisfying, SemVer } from "semver";
import { type ChartName, pins } from "../../charts";
import { type Check, exitCode, lines } from "../../cli/commands/upgrade";
import { changedReleases, refusedText } from "../../cli/commands/upgrade/dry-run";
import { compare, numbersOf, type Offered, reportOf } from "../../cli/commands/upgrade/versions";
import { recordProgram, recordQuietly } from "../../cli/lib/record";
import { guides, type Note, notes } from "../../upgrades";
import { type Config, settingsOf } from "../support/stacks";

/** A version at this distance in majors, minors and patches from a chart's pin. */
const beyond = (chart: ChartName, major: number, minor = 0, patch = 0): string => {
  const { major: a, minor: b, patch: c } = new SemVer(pins[chart].version);
  if (major) return `${a + major}.0.0`;
  return minor ? `${a}.${b + minor}.0` : `${a}.${b}.${c + patch}`;
};

/** A repository with these versions; the application of each is the second of a pair. */
const offering =
  (...all: (string | [string, string])[]) =>
  async (range: string): Promise<Offered> => {
    const apps = new Map(all.map((one) => (typeof one === "string" ? [one, undefined] : one)));
    const version = maxSatisfying([...apps.keys()], range.replaceAll(",", ""));
    if (!version) throw new Error("no such version");
    const appVersion = apps.get(version);
    return { version, ...(appVersion && { appVersion }) };
  };

const here = (chart: ChartName) => pins[chart].version;

describe("unit: upgrade: versions", () => {
  it("are compared numerically", () => {
    expect(compare("1.10.0", "1.9.9")).to.be.greaterThan(0);
    expect(compare("2.0.0", "10.0.0")).to.be.lessThan(0);
    expect(compare("v1.2.3", "1.2.3+build")).to.equal(0);
    expect(numbersOf("RELEASE.2024-12-18T13-15-44Z")).to.equal(null);
    expect(() => compare("1.0.0", "main")).to.throw("Invalid Version: main");
  });

  it("include the newest patch, minor and major, in any order, without prereleases and deprecated ones", async () => {
    const chart = "alloy";
    const [patch, minor, major] = [beyond(chart, 0, 0, 12), beyond(chart, 0, 10), beyond(chart, 1)];
    const old = "0.1.0";
    const offers = offering(
      old,
      major,
      beyond(chart, 0, 0, 2),
      minor,
      patch,
      here(chart),
      `${beyond(chart, 2)}-rc.1`,
    );
    const { notes: said, ...report } = await reportOf(chart, offers);
    expect(report).to.deep.equal({ chart, pinned: here(chart), patch, minor, allowed: major, newest: major });
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/breaking changes between \d+ and \d+ are not listed here: read https:/);
  });

  it("are empty if the pin is the newest", async () => {
    const report = await reportOf("alloy", offering(here("alloy"), "0.9.0"));
    expect(report).to.deep.equal({ chart: "alloy", pinned: here("alloy"), notes: [] });
  });

  for (const [chart, known] of [
    ["tempo-distributed", "Kafka"],
    ["mimir-distributed", "classic architecture"],
  ] as const)
    it(`of ${chart} stay below the next major`, async () => {
      const minor = beyond(chart, 0, 3);
      const report = await reportOf(chart, offering(here(chart), minor, beyond(chart, 1), beyond(chart, 2)));
      expect(report).to.include({ allowed: minor, minor, newest: beyond(chart, 2) });
      expect(report.notes.join()).to.match(new RegExp(`${known}.*To do: .*See https:`));
    });

  it("of loki stay in the major version of the chart if the newest has application 4", async () => {
    const [minor, three, four] = [beyond("loki", 0, 1), beyond("loki", 1), beyond("loki", 2)];
    const old = [here("loki"), "3.7.6"] as [string, string];
    const report = await reportOf("loki", offering(old, [minor, "3.8.0"], [four, "4.0.0"]));
    expect(report).to.include({ allowed: minor, newest: four, newestApp: "4.0.0" });
    expect(report.notes.join()).to.include("boltdb-shipper");
    const fine = await reportOf("loki", offering(old, [three, "3.9.0"]));
    expect(fine).to.include({ allowed: three, newest: three });
    expect(fine.notes.join()).not.to.include("boltdb-shipper");
  });

  it("below 1.0 may be breaking with each minor", async () => {
    const chart = "opentelemetry-operator";
    const report = await reportOf(chart, offering(here(chart), beyond(chart, 0, 3)), []);
    expect(report.notes.join()).to.match(/between 0\.\d+ and 0\.\d+ are not listed here/);
    expect((await reportOf(chart, offering(here(chart), beyond(chart, 0, 0, 1)), [])).notes).to.deep.equal(
      [],
    );
  });

  it("before the pin need no note any more", async () => {
    const passed: Note = {
      chart: "alloy",
      from: { chart: "0.5" },
      what: "gone",
      todo: "none",
      link: "https://x",
    };
    const { notes: said } = await reportOf("alloy", offering(here("alloy"), beyond("alloy", 0, 1)), [passed]);
    expect(said).to.deep.equal([]);
  });

  it("have metadata: every chart has a guide, every note a link, and no pin is beyond a limit", () => {
    expect(guides).to.have.all.keys(Object.keys(pins));
    for (const { chart, from, limit, link } of notes) {
      expect(link, chart).to.match(/^https:/);
      const [what, pinned] =
        from && "app" in from ? [from.app, pins[chart].appVersion] : [from?.chart, here(chart)];
      if (limit) expect(compare(pinned, what ?? ""), chart).to.be.lessThan(0);
    }
  });

  it("of the operator and its CRDs are pinned together", () => {
    expect(pins["kube-prometheus-stack"].appVersion).to.equal(pins["prometheus-operator-crds"].appVersion);
  });
});

describe("unit: upgrade: report", () => {
  const chart = { chart: "loki" as const, pinned: "1.0.0", notes: [] };
  const cluster = { accepted: 3, refused: [], skipped: [] };
  const refused = { object: "StatefulSet a/b", message: "field is immutable", fix: "do" };
  const check = (over: Partial<Check>): Check => ({ stack: "dev", charts: [chart], cluster, ...over });

  it("is an exit code", () => {
    expect(exitCode(check({}))).to.equal(0);
    expect(exitCode(check({ charts: [{ ...chart, newest: "2.0.0" }] }))).to.equal(0);
    expect(exitCode(check({ charts: [{ ...chart, allowed: "2.0.0" }] }))).to.equal(2);
    expect(exitCode(check({ charts: [chart, { ...chart, unreachable: "why" }] }))).to.equal(1);
    expect(exitCode(check({ cluster: { ...cluster, refused: [refused] } }))).to.equal(2);
    expect(exitCode(check({ cluster: { reason: "none" } }))).to.equal(0);
  });

  it("names the next step of Mimir as an available update", () => {
    const steps = [
      { chart: "6.1.0", image: "mimir:3.1" },
      { chart: here("mimir-distributed"), image: "mimir:3.2" },
    ];
    const mimir = { live: "6.0.6", steps, problems: ["  refused"] };
    expect(exitCode(check({ cluster: { ...cluster, mimir } }))).to.equal(2);
    expect(exitCode(check({ cluster: { ...cluster, mimir: { ...mimir, steps: [] } } }))).to.equal(0);
    const set = "pulumi config set --stack prod --path 'mimir.chartVersion' 6.1.0 && ./obs up prod";
    expect(lines(check({ stack: "prod", cluster: { ...cluster, mimir } }))).to.include.members([
      "Mimir runs chart version 6.0.6. Next step: 6.1.0 (mimir:3.1)",
      `    ${set}`,
      `    then ${here("mimir-distributed")}; docs/guides/upgrades.md#mimir`,
      "  refused",
    ]);
    // The newest version is the default.
    const last = { ...mimir, steps: steps.slice(1), problems: [] };
    expect(lines(check({ stack: "prod", cluster: { ...cluster, mimir: last } }))).to.include(
      "    pulumi config rm --stack prod --path 'mimir.chartVersion' && ./obs up prod",
    );
  });

  it("is a table, with notes, and the versions in the cluster", () => {
    const report = { ...chart, allowed: "1.1.0", newest: "2.0.0", newestApp: "4", notes: ["a note"] };
    const charts = [report, { ...chart, chart: "minio" as const, unreachable: "no such host" }];
    expect(
      lines(check({ charts, cluster: { ...cluster, skipped: ["kps: helm is not on PATH"] } })),
    ).to.deep.equal([
      "chart  pinned  patch  minor  allowed  newest\n" +
        "loki   1.0.0   -      -      1.1.0    2.0.0 (4)\n" +
        "minio  1.0.0   ?      ?      ?        ?",
      "",
      "loki: a note",
      "minio: no response: no such host",
      "",
      "no dry run: kps: helm is not on PATH",
      "the cluster accepts 3 objects of the pinned charts and rejects 0",
    ]);
    expect(lines(check({ cluster: { ...cluster, refused: [refused] } })).join("\n")).to.include(
      "  StatefulSet a/b: field is immutable\n    do",
    );
    expect(refusedText({ ...cluster, refused: [refused] })).to.match(
      /^the cluster rejects .*no changes were made/,
    );
  });

  it("names the releases whose chart version, values or status differ from the installed ones", () => {
    const installed = (name: string, chart: string, version: string, over: object = {}) => ({
      name,
      status: "deployed",
      chart: { name: chart, version },
      values: {
        image: { tag: "1", pullSecrets: [] },
        replicas: null,
        podAnnotations: { "checksum/one": "1" },
      },
      ...over,
    });
    const wanted = (name: string) => ({
      name,
      namespace: name,
      chart: name,
      // Helm does not keep the order of keys, and a recording has other Secrets.
      values: {
        replicas: null,
        image: { pullSecrets: [], tag: "1" },
        podAnnotations: { "checksum/one": "2" },
      },
    });
    const namesOf = (releases: ReturnType<typeof installed>[], over: Config = {}) =>
      changedReleases(
        releases,
        ["loki", "mimir", "tempo", "grafana", "minio"].map(wanted),
        settingsOf("dev", over),
      ).map(({ name }) => name);
    const tempo = (over: object) => installed("tempo", "tempo-distributed", here("tempo-distributed"), over);
    expect(
      namesOf([
        installed("loki", "loki", "1.2.3"),
        installed("grafana", "grafana", here("grafana")),
        installed("shop", "shop", "1.0.0"),
      ]),
    ).to.deep.equal(["loki"]);
    expect(namesOf([tempo({})])).to.deep.equal([]);
    expect(namesOf([tempo({ values: {} })])).to.deep.equal(["tempo"]);
    const unset = { image: { tag: "1", pullSecrets: [] }, podAnnotations: {} };
    expect(namesOf([tempo({ values: unset })])).to.deep.equal(["tempo"]);
    expect(namesOf([tempo({ values: { ...unset, replicas: null } })])).to.deep.equal([]);
    // Its values are the wanted ones, but not all objects have them.
    expect(namesOf([tempo({ status: "failed" })])).to.deep.equal(["tempo"]);
    const mimir = [installed("mimir", "mimir-distributed", "5.8.0")];
    expect(namesOf(mimir)).to.deep.equal(["mimir"]);
    expect(namesOf(mimir, { mimir: { chartVersion: "5.8.0" } })).to.deep.equal([]);
  });

  it("does not print the program's messages, which Pulumi prints", async () => {
    const { log, warn } = console;
    const printed: unknown[] = [];
    Object.assign(console, { log: printed.push.bind(printed), warn: printed.push.bind(printed) });
    const program = async () => {
      pulumi.log.warn("a warning");
      pulumi.log.info("information");
      return {};
    };
    try {
      await recordQuietly("dev", {}, program);
      expect(printed).to.deep.equal([]);
      await recordProgram("dev", {}, program);
      expect(printed).to.include.members(["warning: [runtime] a warning", "info: [runtime] information"]);
    } finally {
      Object.assign(console, { log, warn });
    }
  });
});
