import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { mock } from "node:test";
import { expect } from "chai";
import { CommanderError } from "commander";
import { commandLine } from "../../cli/commands";
import { grafanaLines } from "../../cli/commands/lifecycle";
import { backendEnvironment, exported, onPath, pulumiProgram } from "../../cli/lib/pulumi";
import { fileConfig, root } from "../../cli/lib/stack-config";
import { UserError } from "../../settings";
import { settingsOf } from "../support/stacks";

/** Runs with another environment, and restores the old one. */
async function withEnvironment<T>(
  variables: Record<string, string | undefined>,
  work: () => T | Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  try {
    return await work();
  } finally {
    process.env = before;
  }
}

/** A machine without a login to a backend. */
const noLogin = () => ({
  PULUMI_BACKEND_URL: undefined,
  PULUMI_ACCESS_TOKEN: undefined,
  PULUMI_HOME: mkdtempSync(join(tmpdir(), "pulumi-home-")),
});

describe("obs: its environment on a machine", () => {
  it("prefers a Pulumi CLI on PATH and falls back to the npm launcher", async () => {
    const folder = mkdtempSync(join(tmpdir(), "path-"));
    const launcher = join(root, "node_modules", ".bin");
    await withEnvironment({ PATH: [launcher, folder].join(delimiter) }, () => {
      expect(pulumiProgram()).to.equal(join(launcher, "pulumi"));
      writeFileSync(join(folder, "pulumi"), "");
      expect(pulumiProgram()).to.equal(join(folder, "pulumi"));
      expect(onPath("no-such-program")).to.equal(undefined);
    });
  });

  it("refuses to keep prod's state in a default folder, and lists the choices", async () => {
    await withEnvironment(noLogin(), () => {
      expect(() => backendEnvironment("prod", "prod")).to.throw(UserError, /pulumi login s3:\/\/<bucket>/);
    });
  });

  it("uses the selected backend, from a login or from the environment", async () => {
    const home = noLogin();
    await withEnvironment({ ...home, PULUMI_BACKEND_URL: "s3://state" }, () => {
      expect(backendEnvironment("prod", "prod")).not.to.have.property("PULUMI_BACKEND_URL");
    });
    writeFileSync(join(home.PULUMI_HOME, "credentials.json"), '{"current": "https://api.pulumi.com"}');
    await withEnvironment(home, () => {
      expect(backendEnvironment("prod", "prod")).not.to.have.property("PULUMI_BACKEND_URL");
    });
  });

  it("names the file that a new stack needs", () => {
    expect(() => fileConfig("nowhere")).to.throw(/Pulumi\.nowhere\.yaml does not exist\. Create it/);
  });
});

describe("obs: the state of a stack", () => {
  /** Reads it with a Pulumi CLI that fails with a message. */
  const readWith = (message: string) => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-"));
    writeFileSync(join(folder, "pulumi"), `#!/bin/sh\necho "${message}" >&2\nexit 255\n`, { mode: 0o755 });
    return withEnvironment({ PATH: `${folder}${delimiter}${process.env["PATH"]}` }, () =>
      exported("own", {}),
    );
  };

  it("does not exist only if Pulumi says so: another failure would skip the check of the cluster", async () => {
    expect(await readWith("error: no stack named 'own' found")).to.equal(undefined);
    const failure = await readWith("error: incorrect passphrase").catch((error: Error) => error);
    expect(failure).to.be.instanceOf(UserError);
    expect((failure as Error).message).to.include("incorrect passphrase");
  });
});

describe("obs: the end of up", () => {
  const outputs = { grafanaUrl: "http://grafana.grafana.svc", grafanaAdminUser: "admin" };
  const lines = (environment: "dev" | "prod") =>
    grafanaLines("own", settingsOf(environment), outputs).join("\n");

  it("names the password of admin only where it can log in", () => {
    expect(lines("dev")).to.include("http://grafana.grafana.svc (user admin)");
    expect(lines("dev")).to.include("--stack own --show-secrets grafanaAdminPassword");
    expect(lines("prod")).to.match(
      /^Grafana {3}https:\/\/grafana\.example\.com \(users of grafana\.auth\)\n/,
    );
    expect(lines("prod")).not.to.include("assword");
  });
});

