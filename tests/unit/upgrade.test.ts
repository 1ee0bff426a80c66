import { expect } from "chai";
import { SemVer } from "semver";
import { type ChartName, pins } from "../../charts";
import { type Check, exitCode, lines } from "../../cli/commands/upgrade";
import { mimirLines } from "../../cli/commands/upgrade/mimir";
import { movedReleases, stuck } from "../../cli/commands/upgrade/moved";
import { compare, numbersOf, type Offers, reportOf } from "../../cli/commands/upgrade/versions";
import { guides, type Note, notes } from "../../upgrades";
import { settingsOf } from "../support/stacks";

/** A version so many majors, minors and patches from a chart's pin. */
const beyond = (chart: ChartName, major: number, minor = 0, patch = 0): string => {
  const { major: a, minor: b, patch: c } = new SemVer(pins[chart].version);
  if (major) return `${a + major}.0.0`;
  return minor ? `${a}.${b + minor}.0` : `${a}.${b}.${c + patch}`;
};

/** A repository's offers; the application of each version as the second of a pair. */
const offering = (...all: (string | [string, string])[]): Offers => {
  const apps = new Map(all.map((each) => (typeof each === "string" ? [each, undefined] : each)));
  return { versions: [...apps.keys()], app: async (version) => apps.get(version) };
};

const here = (chart: ChartName) => pins[chart].version;

