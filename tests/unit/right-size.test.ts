import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { withLoad } from "../../cli/commands/size";
import { changesFor, withChanges } from "../../cli/commands/size/write";
import { root } from "../../cli/lib/stack-config";
import { parseSettings, settingsIn } from "../../settings";
import { components, fits, wholeStack } from "../../settings/fit";
import { mimirProtection } from "../../settings/protection";
import { limitProblems, sizingProblems } from "../../settings/sizing-problems";
import { type Tree, valueAt } from "../../settings/tree";

const file = `config:
  observability:environment: prod
  # How people log in.
  observability:grafana:
    url: https://grafana.example.com
    auth:
      kind: oauth
      oauth:
        clientId: grafana
        clientSecret:
          secure: v1:abc
        authUrl: https://login.example.com/auth
        tokenUrl: https://login.example.com/token
        apiUrl: https://login.example.com/userinfo
        roles:
          admin: [platform] # a comment
          editor: [developers]
          viewer: []
`;
const GiB = 1024 ** 3;

/** The content of a stack file, as the command reads it. */
const treeOf = (source: string): Tree =>
  settingsIn(
    Object.fromEntries(
      Object.entries(parse(source).config as Tree).map(([key, value]) => [
        key,
        typeof value === "string"
          ? value
          : JSON.stringify(value).replace(/\{"secure":"[^"]*"\}/g, '"[secret]"'),
      ]),
    ),
  );

/** The file after `obs size --write` with a load. */
function written(source: string, load: Record<string, string>): string {
  const tree = treeOf(source);
  return withChanges(source, changesFor(tree, withLoad(parseSettings("prod", tree), load), load));
}
const settingsAfter = (load: Record<string, string>, source = file) =>
  parseSettings("prod", treeOf(written(source, load)));

const loads: Record<string, string>[] = [
  { series: "50k", nodes: "3" },
  { logs: "20GB/day", nodes: "3" },
  { spans: "100/s" },
  { series: "100k", logs: "20GB/day", spans: "100/s", nodes: "3" },
  { series: "300k", logs: "100GB/day", spans: "500/s", nodes: "3" },
  { series: "900k", nodes: "10" },
  { series: "3M", logs: "1TB/day", spans: "20k/s", nodes: "20" },
  { samples: "500k/s", queries: "100/s", nodes: "50" },
];

describe("unit: obs size --write", () => {
  for (const load of loads)
    it(`gives a stack the size for ${JSON.stringify(load)}: nothing is too small, no limit is too large`, () => {
      const settings = settingsAfter(load);
      expect(sizingProblems(settings)).to.deep.equal([]);
      if (!load["series"]) return;
      expect(limitProblems(settings)).to.deep.equal([]);
      // At the declared load, no alert of a limit fires, which begins at 0.8.
      expect(settings.load.series).to.be.below(0.7 * mimirProtection(settings).carried);
      expect(settings.load.series).to.be.below(0.8 * settings.mimir.limits.series);
    });

  it("gives no replica a memory limit of more than 12 GiB: a larger load gets more replicas", () => {
    const settings = settingsAfter({ series: "10M", logs: "10TB/day", spans: "100k/s", nodes: "100" });
    const sized = fits(settings).map(({ component }) => [
      component,
      valueAt(settings, [...component.split("."), "memoryLimit"]),
    ]);
    // The only one whose replicas are fixed, and whose request is larger.
    const large = sized.filter(([, limit]) => Number(limit) > 12 * GiB);
    expect(large).to.deep.equal([["loki.compactor", 13 * GiB]]);
    const { ingester } = settings.loki;
    expect(ingester.memoryLimit / ingester.memory).to.be.within(1.8, 2.2);
    expect(sizingProblems(settings)).to.deep.equal([]);
  });

  it("makes components without a formula smaller in proportion, never larger than by default", () => {
    const settings = settingsAfter({ spans: "100/s" });
    const sized = new Set(fits(settings).map(({ component }) => component));
    const defaults = parseSettings("prod", treeOf(file));
    const memory = (of: typeof settings, component: string) => {
      const found = valueAt(of, [...component.split("."), "memory"]);
      return typeof found === "number" ? found : 0;
    };
    const others = components(settings).filter((component) => !sized.has(component));
    const growth = others.map((component) => memory(settings, component) - memory(defaults, component));
    expect(Math.max(...growth)).to.equal(0);
    expect(Math.min(...growth)).to.be.below(0);
  });

  it("gives autoscaled queriers enough CPU that a dashboard does not scale them to the maximum", () => {
    const load = { series: "50k", logs: "5GB/day", spans: "50/s", nodes: "3" };
    const cpu = (source?: string) => {
      const { loki, mimir, tempo } = settingsAfter(load, source);
      return [loki, mimir, tempo].map(({ querier }) => querier.cpu);
    };
    expect(cpu()).to.deep.equal([250, 250, 250]);
    const fixed = ["loki", "mimir", "tempo"].map(
      (store) => `  observability:${store}: { querier: { maxReplicas: 2 } }\n`,
    );
    expect(cpu(`${file}${fixed.join("")}`)).to.deep.equal([50, 50, 50]);
  });

  it("makes caches smaller in proportion, with at least 64Mi", () => {
    const caches = (load: Record<string, string>) => {
      const { loki, mimir, tempo } = settingsAfter(load);
      return [loki.chunksCache, mimir.resultsCache, mimir.metadataCache, tempo.cache].map(
        ({ memory }) => memory / 1024 ** 2,
      );
    };
    expect(caches({ series: "50k", nodes: "3" })).to.deep.equal([256, 64, 64, 64]);
    expect(caches({ series: "500k", nodes: "10" })).to.deep.equal([1024, 256, 64, 256]);
    expect(caches({ series: "3M", nodes: "20" })).to.deep.equal([2048, 512, 128, 512]);
  });

  it("is complete after one run: a second one changes nothing", () => {
    for (const load of loads) {
      const once = written(file, load);
      expect(written(once, load)).to.equal(once);
    }
  });

  it("follows a load that decreases, except for volumes and replicas", () => {
    const high = written(file, { series: "3M", nodes: "20" });
    const low = settingsAfter({ series: "100k", nodes: "3" }, high);
    const direct = settingsAfter({ series: "100k", nodes: "3" });
    expect(low.mimir.distributor.cpu).to.be.at.most(direct.mimir.distributor.cpu);
    expect(low.mimir.ingester.replicas).to.equal(
      settingsAfter({ series: "3M", nodes: "20" }).mimir.ingester.replicas,
    );
    expect(low.objectStorage.minio.disk).to.be.greaterThan(direct.objectStorage.minio.disk);
  });

  it("fits a highly available stack for a usual load on three nodes of 4 cores and 16 GiB", () => {
    const { cpu, memory } = wholeStack(
      settingsAfter({ series: "100k", logs: "20GB/day", spans: "100/s", nodes: "3" }),
    );
    expect(cpu).to.be.lessThan(12_000 * 0.75);
    expect(memory).to.be.lessThan(48 * GiB * 0.75);
    const page = readFileSync(join(root, "docs", "guides", "sizing.md"), "utf8");
    expect(page).to.include(`${Math.round(cpu / 1000)} cores and ${Math.round(memory / GiB)}Gi (three nodes`);
  });

  it("keeps comments, order, secrets and everything else of the file", () => {
    const after = written(file, { series: "100k", nodes: "3" });
    const added = after.split("\n").filter((line) => !file.includes(line));
    expect(
      after
        .split("\n")
        .filter((line) => !added.includes(line))
        .join("\n"),
    ).to.include(file.trimEnd());
    expect(after).to.include("secure: v1:abc").and.include("admin: [platform] # a comment");
  });

  it("omits components that the stack does not install", () => {
    const source = "config:\n  observability:environment: dev\n";
    const paths = changesFor(
      treeOf(source),
      withLoad(parseSettings("dev", treeOf(source)), { series: "50k" }),
      {
        series: "50k",
      },
    ).map(({ path }) => path);
    expect(paths).to.include("mimir.ingester.cpu");
    expect(
      paths.filter((path) => /queryScheduler|indexGateway|chunksCache/.test(path) && /^loki/.test(path)),
    ).to.deep.equal([]);
  });

  it("rejects a group that the file has as text", () => {
    const source = `${file}  observability:loki: '{"retention": {"debug": "3d"}}'\n`;
    expect(() => written(source, { logs: "20GB/day" })).to.throw(
      "observability:loki is text; write it as YAML",
    );
  });
});
