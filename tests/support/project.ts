/** A copy of this project in a folder of its own, so that tests can run `./obs` with a separate configuration and state. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import { runApart, type Started } from "../../automation/command";
import { root } from "../../cli/lib/stack-config";
import { project } from "../../settings";

/** Files of a checkout and its stacks. */
const own = /^(\.git|\.obs|\.cache|node_modules|Pulumi\..+\.yaml)$/;

interface Pending {
  type: string;
  resource: { urn: string };
}

export class ProjectCopy {
  readonly folder = mkdtempSync(join(tmpdir(), "observability-"));
  /** Folder of the backend that holds the state. */
  readonly backend = join(this.folder, ".obs", "state");

  /** @param kubeconfig of the cluster that its stacks are installed on */
  constructor(readonly kubeconfig: string) {
    cpSync(root, this.folder, {
      recursive: true,
      filter: (path) => path === root || !own.test(basename(path)),
    });
    const modules = join(root, "node_modules");
    // Installs outdated dependencies here; in the copy, `./obs` would replace the link to them.
    execFileSync(join(root, "obs"), ["--version"], { stdio: "ignore" });
    symlinkSync(modules, join(this.folder, "node_modules"));
    mkdirSync(this.backend, { recursive: true });
  }

  /** Environment of its commands, in addition to this process's own. */
  get environment(): Record<string, string | undefined> {
    return {
      ...process.env,
      KUBECONFIG: this.kubeconfig,
      PULUMI_BACKEND_URL: `file://${this.backend}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
  }

  /** Writes a stack's config. */
  configure(stack: string, config: Record<string, unknown>): void {
    const keys = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]);
    writeFileSync(join(this.folder, `Pulumi.${stack}.yaml`), stringify({ config: Object.fromEntries(keys) }));
  }

  /** A stack's state in the backend's file: its resources except the stack itself, and pending operations. */
  private state(stack: string): { resources: { type: string; urn: string }[]; pending: Pending[] } {
    const file = join(this.backend, ".pulumi", "stacks", project, `${stack}.json`);
    const { latest } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).checkpoint : {};
    return { resources: latest?.resources ?? [], pending: latest?.pending_operations ?? [] };
  }

  /** Types and names of a stack's resources. */
  resources(stack: string): string[] {
    return this.state(stack)
      .resources.filter(({ type }) => type !== "pulumi:pulumi:Stack")
      .map(({ urn }) => urn.split("::").slice(2).join(" "));
  }

  /** Pending operations on a stack's resources. */
  pending(stack: string): string[] {
    return this.state(stack).pending.map(
      ({ type, resource }) => `${type} ${resource.urn.split("::").slice(-1)}`,
    );
  }

  /** Number of locks. */
  locks(): number {
    const folder = join(this.backend, ".pulumi", "locks");
    if (!existsSync(folder)) return 0;
    return readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(".json")).length;
  }

  /** Runs `./obs`, or another program, in the copy. */
  async run(
    args: string[],
    { program = join(this.folder, "obs"), ...streams }: Started & { program?: string } = {},
  ): Promise<{ code: number; output: string; seconds: number }> {
    const begun = Date.now();
    const where = { cwd: this.folder, env: this.environment };
    const { code, stdout, stderr } = await runApart(program, args, where, streams);
    return { code, output: `${stdout}${stderr}`, seconds: (Date.now() - begun) / 1000 };
  }

  /** Starts `./obs` in its own process group, as a terminal does; its output goes to `obs.log` in the folder. */
  start(args: string[], environment: Record<string, string> = {}): ChildProcess {
    const log = openSync(join(this.folder, "obs.log"), "w");
    const env = { ...this.environment, ...environment };
    const child = spawn(join(this.folder, "obs"), args, {
      cwd: this.folder,
      env,
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    return child;
  }

  /** Removes it, including its state. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
