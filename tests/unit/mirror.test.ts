import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { chartLines, imageLines, inventoryText, mirror } from "../../cli/commands/mirror";
import { byImage, clashes, imagesOf, isImage, pathInMirror } from "../../cli/commands/mirror/images";
import {
  chartOf,
  fromOfficialSources,
  type Inventory,
  ofCommands,
} from "../../cli/commands/mirror/inventory";
import type { KubernetesObject } from "../../cli/lib/render";
import { UserError } from "../../settings";
import { mirrored } from "../../values/shared";
import { settingsOf } from "../support/stacks";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const object = (kind: string, rest: object) =>
  ({ apiVersion: "v1", kind, metadata: { name: "x" }, ...rest }) as KubernetesObject;
const found: Inventory = {
  stack: "prod",
  charts: [
    {
      name: "loki",
      version: "1.2.3",
      source: { chart: "oci://r.io/c/loki", version: "1.2.3" },
      usedBy: ["loki"],
    },
  ],
  images: [
    { image: "quay.io/a/b:1", group: "stack", usedBy: ["loki"] },
    { image: `docker.io/c:2@${digest}`, group: "command", usedBy: ["obs load"] },
  ],
  plugins: ["infinity@1.0.0"],
};
const registry = "registry.example.com/m";

describe("unit: mirror", () => {
  it("distinguishes an image from similar texts", () => {
    for (const image of [
      "docker.io/grafana/loki:3.7.6",
      "registry.k8s.io/a/b/c:v1",
      "127.0.0.1:5000/a:1",
      `quay.io/a/b@${digest}`,
      `quay.io/a/b:1@${digest}`,
    ])
      expect(isImage(image), image).to.equal(true);
    for (const other of [
      "grafana/loki:3.7.6",
      "http://loki.loki.svc:3100/ready",
      "loki.loki.svc:3100",
      "minio.minio.svc:9000/loki-data",
      "/etc/loki/config.yaml",
      "app.kubernetes.io/name",
      "app.kubernetes.io/name=loki",
      "docker.io/grafana/loki",
    ])
      expect(isImage(other), other).to.equal(false);
  });

  it("finds images in pods, in custom resources, in arguments and in variables, but not in other text", () => {
    const pod = {
      initContainers: [{ image: "docker.io/a/init:1" }],
      containers: [
        {
          image: "docker.io/a/main:1",
          args: ["--reloader=quay.io/a/reloader:v2", "--config.file=/etc/x.yaml", "quay.io/a/bare:v3"],
          env: [{ name: "RELATED_IMAGE", value: "ghcr.io/a/related:4" }],
        },
      ],
      ephemeralContainers: [{ image: "short:1" }],
    };
    expect(imagesOf(object("Deployment", { spec: { template: { spec: pod } } }))).to.have.members([
      "docker.io/a/init:1",
      "docker.io/a/main:1",
      "quay.io/a/reloader:v2",
      "quay.io/a/bare:v3",
      "ghcr.io/a/related:4",
      "short:1",
    ]);
    expect(imagesOf(object("Prometheus", { spec: { image: "quay.io/p/p:v3" } }))).to.deep.equal([
      "quay.io/p/p:v3",
    ]);
    expect(imagesOf(object("Instrumentation", { spec: { java: { image: "ghcr.io/j:1" } } }))).to.deep.equal([
      "ghcr.io/j:1",
    ]);
    for (const kind of ["ConfigMap", "Secret", "CustomResourceDefinition"])
      expect(imagesOf(object(kind, { data: { image: "docker.io/a/b:1" } })), kind).to.deep.equal([]);
  });

  it("lists each image once with all of its users", () => {
    expect(
      byImage([
        { image: "b", usedBy: "y", group: "stack" },
        { image: "a", usedBy: "x", group: "stack" },
        { image: "b", usedBy: "x", group: "stack" },
        { image: "a0", usedBy: "obs", group: "command" },
        { image: "b", usedBy: "obs", group: "command" },
      ]),
    ).to.deep.equal([
      { image: "a", group: "stack", usedBy: ["x"] },
      { image: "b", group: "stack", usedBy: ["obs", "x", "y"] },
      { image: "a0", group: "command", usedBy: ["obs"] },
    ]);
  });

  it("puts an image at the path that images.registry uses", () => {
    const settings = settingsOf("dev", { images: { registry } });
    for (const image of [
      "docker.io/grafana/loki:3.7.6",
      "docker.io/memcached:1.6",
      "quay.io:443/a/b:1",
      "a/b:1",
    ])
      expect(`${registry}/${pathInMirror(image)}`).to.equal(mirrored(settings, image));
    expect(pathInMirror(`quay.io/a/b@${digest}`)).to.equal(`a/b@${digest}`);
    expect(pathInMirror(`quay.io/a/b:1@${digest}`)).to.equal("a/b:1");
    expect(clashes(["docker.io/a/b:1", "quay.io/a/b:1", "quay.io/a/b:2"])).to.deep.equal([
      ["docker.io/a/b:1", "quay.io/a/b:1"],
    ]);
  });

  it("reads a stack without its mirror", () => {
    const config = {
      "observability:environment": "prod",
      "observability:images": JSON.stringify({ registry: "r.example", pullSecret: "pull" }),
      "observability:charts": JSON.stringify({ mirror: "oci://r.example/charts", history: 3 }),
    };
    expect(fromOfficialSources(config)).to.deep.equal({
      "observability:environment": "prod",
      "observability:images": '{"pullSecret":"pull"}',
      "observability:charts": '{"history":3}',
    });
    for (const chart of ["loki", "oci://r.example/charts/loki", "/charts/loki"])
      expect(chartOf(chart), chart).to.equal("loki");
    expect(chartOf("/charts/other")).to.equal(undefined);
  });

  it("prints lines for helm and crane", () => {
    const charts = [
      { chart: "oci://r.io/c/loki", version: "1.2.3" },
      { chart: "alloy", version: "1.0.0", repository: "https://charts.example.com" },
    ].map((source) => ({ name: "loki" as const, version: "1.2.3", usedBy: [], source }));
    expect(chartLines({ charts })).to.deep.equal([
      "oci://r.io/c/loki 1.2.3",
      "alloy 1.0.0 https://charts.example.com",
    ]);
    expect(imageLines(found)).to.deep.equal(["quay.io/a/b:1 a/b:1", `docker.io/c:2@${digest} c:2`]);
  });

  it("accepts JSON output only for the action list", async () => {
    const refused = await mirror("push", "prod", {}).catch((reason: Error) => reason);
    expect(refused).to.be.instanceOf(UserError);
  });

  it("is a table for people, and names the plugins that Grafana downloads", () => {
    const text = inventoryText(found);
    expect(text).to.match(/^loki +1\.2\.3 +oci:\/\/r\.io\/c\/loki +loki$/m);
    expect(text).to.match(/^quay\.io\/a\/b:1 +loki$/m);
    expect(text).to.include("infinity@1.0.0");
  });

  it("names every image of pods that commands create", () => {
    const cli = join(__dirname, "..", "..", "cli");
    const literals = readdirSync(cli, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => [
        ...readFileSync(join(cli, file), "utf8").matchAll(
          /"((?:docker\.io|quay\.io|ghcr\.io|registry\.k8s\.io)\/[\w./-]+)(?::([\w.-]+))?"(?:, tag: "([^"]+)")?/g,
        ),
      ])
      .map(([, repository, tag, beside]) => `${repository}:${tag ?? beside}`);
    expect(literals.length).to.be.greaterThan(1);
    expect(ofCommands.map(({ image }) => image)).to.include.members([...new Set(literals)]);
  });
});
