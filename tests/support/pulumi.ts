/** The real Pulumi engine for tests: a separate backend, and the project's own program. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { pulumiProgram } from "../../cli/lib/pulumi";
import { root } from "../../cli/lib/stack-config";
import { project } from "../../settings";

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

/** A resource in an exported state, with the fields that tests read. */
interface StateResource {
  urn: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
}

/** A stack in a folder of its own: the project as links, its own config file, its own backend or another stack's. */
export class TestStack {
  private readonly folder = mkdtempSync(join(tmpdir(), "observability-"));
  private readonly file: string;

  /**
   * @param source folder of another Pulumi project to run instead of this one, with the backend of a stack that it
   * reads
   */
  constructor(
    readonly name: string,
    private readonly kubeconfig: string,
    config: Record<string, unknown>,
    private readonly source: { folder: string; project: string; beside: TestStack } | undefined = undefined,
  ) {
    const own = /^(\.git|\.obs|node_modules|Pulumi\..+\.yaml)$/;
    const folder = source?.folder ?? root;
    for (const entry of readdirSync(folder).filter((name) => !own.test(name)))
      symlinkSync(join(folder, entry), join(this.folder, entry));
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    mkdirSync(this.backend, { recursive: true });
    this.file = join(this.folder, `Pulumi.${name}.yaml`);
    this.configure(config);
  }

  /** Folder of the backend that holds the state. */
  private get backend(): string {
    return this.source?.beside.backend ?? join(this.folder, ".obs", "state");
  }

  /** Replaces the stack's config. */
  configure(config: Record<string, unknown>): void {
    const keys = Object.entries(config).map(([key, value]) => [
      `${this.source?.project ?? project}:${key}`,
      value,
    ]);
    // The passphrase salt, which `stack init` wrote to the file, must stay.
    const before = existsSync(this.file) ? parse(readFileSync(this.file, "utf8")) : {};
    writeFileSync(this.file, stringify({ ...before, config: Object.fromEntries(keys) }));
  }

  /** Runs a command of the CLI on this stack. */
  run(args: string[], environment: Record<string, string> = {}): Result {
    const started = Date.now();
    const { status, stdout, stderr } = spawnSync(pulumiProgram(), [...args, "--stack", this.name], {
      cwd: this.folder,
      encoding: "utf8",
      maxBuffer: 256 * 1024 ** 2,
      env: {
        ...process.env,
        KUBECONFIG: this.kubeconfig,
        PULUMI_BACKEND_URL: `file://${this.backend}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...environment,
      },
    });
    return { code: status ?? 1, output: `${stdout}${stderr}`, seconds: (Date.now() - started) / 1000 };
  }

  /** Creates the stack. */
  init(): Result {
    return this.run(["stack", "init", "--non-interactive"]);
  }

  /** The steps of a preview that change something, or all of them. */
  previewSteps(): Step[] {
    const { code, output } = this.run(["preview", "--json", "--suppress-progress"]);
    const start = output.indexOf("{");
    if (code !== 0 || start < 0) throw new Error(output);
    return JSON.parse(output.slice(start, output.lastIndexOf("}") + 1)).steps;
  }

  /** The state from `pulumi stack export`. */
  private exported(): { deployment: { resources?: StateResource[] } } {
    const { output } = this.run(["stack", "export"]);
    return JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  }

  /** URNs in the state. */
  urns(): string[] {
    return (this.exported().deployment.resources ?? []).map(({ urn }) => urn);
  }

  /** Removes resources from the state, like a refresh that does not find them: their dependents stay. */
  forget(gone: (urn: string) => boolean): Result {
    const state = this.exported();
    const keep = (urns: string[] = []) => urns.filter((urn) => !gone(urn));
    const kept = (state.deployment.resources ?? [])
      .filter(({ urn }) => !gone(urn))
      .map((resource) => ({
        ...resource,
        dependencies: keep(resource.dependencies),
        propertyDependencies: Object.fromEntries(
          Object.entries(resource.propertyDependencies ?? {}).map(([key, urns]) => [key, keep(urns ?? [])]),
        ),
      }));
    const file = join(this.folder, "state.json");
    writeFileSync(file, JSON.stringify({ ...state, deployment: { ...state.deployment, resources: kept } }));
    return this.run(["stack", "import", "--file", file]);
  }
}
