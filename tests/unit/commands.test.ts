/** Complete commands, with a `pulumi` and a `kind` that record their arguments, and an API server without objects. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { expect } from "chai";
import { commandLine } from "../../cli/commands";
import { preview, up } from "../../cli/commands/lifecycle";
import { exitCode } from "../../cli/commands/policies";
import { rotate } from "../../cli/commands/rotate";
import { failureOf, releaseObjects } from "../../cli/lib/render";
import { configFile, root } from "../../cli/lib/stack-config";
import { UserError } from "../../settings";
import { backedUp, shipped } from "../support/stacks";

describe("unit: commands", function () {
  this.timeout(20_000);
  const before = { ...process.env };
  const [log, error] = [console.log, console.error];
  let folder: string;
  let server: Server;

  /** A program that writes the time and its arguments to a file. */
  const program = (name: string) => {
    const file = join(folder, name);
    const answer = `case "$1 $2" in "stack export" | "stack output") echo '{"version":3,"deployment":{}}' ;; esac`;
    writeFileSync(file, `#!/bin/sh\necho "$(date +%s%3N) $*" >> "${file}.log"\n${answer}\n`);
    chmodSync(file, 0o755);
  };
  /** The calls of a program: time in milliseconds and arguments. */
  const calls = (name: string): { at: number; args: string }[] => {
    const file = join(folder, `${name}.log`);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trim().split("\n");
    return lines.map((line) => ({ at: Number(line.split(" ")[0]), args: line.slice(line.indexOf(" ") + 1) }));
  };
  const updates = () => calls("pulumi").filter(({ args }) => args.startsWith("up "));
  const useCluster = (port: number) => {
    const file = join(folder, "kubeconfig");
    const cluster = { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
    const config = {
      clusters: [{ name: "a", cluster }],
      users: [{ name: "a", user: {} }],
      contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
      "current-context": "a",
    };
    writeFileSync(file, JSON.stringify(config));
    process.env["KUBECONFIG"] = file;
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "commands-"));
    for (const name of ["pulumi", "kind", "docker"]) program(name);
    process.env["PATH"] = [folder, before["PATH"]].join(delimiter);
    process.env["PULUMI_BACKEND_URL"] = `file://${folder}`;
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "x";
    [console.log, console.error] = [() => undefined, () => undefined];
    server = createServer(({ url }, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(url === "/version" ? { gitVersion: "v1.34.0" } : { items: [] }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    useCluster((server.address() as AddressInfo).port);
  });
  afterEach(() => {
    [console.log, console.error] = [log, error];
    server.close();
    server.closeAllConnections();
    process.env = { ...before };
    rmSync(folder, { recursive: true });
  });

  it("up asks for confirmation before it changes a prod stack, unless --yes is given; never for a dev stack", async () => {
    await up("prod", {}, []);
    await up("prod", { yes: true }, []);
    await up("dev", {}, []);
    expect(updates().map(({ args }) => args.includes("--yes"))).to.deep.equal([false, true, true]);
  });

  it("up and preview check the policies of a prod stack, and those of a dev stack on request", async () => {
    await up("prod", {}, []);
    await up("dev", {}, []);
    await up("dev", { policies: true }, []);
    await preview("prod", { policies: false }, []);
    const packs = calls("pulumi").filter(({ args }) => /^(up|preview) /.test(args));
    expect(packs.map(({ args }) => args.includes("--policy-pack"))).to.deep.equal([true, false, true, false]);
  });

  it("rotate waits after clients got their new passwords, and before the old ones are revoked", async () => {
    await rotate("dev", { wait: 1 });
    const [, second, third] = updates();
    expect(updates()).to.have.length(3);
    expect((third?.at ?? 0) - (second?.at ?? 0)).to.be.at.least(1000);
    const option = commandLine()
      .commands.find((command) => command.name() === "rotate")
      ?.options.find(({ long }) => long === "--wait");
    expect(Number(option?.defaultValue)).to.be.at.least(120);
  });

  /** A stack with these settings. Its file is one of the project; this name leads to one outside it. */
  const stackWith = (settings: object): string => {
    const stack = `x/${relative(join(root, "Pulumi.x"), join(folder, "stack"))}`;
    const entries = Object.entries(settings).map(([key, value]) => [`observability:${key}`, value]);
    writeFileSync(configFile(stack), JSON.stringify({ config: Object.fromEntries(entries) }));
    return stack;
  };
  /** Why a command stops. */
  const refusal = (...args: string[]): Promise<Error> =>
    commandLine()
      .parseAsync(["node", "obs", ...args])
      .then(
        () => new Error("it runs"),
        (error: Error) => error,
      );

  it("rotate, load and restore do not change a prod stack without --yes", async () => {
    const stack = stackWith({ ...shipped("prod"), ...backedUp });
    for (const command of ["rotate", "load", "restore"]) {
      const reason = await refusal(command, stack);
      expect(reason, command).to.be.instanceOf(UserError);
      expect(reason.message, command).to.match(/; confirm it with --yes$/);
    }
    expect(calls("pulumi")).to.deep.equal([]);
  });

  it("commands about stores name the hub of an agent, and change nothing", async () => {
    const stack = stackWith({ environment: "dev", hub: { stack: "acme/observability/hub" } });
    for (const command of ["rotate", "backup", "restore", "storage", "load", "dashboards", "coverage"]) {
      const reason = await refusal(command, stack);
      expect(reason, command).to.be.instanceOf(UserError);
      expect(reason.message, command).to.match(/ has no stores.* sends to acme\//);
    }
    expect(calls("pulumi")).to.deep.equal([]);
  });

  it("Helm's message is the reason if it fails before it reads the values", async () => {
    writeFileSync(join(folder, "helm"), "#!/bin/sh\necho 'Error: no such chart' >&2\nexit 1\n", {
      mode: 0o755,
    });
    const release = { name: "a", namespace: "a", chart: "a", values: { long: "x".repeat(2 ** 20) } };
    const reason = await releaseObjects(release).catch(failureOf);
    expect(reason).to.equal("Error: no such chart");
  });

  it("without a cluster, commands list the choices and change nothing", async () => {
    useCluster(1);
    for (const stack of ["dev", "prod"]) {
      const refused = await up(stack, { yes: true }, []).catch((reason: Error) => reason);
      expect(refused).to.be.instanceOf(UserError);
      expect((refused as Error).message).to.match(
        /^Cannot reach a Kubernetes cluster: .*kind create cluster --name observability/s,
      );
    }
    expect(calls("pulumi")).to.deep.equal([]);
    expect(calls("kind")).to.deep.equal([]);
  });

  it("policies exits 2 for a mandatory violation, 1 for a release that could not be checked, else 0", () => {
    const subject = { kind: "Pod", name: "a", object: {} };
    const finding = (level: "mandatory" | "advisory", allowed?: string) => ({
      rule: "a",
      level,
      subject,
      message: "no",
      allowed,
    });
    const of = (findings: ReturnType<typeof finding>[], skipped: string[] = []) =>
      exitCode({ environment: "prod", subjects: 1, findings, skipped });
    expect(of([finding("mandatory")])).to.equal(2);
    expect(of([finding("mandatory")], ["loki: no helm"])).to.equal(2);
    expect(of([finding("mandatory", "for a reason"), finding("advisory")])).to.equal(0);
    expect(of([], ["loki: no helm"])).to.equal(1);
  });
});
