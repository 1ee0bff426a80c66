import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { exitCode, text } from "../../cli/commands/diff";
import { compare, unified } from "../../cli/commands/diff/compare";
import { longest, markdown } from "../../cli/commands/diff/markdown";
import { compareFolders, movedCharts, type Report } from "../../cli/commands/diff/report";
import { findBase } from "../../cli/commands/diff/sides";
import { type KubernetesObject, toYaml } from "../../cli/lib/render";
import { UserError } from "../../settings";

const deployment = (spec: object = {}, pod: object = {}, metadata: object = {}): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" }, annotations: { "checksum/config": "1" } },
      spec: { containers: [{ name: "web", image: "web:1" }] },
      ...pod,
    },
    ...spec,
  },
});
const secret = (value: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "login" },
  data: { password: value, same: "c2FtZQ==" },
});
const configMap = (data: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "config" },
  data,
});
const between = (before: KubernetesObject[], after: KubernetesObject[], again = after) =>
  compare("shop", before, after, again, "shop");
const reportOf = (...releases: Report["releases"]): Report => ({
  stack: "prod",
  base: { commit: "0123456789abcdef", name: "main" },
  charts: [],
  releases,
  notCompared: [],
  notes: [],
});

describe("unit: diff: objects", () => {
  it("reports a changed replica count, and nothing else", () => {
    const [change, ...more] = between(
      [deployment(), configMap({})],
      [deployment({ replicas: 2 }), configMap({})],
    ).objects;
    expect(more).to.deep.equal([]);
    expect(change).to.include({ object: "Deployment shop/web", what: "changed", restarts: false });
    const lines = (change?.diff ?? "").split("\n").filter((line) => /^[+-]/.test(line));
    expect(lines).to.deep.equal(["-  replicas: 1", "+  replicas: 2"]);
  });

  it("shows new and removed objects completely, and follows an object to another API version", () => {
    const [gone, fresh] = between([configMap({ a: "1" })], [deployment()]).objects;
    expect(gone).to.include({ object: "ConfigMap shop/config", what: "removed" });
    expect(gone?.diff).to.include("-kind: ConfigMap");
    expect(fresh).to.include({ what: "added", restarts: false });
    const moved = between([deployment()], [{ ...deployment(), apiVersion: "apps/v2" }]).objects;
    expect(moved.map(({ what }) => what)).to.deep.equal(["changed"]);
  });

  it("reports for a checksum alone that pods restart, and for the chart's version label that nothing else differs", () => {
    const other = deployment(
      {},
      { metadata: { labels: { app: "web" }, annotations: { "checksum/config": "2" } } },
    );
    expect(between([deployment()], [other]).objects).to.deep.equal([
      { object: "Deployment shop/web", what: "quiet", restarts: true, immutable: [], diff: "" },
    ]);
    const labelled = (version: string) =>
      deployment({}, {}, { labels: { "helm.sh/chart": `web-${version}` } });
    expect(between([labelled("1")], [labelled("2")]).objects).to.deep.equal([
      { object: "Deployment shop/web", what: "quiet", restarts: false, immutable: [], diff: "" },
    ]);
  });

  it("reports that pods restart when their template changes, also through an operator", () => {
    const image = deployment({}, { spec: { containers: [{ name: "web", image: "web:2" }] } });
    expect(between([deployment()], [image]).objects[0]).to.include({ what: "changed", restarts: true });
    const prometheus = (spec: object): KubernetesObject => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "Prometheus",
      metadata: { name: "k8s" },
      spec,
    });
    const restarts = (a: object, b: object) => between([prometheus(a)], [prometheus(b)]).objects[0]?.restarts;
    expect(restarts({ retention: "7d" }, { retention: "8d" })).to.equal(true);
    expect(restarts({ replicas: 1 }, { replicas: 2 })).to.equal(false);
  });

  it("ignores differences between two renderings of the same input, and only those", () => {
    const made = (caBundle: string, failurePolicy: string): KubernetesObject => ({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "hook" },
      webhooks: [{ name: "a", clientConfig: { caBundle }, failurePolicy }],
    });
    expect(between([made("x", "Fail")], [made("y", "Fail")], [made("z", "Fail")]).objects).to.deep.equal([]);
    const [change] = between([made("x", "Fail")], [made("y", "Ignore")], [made("z", "Ignore")]).objects;
    expect(change?.diff).to.include("-    failurePolicy: Fail").and.to.include('caBundle: "[random]"');
    expect(change?.diff).not.to.match(/^[-+].*caBundle/m);
  });

  it("ignores the order of keys, and shows JSON in a text line by line", () => {
    const turned = Object.fromEntries(Object.entries(deployment()).reverse()) as KubernetesObject;
    expect(between([deployment()], [turned]).objects).to.deep.equal([]);
    const [change] = between(
      [configMap({ "board.json": '{"title":"a","panels":[1,2]}' })],
      [configMap({ "board.json": '{"title":"b","panels":[1,2]}' })],
    ).objects;
    expect((change?.diff ?? "").split("\n").filter((line) => /^[+-]/.test(line))).to.deep.equal([
      "-    title: a",
      "+    title: b",
    ]);
  });

  it("shows encoded data as its length and fingerprint", () => {
    const [change] = between(
      [configMap({ blob: "A".repeat(5000) })],
      [configMap({ blob: "B".repeat(5001) })],
    ).objects;
    expect(change?.diff).to.match(/-\s+blob: "?\[5000 characters, sha256 \w{12}\]/);
    expect(change?.diff).not.to.include("AAAA");
  });

  it("flags immutable fields", () => {
    const other = deployment({ selector: { matchLabels: { app: "other" } } });
    const [change] = between([deployment()], [other]).objects;
    expect(change?.immutable).to.deep.equal(["spec.selector"]);
    expect(text(reportOf({ name: "shop", objects: change ? [change] : [] }))).to.include(
      "! Deployment shop/web: spec.selector cannot be updated: docs/guides/upgrades.md#immutable-fields",
    );
    const object = (kind: string, rest: object): KubernetesObject =>
      ({ apiVersion: "v1", kind, metadata: { name: "one" }, ...rest }) as KubernetesObject;
    const fields = (before: KubernetesObject, after: KubernetesObject) =>
      between([before], [after]).objects.flatMap(({ immutable }) => immutable);
    const set = (spec: object) => object("StatefulSet", { spec });
    for (const [field, was, is] of [
      ["serviceName", "a", "b"],
      ["podManagementPolicy", "OrderedReady", "Parallel"],
      ["volumeClaimTemplates", [{ spec: { a: 1 } }], [{ spec: { a: 2 } }]],
    ] as const)
      expect(fields(set({ [field]: was }), set({ [field]: is }))).to.deep.equal([`spec.${field}`]);
    expect(fields(set({ replicas: 1 }), set({ replicas: 2 }))).to.deep.equal([]);
    const binding = (name: string) => object("ClusterRoleBinding", { roleRef: { name } });
    expect(fields(binding("a"), binding("b"))).to.deep.equal(["roleRef"]);
    expect(between([], [set({ serviceName: "a" })]).objects[0]?.immutable).to.deep.equal([]);
  });

  it("has no diff if a text is unchanged", () => {
    expect(unified("a\n", "b\n")).to.equal("@@ -1,1 +1,1 @@\n-a\n+b");
    expect(unified("c\n", "c\n")).to.equal("");
  });
});

