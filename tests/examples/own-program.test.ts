/** The npm package, and the example that uses it: packed, installed in a folder of its own, compiled, recorded and run. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import ts from "typescript";
import { pulumiProgram } from "../../cli/lib/pulumi";
import { type Recorded, recordProgram } from "../../cli/lib/record";
import { root } from "../../cli/lib/stack-config";
import rootPackage from "../../package.json";
import { ApiServer } from "../support/api-server";
import { Minio } from "../support/minio";
import { withoutMirror } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

// biome-ignore lint/suspicious/noExplicitAny: tests read nested inputs
type Any = any;

const example = join(root, "examples", "own-program");
const versions: Record<string, string> = { ...rootPackage.dependencies, ...rootPackage.devDependencies };
const json = (file: string): Any => JSON.parse(readFileSync(file, "utf8"));
const release = "kubernetes:helm.sh/v3:Release";

function run(command: string, args: string[], cwd: string, environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 * 1024 ** 2,
    env: { ...process.env, ...environment },
  });
  return { status, stdout, output: `${stdout}${stderr}` };
}

/** Links the packages of this project into a folder, so that nothing is downloaded. */
function linkPackages(modules: string): void {
  for (const name of readdirSync(join(root, "node_modules")).filter((one) => !one.startsWith(".")))
    symlinkSync(join(root, "node_modules", name), join(modules, name));
}