describe("obs: the command line", function () {
  this.timeout(60_000);
  /** Runs a command in this process, which has everything loaded. */
  async function obs(...args: string[]) {
    let [stdout, stderr] = ["", ""];
    const out = (text: string) => {
      stdout += text;
    };
    const err = (text: string) => {
      stderr += text;
    };
    const line = commandLine();
    for (const one of [line, ...line.commands])
      one.exitOverride().configureOutput({ writeOut: out, writeErr: err });
    const log = mock.method(console, "log", (text: string) => out(`${text}\n`));
    const error = mock.method(console, "error", (text: string) => err(`${text}\n`));
    try {
      await line.parseAsync(args, { from: "user" });
      return { stdout, stderr, status: Number(process.exitCode ?? 0) };
    } catch (failure) {
      if (failure instanceof CommanderError) return { stdout, stderr, status: failure.exitCode };
      if (!(failure instanceof UserError)) throw failure;
      return { stdout, stderr: `obs: ${failure.message}`, status: 1 };
    } finally {
      process.exitCode = 0;
      log.mock.restore();
      error.mock.restore();
    }
  }

  it("shows eight commands in groups on the first screen, and names the others", async () => {
    const { stdout, status } = await obs("--help");
    expect(status).to.equal(0);
    const names = commandLine().commands.map((command) => command.name());
    expect(names).to.have.length(20);
    const shown = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name);
    expect(shown).to.have.length(8);
    const [, others = ""] = /^More commands: (.*)$/m.exec(stdout) ?? [];
    expect([...shown, ...others.split(", ")]).to.have.members(names);
    const groups = stdout.match(/^[A-Z][\w ]+:$/gm);
    expect(groups).to.include.members(["Install:", "Check health:", "Plan capacity:", "Maintain:"]);
    expect((await obs("render", "--help")).stdout).to.include("--json");
    expect((await obs("upp")).stderr).to.equal("obs: unknown command 'upp'\n(Did you mean up?)\n");
  });

  it("refuses upgrade without, or with both of, its actions", async () => {
    for (const args of [[], ["--check", "--volumes"]]) {
      const { stderr, status } = await obs("upgrade", ...args);
      expect(status).to.equal(1);
      expect(stderr).to.match(/^obs: upgrade needs --check or --volumes/);
    }
  });

  it("uses stack dev if only arguments for Pulumi are given", async () => {
    const home = mkdtempSync(join(tmpdir(), "home-"));
    const { stderr } = await withEnvironment({ KUBECONFIG: undefined, HOME: home }, () =>
      obs("preview", "--", "--diff"),
    );
    expect(stderr).to.include("Cannot reach a Kubernetes cluster: no kubeconfig found");
  });

  it("reports a missing kubeconfig and invalid YAML", async () => {
    const home = mkdtempSync(join(tmpdir(), "home-"));
    const none = await withEnvironment({ KUBECONFIG: undefined, HOME: home }, () => obs("refresh", "prod"));
    expect(none.status).to.equal(1);
    expect(none.stderr).to.include("Cannot reach a Kubernetes cluster: no kubeconfig found");
    const broken = `broken-${process.pid}`;
    const file = join(root, `Pulumi.${broken}.yaml`);
    writeFileSync(file, "config:\n  a: [1,\n b: }\n");
    try {
      const { status, stderr } = await obs("refresh", broken);
      expect(status).to.equal(1);
      expect(stderr).to.match(/^obs: Pulumi\.broken-\d+\.yaml is not valid YAML: .* at line \d/);
    } finally {
      rmSync(file);
    }
  });

  it("sizes a stack: exits 1 if it is too small, 0 otherwise, and reports invalid options", async () => {
    const small = await obs("size", "prod", "--series", "100k", "--json");
    expect(small.status).to.equal(1);
    expect(JSON.parse(small.stdout).problems.map(({ path }: { path: string }) => path)).to.deep.equal([
      "objectStorage.minio.disk",
    ]);
    const enough = await obs("size", "prod", "--series", "20k");
    expect(enough.status).to.equal(0);
    expect(enough.stdout)
      .to.match(/^mimir\.ingester +0\.2 cores/m)
      .and.include("Every compared component is large enough");
    const wrong = await obs("size", "prod", "--logs", "3x", "--nodes", "0");
    expect(wrong.status).to.equal(1);
    expect(wrong.stderr).to.match(
      /^obs: --logs: invalid value "3x" \(must be a volume: .+\n +--nodes: invalid value "0" \(must be /,
    );
  });

  it("renders a stack to files and lists them, also as JSON", async () => {
    const out = mkdtempSync(join(tmpdir(), "render-"));
    const { stdout, status } = await obs("render", "prod", "--out", out, "--json");
    const { files, skipped } = JSON.parse(stdout);
    // Without Helm or a chart there are values, but no manifests.
    expect(status).to.equal(skipped.length ? 1 : 0);
    expect(files).to.include.members([
      join(out, "objects.yaml"),
      join(out, "minio.yaml"),
      ...["loki", "mimir", "kps-crds", "kps"].map((name) => join(out, "releases", name, "values.yaml")),
    ]);
  });
});