describe("unit: diff: secrets", () => {
  it("shows that a value of a Secret has changed, but no value", () => {
    const [change] = between([secret("b2xk")], [secret("bmV3")]).objects;
    expect(change?.diff).to.include('-  password: "[secret]"');
    expect(change?.diff).to.include('+  password: "[secret, changed]"');
    expect(change?.diff).to.include('   same: "[secret]"');
    const [added] = between([], [secret("b2xk")]).objects;
    const [removed] = between([secret("b2xk")], []).objects;
    const all = JSON.stringify([change, added, removed]);
    for (const hidden of ["b2xk", "bmV3", "c2FtZQ"]) expect(all).not.to.include(hidden);
  });
});

describe("unit: diff: folders of two sides", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "diff-sides-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const side = (name: string, files: Record<string, unknown[]>, skipped: string[] = []) => {
    for (const [path, documents] of Object.entries({ "objects.yaml": [], "minio.yaml": [], ...files })) {
      const file = join(folder, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, toYaml(documents));
    }
    return { folder: join(folder, name), charts: {}, skipped };
  };

  it("are compared release by release; unchanged releases are skipped", async () => {
    const manifests = (object: KubernetesObject) => ({
      "releases/web/values.yaml": [{}],
      "releases/web/manifests.yaml": [object],
      "releases/same/values.yaml": [{}],
      "releases/same/manifests.yaml": [secret("x")],
    });
    const before = side("before", {
      ...manifests(deployment()),
      "minio.yaml": [{ type: "S3Bucket", name: "a", bucket: "a" }],
    });
    const after = side("after", {
      ...manifests(deployment({ replicas: 3 })),
      "objects.yaml": [configMap({})],
    });
    const present = ["same", "web"].map((name) => ({ name, namespace: name, chart: name, values: {} }));
    const { releases, notCompared } = await compareFolders(before, after, present, async ({ name }) => {
      expect(name, "rendered once more without need").to.equal("web");
      return [deployment({ replicas: 3 })];
    });
    expect(notCompared).to.deep.equal([]);
    expect(
      releases.map(({ name, objects }) => [name, objects.map(({ what, object }) => `${what} ${object}`)]),
    ).to.deep.equal([
      ["the program's own objects", ["added ConfigMap config"]],
      ["MinIO resources", ["removed S3Bucket a"]],
      ["web", ["changed Deployment web/web"]],
    ]);
  });

  it("report a release that could not be rendered, and compare its values instead", async () => {
    const before = side("before", {
      "releases/web/values.yaml": [{ replicas: 1 }],
      "releases/web/manifests.yaml": [],
    });
    const after = side("after", { "releases/web/values.yaml": [{ replicas: 2 }] }, [
      "web: no manifests.yaml: no such key",
    ]);
    const { releases, notCompared } = await compareFolders(before, after, []);
    expect(notCompared).to.deep.equal(["web: no manifests.yaml: no such key (now)"]);
    expect(releases[0]?.objects[0]).to.include({ object: "Values web", what: "changed" });
  });

  it("report charts that changed their version, were added or removed", () => {
    const charts = (versions: Record<string, string>) => ({ folder, charts: versions, skipped: [] });
    expect(movedCharts(charts({ a: "1", b: "1", c: "1" }), charts({ a: "1", b: "2", d: "1" }))).to.deep.equal(
      [
        { chart: "b", before: "1", after: "2" },
        { chart: "c", before: "1" },
        { chart: "d", after: "1" },
      ],
    );
  });
});