describe("examples: components in another program", function () {
  this.timeout(600_000);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "observability-own-program-")));
  const program = join(folder, "program");
  const installed = join(program, "node_modules", "observability-stack");
  let packed: string[];

  before(() => {
    const { status, stdout, output } = run(
      "npm",
      ["pack", "--json", "--pack-destination", folder],
      join(root, "package"),
    );
    expect(status, output).to.equal(0);
    const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
    packed = files.map(({ path }: { path: string }) => path);
    cpSync(example, program, {
      recursive: true,
      filter: (path) => !/node_modules|\.tgz$/.test(path),
    });
    mkdirSync(installed, { recursive: true });
    linkPackages(join(program, "node_modules"));
    const unpacked = run(
      "tar",
      ["-xzf", join(folder, filename), "--strip-components=1", "-C", installed],
      folder,
    );
    expect(unpacked.status, unpacked.output).to.equal(0);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("contains the components and their dependencies, and nothing else of this project", () => {
    const folders = new Set(packed.map((path) => path.split("/").slice(0, 2).join("/")));
    expect([...folders].sort()).to.deep.equal(
      [
        "README.md",
        ...[
          "alerts",
          "charts.d.ts",
          "charts.js",
          "charts.json",
          "components",
          "dashboards",
          "docs",
          "files.d.ts",
        ],
        ...["files.js", "images.json", "names.d.ts", "names.js", "package", "settings", "values"],
        "package.json",
      ].map((name) => (/^(README.md|package.json)$/.test(name) ? name : `dist/${name}`)),
    );
    expect(packed.filter((path) => /\.test\.|\/tests?\/|preflight\/checks/.test(path))).to.deep.equal([]);
    for (const path of ["values/alloy/logs", "values/backup/remotes.sh", "docs/operations/runbooks"])
      expect(
        packed.some((one) => one.startsWith(`dist/${path}`)),
        path,
      ).to.equal(true);
  });

  it("names every package that it imports, in the versions of this project", () => {
    const { name, version, dependencies, peerDependencies } = json(join(installed, "package.json"));
    const imported = packed
      .filter((path) => path.endsWith(".js"))
      .flatMap((path) =>
        ts
          .preProcessFile(readFileSync(join(installed, path), "utf8"), true, true)
          .importedFiles.map(({ fileName }) => fileName),
      )
      .filter((path) => !path.startsWith(".") && !builtinModules.includes(path.replace("node:", "")))
      .map((path) =>
        path
          .split("/")
          .slice(0, path.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    expect([...new Set(imported)]).to.have.members(Object.keys({ ...dependencies, ...peerDependencies }));
    expect(versions).to.include(dependencies);
    for (const [peer, range] of Object.entries(peerDependencies))
      expect(range).to.equal(`^${versions[peer]}`);
    expect(version).to.equal(rootPackage.version);
    const needed = json(join(example, "package.json"));
    expect(needed.dependencies[name]).to.equal(`file:${name}-${version}.tgz`);
    const { [name]: _, ...others } = needed.dependencies;
    expect(versions).to.include({ ...others, ...needed.devDependencies });
  });

  it("compiles as strictly as this project", () => {
    const { status, output } = run(join(root, "node_modules", ".bin", "tsc"), ["-p", "."], program);
    expect(status, output).to.equal(0);
  });

  it("installs Loki with the bucket of the program, and Alloy, in the namespaces of the program", async () => {
    const config = {
      "observability:cluster": "shop",
      "observability:s3Endpoint": "minio.example.com:443",
    };
    const { resources, outputs } = await withoutMirror(() =>
      recordProgram("prod", config, async () => require(program)),
    );
    const find = (type: string, name: string): Any =>
      resources.find((one: Recorded) => one.type === type && one.name === name)?.inputs;
    const loki = find(release, "loki");
    expect(loki).to.include({ name: "loki", namespace: "logging" });
    expect(JSON.stringify(loki.values)).to.include("minio.example.com:443");
    expect(loki.values.loki.storage.bucketNames.chunks).to.equal("logs");
    expect(loki.values.loki.limits_config.retention_period).to.equal("336h");
    expect(loki.values.ingester.replicas).to.equal(3);
    expect(find(release, "alloy-logs")).to.include({ namespace: "log-collectors" });
    const environment: { name: string; value?: string }[] = find(release, "alloy-logs").values.alloy.extraEnv;
    expect(environment).to.deep.include({ name: "LOKI_URL", value: "http://loki-gateway.logging.svc" });
    const [policy] = JSON.parse(find("minio:index/iamPolicy:IamPolicy", "loki").policy).Statement;
    expect(policy.Action).to.include("s3:ListBucket");
    expect(outputs["lokiUrl"]).to.deep.equal({ value: "http://loki-gateway.logging.svc", secret: false });
    expect(outputs["lokiPasswords"]?.secret).to.equal(true);
  });

  describe("with the engine", () => {
    let api: ApiServer | undefined;
    let server: Minio | undefined;
    let environment: Record<string, string>;

    before(async function () {
      const [, etcd = "", kubeApiserver = "", minio = ""] = needs(
        this,
        ...["pulumi", "etcd", "kube-apiserver", "minio"],
      );
      await needsCharts(this);
      api = await ApiServer.start(etcd, kubeApiserver);
      server = await Minio.start(minio, folder);
      mkdirSync(join(folder, "state"));
      environment = {
        KUBECONFIG: api.kubeconfig(),
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      };
      rmSync(join(program, "Pulumi.prod.yaml"));
      pulumi("stack", "init", "prod");
      for (const [key, value] of [
        ["cluster", "shop"],
        ["s3Endpoint", `127.0.0.1:${server.port}`],
        ["minio:minioServer", `127.0.0.1:${server.port}`],
        ["minio:minioSsl", "false"],
        ["minio:minioUser", server.credentials.accessKey],
      ] as const)
        pulumi("config", "set", key, value);
      pulumi("config", "set", "--secret", "minio:minioPassword", server.credentials.secretKey);
    });

    after(async () => {
      await server?.stop();
      await api?.stop();
    });

    function pulumi(...args: string[]): string {
      const { status, stdout, output } = run(
        pulumiProgram(),
        [...args, "--non-interactive"],
        program,
        environment,
      );
      expect(status, output).to.equal(0);
      return stdout;
    }
    const previewed = (): Any[] => {
      const text = pulumi("preview", "--json", "--suppress-progress");
      return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)).steps;
    };
    const inputsOf = (steps: Any[], type: string, name: string): Any =>
      steps.find(({ newState, urn }) => newState?.type === type && urn.endsWith(`::${name}`))?.newState
        .inputs;

    it("previews all values before anything exists", () => {
      const steps = previewed();
      expect(inputsOf(steps, release, "loki")).to.include({
        namespace: "logging",
        description: "Logs of the cluster",
      });
      expect(inputsOf(steps, release, "loki").values.loki.storage.bucketNames.chunks).to.equal("logs");
      expect(inputsOf(steps, release, "alloy-logs").description).not.to.include("Logs of the cluster");
    });

    it("creates the bucket and the objects outside the releases", async () => {
      pulumi("up", "--yes", "--skip-preview", "--exclude", `**${release}::**`);
      const buckets = (await server?.client.listBuckets()) ?? [];
      expect(buckets.map(({ name }) => name)).to.deep.equal(["logs"]);
      const changed = previewed().filter(({ op }) => op !== "same");
      expect(changed.map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`)).to.have.members([
        "create loki",
        "create alloy-logs",
      ]);
    });
  });
});
