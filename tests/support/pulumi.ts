/** The real Pulumi engine for tests: a backend of its own, the project's own program. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { root } from "../../cli/stack-config";

export interface Result {
  code: number;
  /** stdout and stderr together. */
  output: string;
  seconds: number;
}

/** A step of a preview or update, as `--json` prints it. */
export interface Step {
  op: string;
  urn: string;
  newState?: { type: string; inputs: Record<string, unknown> };
}

/** One stack in a backend of its own. */
export class TestStack {
  private readonly folder = mkdtempSync(join(tmpdir(), "observability-"));

  constructor(
    readonly name: string,
    private readonly kubeconfig: string,
    private config: Record<string, unknown>,
  ) {}

  /** Replaces the stack's config. */
  configure(config: Record<string, unknown>): void {
    this.config = config;
  }

  /** Runs a command of the CLI on this stack. */
  run(args: string[], environment: Record<string, string> = {}): Result {
    const file = join(this.folder, `Pulumi.${this.name}.yaml`);
    const config = Object.fromEntries(
      Object.entries(this.config).map(([key, value]) => [`observability:${key}`, value]),
    );
    writeFileSync(file, stringify({ config }));
    const started = Date.now();
    const { status, stdout, stderr } = spawnSync(
      "pulumi",
      [...args, "--stack", this.name, "--config-file", file],
      {
        cwd: root,
        encoding: "utf8",
        maxBuffer: 256 * 1024 ** 2,
        env: {
          ...process.env,
          KUBECONFIG: this.kubeconfig,
          PULUMI_BACKEND_URL: `file://${this.folder}`,
          PULUMI_CONFIG_PASSPHRASE: "test",
          PULUMI_SKIP_UPDATE_CHECK: "true",
          ...environment,
        },
      },
    );
    return { code: status ?? 1, output: `${stdout}${stderr}`, seconds: (Date.now() - started) / 1000 };
  }

  /** Makes the stack. */
  init(): Result {
    return this.run(["stack", "init", this.name, "--non-interactive"]);
  }

  /** The steps of a preview that change something, or all of them. */
  previewSteps(): Step[] {
    const { code, output } = this.run(["preview", "--json", "--suppress-progress"]);
    const start = output.indexOf("{");
    if (code !== 0 || start < 0) throw new Error(output);
    return JSON.parse(output.slice(start, output.lastIndexOf("}") + 1)).steps;
  }

  /** URNs in the state. */
  urns(): string[] {
    const { output } = this.run(["stack", "export"]);
    const deployment = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1)).deployment;
    return (deployment.resources ?? []).map(({ urn }: { urn: string }) => urn);
  }
}