describe("unit: diff: report", () => {
  const changed = between([deployment(), secret("old")], [deployment({ replicas: 2 }), secret("new")]);

  it("is folded Markdown with a table, and escapes Markdown in names", () => {
    const report = reportOf(changed, {
      name: "<b>@all|*",
      objects: changed.objects.slice(0, 1),
    });
    report.charts.push({ chart: "web", before: "1.0.0", after: "1.1.0" });
    const said = markdown(report);
    expect(said).to.include("| shop | - | 2 | - | - | - |");
    expect(said).to.include("chart web: 1.0.0 → 1.1.0");
    expect(said)
      .to.include("### shop\n")
      .and.to.match(/<details><summary>changed Deployment shop\/web[^<]*<\/summary>/);
    expect(said).to.include("```diff\n@@").and.to.include("+  replicas: 2");
    expect(said).not.to.include("<b>").and.not.to.include("@all");
    expect((said.match(/<details>/g) ?? []).length).to.equal((said.match(/<\/details>/g) ?? []).length);
  });

  it("fences a diff with more backticks than it contains", () => {
    const [change] = between([configMap({ a: "x" })], [configMap({ a: "````\nmore\n" })]).objects;
    if (!change) throw new Error("no change");
    expect(markdown(reportOf({ name: "a", objects: [change] }))).to.match(/^`````diff$/m);
  });

  it("fits into a comment, gives each release a share, and counts omitted parts", () => {
    const long = (name: string, lines: number): Report["releases"][number] => {
      const diff = ["@@ -0,0 +1 @@", ...Array.from({ length: lines }, (_, i) => `+line ${i}`)].join("\n");
      const object = {
        object: `ConfigMap ${name}`,
        what: "added" as const,
        restarts: false,
        immutable: [],
        diff,
      };
      return { name, objects: [object] };
    };
    const said = markdown(reportOf(long("huge", 20_000), long("small", 3), long("other", 20_000)));
    expect(said.length).to.be.at.most(longest);
    expect(said).to.include("line 2").and.not.to.include("line 19999");
    expect(said).to.match(/2 parts left out for lack of room: `\.\/obs diff` shows all\.$/);
    expect((said.match(/<details>/g) ?? []).length).to.equal((said.match(/<\/details>/g) ?? []).length);
    const many = Array.from({ length: 3000 }, (_, i) => long(`release-${i}`, 2));
    for (const releases of [many, many.slice(0, 400)])
      expect(markdown(reportOf(...releases)).length).to.be.at.most(longest);
  });

  it("is text for a terminal, with an exit code for a program", () => {
    const said = text(reportOf(changed));
    expect(said).to.match(/^prod: 2 objects in 1 group differ from main \(0123456789ab\)/);
    expect(said).to.include("changed Deployment shop/web\n@@");
    expect(exitCode(reportOf(changed))).to.equal(2);
    expect(exitCode(reportOf())).to.equal(0);
    expect(exitCode({ ...reportOf(changed), notCompared: ["x"] })).to.equal(1);
  });
});

describe("unit: diff: the base", () => {
  it("is a commit in git, with a default", () => {
    expect(findBase().commit).to.match(/^[0-9a-f]{40}$/);
    expect(findBase("HEAD")).to.deep.include({ name: "HEAD" });
    for (const wrong of ["no-such-branch", "--output=x", ""])
      expect(() => findBase(wrong), wrong).to.throw(
        UserError,
        /--base: invalid value ".*" \(must be a branch/,
      );
  });
});
