import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { chosenBy, inventoryText, settingLines, targetOf } from "../../cli/commands/mirror";
import {
  askDigest,
  asText,
  pullChart,
  pullImage,
  pushChart,
  pushImage,
} from "../../cli/commands/mirror/commands";
import { byImage, clashes, imagesOf, isImage, partsOf, pathInMirror } from "../../cli/commands/mirror/images";
import { atTheSource, chartOf, type Inventory, ofCommands } from "../../cli/commands/mirror/inventory";
import { chartFile, imageFolder, layoutDigest, readShelf } from "../../cli/commands/mirror/shelf";
import {
  type Item,
  imageTool,
  pullItems,
  pushItems,
  transfer,
  writeShelf,
} from "../../cli/commands/mirror/transfer";
import type { KubernetesObject } from "../../cli/lib/render";
import { mirrored } from "../../values/shared";
import { errorOf, settingsOf } from "../support/stacks";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const object = (kind: string, rest: object) =>
  ({ apiVersion: "v1", kind, metadata: { name: "x" }, ...rest }) as KubernetesObject;
const messageOf = (action: () => unknown): string => {
  try {
    action();
    return "no error";
  } catch (error) {
    return (error as Error).message;
  }
};
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
    { image: `docker.io/c:2@${digest}`, group: "command", usedBy: ["obs load"], digest },
  ],
  plugins: ["infinity@1.0.0"],
};
const target = { registry: "registry.example.com/m", plainHttp: false };

