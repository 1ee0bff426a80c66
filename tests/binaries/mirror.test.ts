/** Charts and images by the real helm and crane, from one place to a registry on loopback, and charts used from there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Inventory } from "../../cli/commands/mirror/inventory";
import { imageFolder, layoutDigest } from "../../cli/commands/mirror/shelf";
import { digestOf, pullItems, pushItems, transfer, writeShelf } from "../../cli/commands/mirror/transfer";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

const all = { charts: true, images: true };

describe("binaries: mirror", function () {
  this.timeout(5 * 60 * 1000);
  let folder: string;
  let server: Server;
  let host: string;
  let found: Inventory;

  before(async function () {
    needs(this, "helm", "crane");
    folder = mkdtempSync(join(tmpdir(), "observability-mirror-"));
    host = `127.0.0.1:${await freePort()}`;
    server = await Server.start("crane", ["registry", "serve", "--address", host], {
      ready: async () => (await fetch(`http://${host}/v2/`)).ok,
    });
    // An image of two platforms with one layer each, and a chart.
    writeFileSync(join(folder, "hello"), "hello\n");
    execFileSync("tar", ["-C", folder, "-cf", join(folder, "layer.tar"), "hello"]);
    const image = `${host}/upstream/one:1.0`;
    const one = (platform: string) => {
      const name = `${host}/upstream/one:${platform}`;
      execFileSync("crane", ["append", "-f", join(folder, "layer.tar"), "-t", name], { stdio: "pipe" });
      execFileSync("crane", ["mutate", "--set-platform", `linux/${platform}`, "-t", name, name], {
        stdio: "pipe",
      });
      return ["-m", name];
    };
    execFileSync("crane", ["index", "append", ...one("amd64"), ...one("arm64"), "-t", image], {
      stdio: "pipe",
    });
    const chart = join(folder, "source", "keda");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: keda\nversion: 1.2.3\n");
    writeFileSync(
      join(chart, "templates", "a.yaml"),
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    );
    found = {
      stack: "test",
      charts: [{ name: "keda", version: "1.2.3", source: { chart }, usedBy: [] }],
      images: [{ image, group: "stack", usedBy: [] }],
      plugins: [],
    };
  });

  after(async () => {
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("pulls, pushes and finds there again, and moves nothing twice", async () => {
    const shelf = join(folder, "shelf");
    const target = { registry: `${host}/site`, plainHttp: true };
    const told: string[] = [];
    const move = async (items: ReturnType<typeof pullItems>) => {
      expect(await transfer(items, { tell: (line) => told.push(line) })).to.deep.equal([]);
    };
    for (const _ of [1, 2]) {
      await move(pullItems(found, shelf, all, "crane"));
      writeShelf(found, shelf);
    }
    for (const _ of [1, 2]) await move(pushItems(shelf, target, all, "crane"));
    expect(told.map((line) => line.trim().split(/\s+/)[1])).to.deep.equal([
      ...["done", "done", "there", "there"],
      ...["done", "done", "there", "there"],
    ]);
    const image = found.images[0]?.image ?? "";
    const digest = await digestOf("crane", image);
    expect(digest).to.match(/^sha256:/);
    expect(layoutDigest(imageFolder(shelf, image))).to.equal(digest);
    expect(await digestOf("crane", `${host}/site/upstream/one:1.0`, true)).to.equal(digest);
    const platforms = JSON.parse(
      execFileSync("crane", ["manifest", `${host}/site/upstream/one:1.0`], { encoding: "utf8" }),
    ).manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture);
    expect(platforms).to.have.members(["amd64", "arm64"]);
    const rendered = execFileSync(
      "helm",
      ["template", "x", `oci://${host}/site/charts/keda`, "--version", "1.2.3", "--plain-http"],
      { encoding: "utf8", stdio: "pipe" },
    );
    expect(rendered).to.include("kind: ConfigMap");
  });

  it("says in the program's own words what is not there, and moves the rest", async () => {
    const missing = {
      ...found,
      images: [{ image: `${host}/no/such:1`, group: "stack" as const, usedBy: [] }],
    };
    const told: string[] = [];
    const shelf = join(folder, "other");
    const failed = await transfer(pullItems(missing, shelf, all, "crane"), {
      tell: (line) => told.push(line),
    });
    expect(failed).to.have.length(1);
    expect(failed[0]).to.match(
      /^127\.0\.0\.1:\d+\/no\/such:1\n {2}crane pull .*\n.*(NAME_UNKNOWN|MANIFEST_UNKNOWN|not found)/,
    );
    expect(told.filter((line) => / done /.test(line))).to.have.length(1);
  });
});
