/** Charts and images copied by the real helm and crane to a registry on loopback, with the commands of the documentation. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { chartLines, imageLines } from "../../cli/commands/mirror";
import type { Inventory } from "../../cli/commands/mirror/inventory";
import { root } from "../../cli/lib/stack-config";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

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
    const helm = (...args: string[]) => execFileSync("helm", args, { cwd: folder, stdio: "pipe" });
    helm("package", chart);
    helm("push", "keda-1.2.3.tgz", `oci://${host}/upstream`, "--plain-http");
    const source = { chart: `oci://${host}/upstream/keda`, version: "1.2.3" };
    found = {
      stack: "test",
      charts: [{ name: "keda", version: "1.2.3", source, usedBy: [] }],
      images: [{ image, group: "stack", usedBy: [] }],
      plugins: [],
    };
  });

  after(async () => {
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("pulls and pushes as in docs/guides/air-gapped.md, and resumes after an interruption", () => {
    const page = readFileSync(join(root, "docs", "guides", "air-gapped.md"), "utf8");
    const [pull = "", push = ""] = [...page.matchAll(/^```\n(.*?)^```/gms)].map(([, block]) => block ?? "");
    const here = (script: string) =>
      script
        .replace(/^\.\/obs .*\n/gm, "")
        .replaceAll("registry.example.com/observability", `${host}/site`)
        .replaceAll(/helm (push|pull)/g, "helm $1 --plain-http");
    const run = (script: string) =>
      execFileSync("bash", ["-euc", here(script)], { cwd: folder, encoding: "utf8", stdio: "pipe" });
    mkdirSync(join(folder, "mirror"));
    writeFileSync(join(folder, "mirror", "charts.txt"), `${chartLines(found).join("\n")}\n`);
    writeFileSync(join(folder, "mirror", "images.txt"), `${imageLines(found).join("\n")}\n`);
    mkdirSync(join(folder, "mirror", "partial"));
    for (const _ of [1, 2]) run(pull);
    for (const _ of [1, 2]) run(push);
    const digest = (image: string) => execFileSync("crane", ["digest", image], { encoding: "utf8" });
    expect(digest(`${host}/site/upstream/one:1.0`)).to.equal(digest(`${host}/upstream/one:1.0`));
    const platforms = JSON.parse(
      execFileSync("crane", ["manifest", `${host}/site/upstream/one:1.0`], { encoding: "utf8" }),
    ).manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture);
    expect(platforms).to.have.members(["amd64", "arm64"]);
    const chart = ["template", "x", `oci://${host}/site/charts/keda`, "--version", "1.2.3", "--plain-http"];
    expect(execFileSync("helm", chart, { encoding: "utf8", stdio: "pipe" })).to.include("kind: ConfigMap");
  });
});