describe("unit: mirror", () => {
  it("knows an image from what only looks like one", () => {
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

  it("finds images in pods, in custom resources, in arguments and in variables, and none in what is only text", () => {
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

  it("lists each image once with all that use it", () => {
    expect(
      byImage([
        { image: "b", usedBy: "y" },
        { image: "a", usedBy: "x" },
        { image: "b", usedBy: "x" },
        { image: "b", usedBy: "y" },
      ]),
    ).to.deep.equal([
      { image: "a", usedBy: ["x"] },
      { image: "b", usedBy: ["x", "y"] },
    ]);
  });

  it("puts an image where images.registry looks for it", () => {
    const settings = settingsOf("dev", { images: { registry: target.registry } });
    for (const image of [
      "docker.io/grafana/loki:3.7.6",
      "docker.io/memcached:1.6",
      "quay.io:443/a/b:1",
      "a/b:1",
    ])
      expect(`${target.registry}/${pathInMirror(image)}`).to.equal(mirrored(settings, image));
    expect(partsOf(`quay.io/a/b:1@${digest}`)).to.deep.equal({
      registry: "quay.io",
      path: "a/b",
      tag: "1",
      digest,
    });
    expect(pathInMirror(`quay.io/a/b@${digest}`)).to.equal(`a/b@${digest}`);
    expect(clashes(["docker.io/a/b:1", "quay.io/a/b:1", "quay.io/a/b:2"])).to.deep.equal([
      ["docker.io/a/b:1", "quay.io/a/b:1"],
    ]);
  });

  it("reads a stack as if it had no mirror", () => {
    const config = {
      "observability:environment": "prod",
      "observability:images": JSON.stringify({ registry: "r.example", pullSecret: "pull" }),
      "observability:charts": JSON.stringify({ mirror: "oci://r.example/charts", history: 3 }),
    };
    expect(atTheSource(config)).to.deep.equal({
      "observability:environment": "prod",
      "observability:images": '{"pullSecret":"pull"}',
      "observability:charts": '{"history":3}',
    });
    for (const chart of ["loki", "oci://r.example/charts/loki", "/charts/loki"])
      expect(chartOf(chart), chart).to.equal("loki");
    expect(chartOf("/charts/other")).to.equal(undefined);
  });

  it("calls crane or skopeo, whichever is there, and says what to do without both", () => {
    expect(imageTool((name) => (name === "skopeo" ? "/bin/skopeo" : undefined))).to.equal("skopeo");
    expect(imageTool((name) => `/bin/${name}`)).to.equal("crane");
    expect(messageOf(() => imageTool(() => undefined))).to.match(/^neither crane nor skopeo is on PATH/);
    const [plain, both] = ["quay.io/a/b:1", `quay.io/a/b:1@${digest}`];
    expect(asText(pullImage("crane", plain, "i/x"))).to.equal("crane pull --format=oci quay.io/a/b:1 i/x");
    expect(asText(pullImage("skopeo", both, "i/x"))).to.equal(
      `skopeo copy --all --preserve-digests docker://quay.io/a/b@${digest} oci:i/x`,
    );
    expect(asText(pushImage("crane", both, "i/x", { ...target, plainHttp: true }))).to.equal(
      "crane push --insecure i/x registry.example.com/m/a/b:1",
    );
    expect(asText(pushImage("skopeo", plain, "i/x", target))).to.equal(
      "skopeo copy --all --preserve-digests oci:i/x docker://registry.example.com/m/a/b:1",
    );
    expect(asText(askDigest("crane", plain, true))).to.equal("crane digest --insecure quay.io/a/b:1");
  });

  it("calls helm for charts from a registry, a repository, a folder and a package", () => {
    const of = (...source: Parameters<typeof pullChart>) => asText(pullChart(...source));
    expect(of({ chart: "oci://r/loki", version: "1.0.0" }, "c")).to.equal(
      "helm pull oci://r/loki --version 1.0.0 --destination c",
    );
    expect(of({ chart: "loki", version: "1.0.0", repository: "https://r" }, "c")).to.equal(
      "helm pull loki --repo https://r --version 1.0.0 --destination c",
    );
    expect(of({ chart: "/m/loki" }, "c d")).to.equal("helm package /m/loki --destination 'c d'");
    expect(of({ chart: "/m/loki-1.0.0.tgz" }, "c")).to.equal("cp /m/loki-1.0.0.tgz c");
    expect(asText(pushChart("c/loki-1.0.0.tgz", { ...target, plainHttp: true }))).to.equal(
      "helm push c/loki-1.0.0.tgz oci://registry.example.com/m/charts --plain-http",
    );
  });

  it("accepts only a registry and a kind that there are", () => {
    expect(chosenBy(undefined)).to.deep.equal({ charts: true, images: true });
    expect(chosenBy("charts")).to.deep.equal({ charts: true, images: false });
    expect(messageOf(() => chosenBy("chart"))).to.equal(
      '--only: invalid value "chart" (must be charts or images)',
    );
    expect(targetOf("r.example:5000/m/", true)).to.deep.equal({
      registry: "r.example:5000/m",
      plainHttp: true,
    });
    for (const wrong of [undefined, "https://r.example", "R.example"])
      expect(messageOf(() => targetOf(wrong, false))).to.include("must be a registry host");
  });

  it("prints settings that are accepted", () => {
    const lines = settingLines("prod", { charts: "oci://r.example/m/charts", registry: "r.example/m" });
    const values = lines.flatMap((line) => [...line.matchAll(/^pulumi .* --path (\w+)\.(\w+) (\S+)$/g)]);
    const config = Object.fromEntries(
      values.map(([, group = "", key = "", value]) => [group, { [key]: value }]),
    );
    expect(config).to.deep.equal({
      charts: { mirror: "oci://r.example/m/charts" },
      images: { registry: "r.example/m" },
    });
    expect(settingsOf("prod", { ...config }).images.registry).to.equal("r.example/m");
    expect(
      errorOf(() => settingsOf("prod", { images: { registry: "https://r.example" } })).message,
    ).to.include("images.registry");
  });

  it("is a table for people, with digests where some are known, and says what else is fetched", () => {
    const text = inventoryText(found);
    expect(text).to.match(/^loki +1\.2\.3 +oci:\/\/r\.io\/c\/loki +loki$/m);
    expect(text).to.match(/^quay\.io\/a\/b:1 +- +loki$/m);
    expect(text).to.include(digest);
    expect(text).to.include("infinity@1.0.0");
  });

  it("names every image that commands make pods of", () => {
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

  describe("moves", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "observability-mirror-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    /** As the tools leave it: an OCI layout with one image. */
    const layout = (place: string) => {
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "index.json"), JSON.stringify({ manifests: [{ digest }] }));
    };

    it("goes on past what fails, skips what is there, and leaves no half of one", async () => {
      const touch = (name: string, command: Item["command"]): Item => {
        const [item] = pullItems(
          { ...found, charts: [], images: [{ image: `r.io/${name}:1`, group: "stack", usedBy: [] }] },
          folder,
          { charts: true, images: true },
          "crane",
        );
        return { ...(item as Item), command };
      };
      const partial = (name: string) => `${imageFolder(folder, `r.io/${name}:1`)}.partial`;
      const items = [
        touch("bad", ["sh", "-c", `mkdir ${partial("bad")}; echo no such image >&2; exit 1`]),
        touch("good", ["mkdir", partial("good")]),
        touch("tool", ["no-such-program"]),
      ];
      const told: string[] = [];
      const failed = await transfer(items, { tell: (line) => told.push(line) });
      expect(failed.map((text) => text.split("\n").at(-1)?.trim())).to.deep.equal([
        "no such image",
        "no-such-program is not on PATH",
      ]);
      const again = await transfer(items.slice(1, 2), { tell: (line) => told.push(line) });
      expect(again).to.deep.equal([]);
      expect(told.map((line) => line.trim().split(/\s+/)[1])).to.deep.equal([
        "FAILED",
        "done",
        "FAILED",
        "there",
      ]);
      expect(readdirSync(join(folder, "images"))).to.have.members(["good_1", "bad_1.partial"]);
    });

    it("pushes what was pulled, and says what is lacking before anything is pushed", () => {
      const all = { charts: true, images: true };
      expect(messageOf(() => pushItems(folder, target, all, "crane"))).to.include(
        "mirror.json does not exist",
      );
      writeShelf(found, folder);
      expect(messageOf(() => pushItems(folder, target, all, "crane"))).to.match(
        /lacks chart loki, .*quay\.io\/a\/b:1/,
      );
      mkdirSync(join(folder, "charts"));
      writeFileSync(chartFile(folder, { name: "loki", version: "1.2.3" }), "");
      for (const { image } of found.images) layout(imageFolder(folder, image));
      expect(layoutDigest(imageFolder(folder, "quay.io/a/b:1"))).to.equal(digest);
      expect(pushItems(folder, target, all, "crane").map(({ name }) => name)).to.deep.equal([
        "oci://registry.example.com/m/charts/loki:1.2.3",
        "registry.example.com/m/c:2",
        "registry.example.com/m/a/b:1",
      ]);
      expect(pushItems(folder, target, { ...all, images: false }, "crane")).to.have.length(1);
    });

    it("keeps the images of another stack in the same folder", () => {
      writeShelf(found, folder);
      writeShelf(
        { ...found, stack: "dev", images: [{ image: "quay.io/d:1", group: "stack", usedBy: [] }] },
        folder,
      );
      expect(readShelf(folder).images).to.have.members([
        "quay.io/d:1",
        ...found.images.map(({ image }) => image),
      ]);
    });
  });
});