describe("unit: upgrade: versions", () => {
  it("are compared by their numbers", () => {
    expect(compare("1.10.0", "1.9.9")).to.be.greaterThan(0);
    expect(compare("2.0.0", "10.0.0")).to.be.lessThan(0);
    expect(compare("v1.2.3", "1.2.3+build")).to.equal(0);
    expect(numbersOf("RELEASE.2024-12-18T13-15-44Z")).to.equal(null);
    expect(() => compare("1.0.0", "main")).to.throw("Invalid Version: main");
  });

  it("give the newest patch, minor and major, whatever their order, and pass over what is not for use", async () => {
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
    expect(said[0]).to.match(/what breaks between \d+ and \d+ is not known here: read https:/);
  });

  it("say nothing where the pin is the newest", async () => {
    const report = await reportOf("alloy", offering(here("alloy"), "0.9.0"));
    expect(report).to.deep.equal({ chart: "alloy", pinned: here("alloy"), notes: [] });
  });

  it("say that a pin is not offered", async () => {
    const { notes: said } = await reportOf("alloy", offering("0.9.0"));
    expect(said).to.deep.equal([
      `the pinned version ${here("alloy")} is not offered there; what is pinned may be withdrawn`,
    ]);
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

  it("of loki stay below application 4, whatever number the chart has", async () => {
    const [three, four] = [beyond("loki", 1), beyond("loki", 2)];
    const report = await reportOf(
      "loki",
      offering([here("loki"), "3.7.6"], [three, "3.9.0"], [four, "4.0.0"]),
    );
    expect(report).to.include({ allowed: three, newest: four, newestApp: "4.0.0" });
    expect(report.notes.join()).to.include("boltdb-shipper");
    const fine = await reportOf("loki", offering([here("loki"), "3.7.6"], [three, "3.9.0"]));
    expect(fine).to.include({ allowed: three, newest: three });
    expect(fine.notes.join()).not.to.include("boltdb-shipper");
  });

  it("whose application a repository does not tell are not held back, and that is said", async () => {
    const next = beyond("loki", 1);
    const report = await reportOf("loki", offering(here("loki"), next));
    expect(report.allowed).to.equal(next);
    expect(report.notes.join()).to.include(`does not tell the application of ${next}`);
  });

  it("below 1.0 may break with each minor", async () => {
    const chart = "opentelemetry-operator";
    const report = await reportOf(chart, offering(here(chart), beyond(chart, 0, 3)), []);
    expect(report.notes.join()).to.match(/between 0\.\d+ and 0\.\d+ is not known here/);
    expect((await reportOf(chart, offering(here(chart), beyond(chart, 0, 0, 1)), [])).notes).to.deep.equal(
      [],
    );
  });

  it("that the pin has passed need no word any more", async () => {
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

  it("and what is known of them: every chart has a guide, every note a link, and no pin is beyond a limit", () => {
    expect(guides).to.have.all.keys(Object.keys(pins));
    for (const { chart, from, limit, link } of notes) {
      expect(link, chart).to.match(/^https:/);
      const [what, pinned] =
        from && "app" in from ? [from.app, pins[chart].appVersion] : [from?.chart, here(chart)];
      if (limit) expect(compare(pinned, what ?? ""), chart).to.be.lessThan(0);
    }
  });

  it("of the operator and its definitions are pinned together", () => {
    expect(pins["kube-prometheus-stack"].appVersion).to.equal(pins["prometheus-operator-crds"].appVersion);
  });
});

describe("unit: upgrade: what is said", () => {
  const chart = { chart: "loki" as const, pinned: "1.0.0", notes: [] };
  const cluster = { objects: 3, differences: [], skipped: [] };
  const difference = { object: "StatefulSet a/b", field: "spec.selector", before: 1, after: 2, todo: "do" };
  const check = (over: Partial<Check>): Check => ({ stack: "dev", charts: [chart], cluster, ...over });

  it("is an exit code", () => {
    expect(exitCode(check({}))).to.equal(0);
    expect(exitCode(check({ charts: [{ ...chart, newest: "2.0.0" }] }))).to.equal(0);
    expect(exitCode(check({ charts: [{ ...chart, allowed: "2.0.0" }] }))).to.equal(2);
    expect(exitCode(check({ charts: [chart, { ...chart, unreachable: "why" }] }))).to.equal(1);
    expect(exitCode(check({ cluster: { ...cluster, differences: [difference] } }))).to.equal(2);
    expect(exitCode(check({ cluster: { reason: "none" } }))).to.equal(0);
  });

  it("names the next step of Mimir, which is something to do", () => {
    const steps = [
      { chart: "6.1.0", image: "mimir:3.1" },
      { chart: here("mimir-distributed"), image: "mimir:3.2" },
    ];
    const mimir = { stack: "prod", live: "6.0.6", steps, problems: ["  refused"] };
    expect(exitCode(check({ cluster: { ...cluster, mimir } }))).to.equal(2);
    expect(exitCode(check({ cluster: { ...cluster, mimir: { ...mimir, steps: [] } } }))).to.equal(0);
    const set = "pulumi config set --stack prod --path 'mimir.chartVersion' 6.1.0 && ./obs up prod";
    expect(lines(check({ cluster: { ...cluster, mimir } }))).to.include.members([
      "Mimir runs chart version 6.0.6. Next step: 6.1.0 (mimir:3.1)",
      `    ${set}`,
      `    then ${here("mimir-distributed")}; docs/guides/upgrades.md#mimir`,
      "  refused",
    ]);
    // The newest version is the default.
    expect(mimirLines({ ...mimir, steps: steps.slice(1), problems: [] })[1]).to.equal(
      "    pulumi config rm --stack prod --path 'mimir.chartVersion' && ./obs up prod",
    );
  });

  it("is a table, what is known, and what the cluster has", () => {
    const report = { ...chart, allowed: "1.1.0", newest: "2.0.0", newestApp: "4", notes: ["a note"] };
    const charts = [report, { ...chart, chart: "minio" as const, unreachable: "no such host" }];
    expect(
      lines(check({ charts, cluster: { ...cluster, skipped: ["kps: helm is not on PATH"] } })),
    ).to.deep.equal([
      "chart  pinned  patch  minor  allowed  newest",
      "loki   1.0.0   -      -      1.1.0    2.0.0 (4)",
      "minio  1.0.0   ?      ?      ?        ?",
      "",
      "loki: a note",
      "minio: not reached: no such host",
      "",
      "not compared with the cluster: kps: helm is not on PATH",
      "3 objects on the cluster compared: no field that cannot change differs",
    ]);
    expect(lines(check({ cluster: { ...cluster, differences: [difference] } })).join("\n")).to.include(
      "  StatefulSet a/b spec.selector: is 1, would be 2\n    do",
    );
    expect(stuck({ ...cluster, differences: [difference] })).to.match(/^1 field of .*nothing was touched/);
  });

  it("names the releases whose chart has another version", () => {
    const from = (release: string, labels: Record<string, string>) => ({
      metadata: { annotations: { "meta.helm.sh/release-name": release }, labels },
    });
    const workloads = [
      from("loki", { "helm.sh/chart": "loki-1.2.3" }),
      from("grafana", { "helm.sh/chart": `grafana-${here("grafana")}` }),
      from("kps", { "helm.sh/chart": "kube-state-metrics-1.0.0" }),
      from("minio", { chart: "minio-0.1.0" }),
      { metadata: { labels: { "helm.sh/chart": "alloy-0.1.0" } } },
      {},
    ];
    const settings = settingsOf("dev");
    expect([...movedReleases(workloads, settings)]).to.deep.equal(["loki", "minio"]);
    const mimir = [from("mimir", { "helm.sh/chart": "mimir-distributed-5.8.0" })];
    expect([...movedReleases(mimir, settings)]).to.deep.equal(["mimir"]);
    const held = settingsOf("dev", { mimir: { chartVersion: "5.8.0" } });
    expect([...movedReleases(mimir, held)]).to.deep.equal([]);
  });
});
