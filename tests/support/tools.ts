/**
 * The real programs that tests run: from PATH, otherwise from this project's cache, otherwise built once from their Go
 * modules. If none of these is possible, the tests that need the program are skipped by name.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pins } from "../../charts";
import { onPath } from "../../cli/lib/pulumi";

interface GoTool {
  /** Package that has the program's `main`. */
  package: string;
  module: string;
  version: string;
}

const goTools: Record<string, GoTool> = {
  helm: { package: "helm.sh/helm/v3/cmd/helm", module: "helm.sh/helm/v3", version: "v3.22.0" },
  etcd: { package: "go.etcd.io/etcd/server/v3", module: "go.etcd.io/etcd/server/v3", version: "v3.6.6" },
  "kube-apiserver": {
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    module: "k8s.io/kubernetes",
    version: "v1.34.3",
  },
  minio: {
    package: "github.com/minio/minio",
    module: "github.com/minio/minio",
    version: "v0.0.0-20260212201848-7aac2a2c5b7c",
  },
  mc: {
    package: "github.com/minio/mc",
    module: "github.com/minio/mc",
    version: "v0.0.0-20250313080218-cf909e1063a9",
  },
  loki: {
    package: "github.com/grafana/loki/v3/cmd/loki",
    module: "github.com/grafana/loki/v3",
    version: "v3.7.8",
  },
  mimir: {
    package: "github.com/grafana/mimir/cmd/mimir",
    module: "github.com/grafana/mimir",
    version: "v1.3.1-0.20260423142704-aced80d74930", // 3.0.5
  },
  "kube-state-metrics": {
    package: "k8s.io/kube-state-metrics/v2",
    module: "k8s.io/kube-state-metrics/v2",
    version: "v2.20.0",
  },
  crane: {
    package: "github.com/google/go-containerregistry/cmd/crane",
    module: "github.com/google/go-containerregistry",
    version: "v0.20.6",
  },
  k6: { package: "go.k6.io/k6", module: "go.k6.io/k6", version: "v1.8.1" },
  promtool: {
    package: "github.com/prometheus/prometheus/cmd/promtool",
    module: "github.com/prometheus/prometheus",
    version: "v0.315.0", // 3.15.0
  },
  alertmanager: {
    package: "github.com/prometheus/alertmanager/cmd/alertmanager",
    module: "github.com/prometheus/alertmanager",
    version: "v0.34.2",
  },
  amtool: {
    package: "github.com/prometheus/alertmanager/cmd/amtool",
    module: "github.com/prometheus/alertmanager",
    version: "v0.34.2",
  },
};

const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "observability", "tools");

/** Replacements in a module's own go.mod; Go applies them only in the main module. */
function replacements({ version }: GoTool, goMod: string): string[] {
  return goMod.split("\n").flatMap((line) => {
    const [, from, to, toVersion] =
      /^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)(?:\s+(v\S+))?/.exec(line) ?? [];
    if (!from || !to) return [];
    if (toVersion) return [`${from}=${to}@${toVersion}`];
    // Kubernetes keeps its libraries in folders of the same repository and publishes v1.x.y of it as v0.x.y of them.
    // Other folders are omitted: their modules are published as well, in the required version.
    return to.includes("/staging/") ? [`${from}=${from}@${version.replace("v1.", "v0.")}`] : [];
  });
}

/** Linker flags: the API server reports its version to clients only if it was built with one. */
function flags(name: string, { version }: GoTool): string {
  const [, minor] = version.split(".");
  const variable = "k8s.io/component-base/version";
  return name === "kube-apiserver"
    ? `-s -w -X ${variable}.gitVersion=${version} -X ${variable}.gitMajor=1 -X ${variable}.gitMinor=${minor}`
    : "-s -w";
}

function build(name: string, tool: GoTool): string | undefined {
  // In a folder of its own, under its plain name, so that other programs find it.
  const program = join(cache, `${name}-${tool.version}`, name);
  if (existsSync(program)) return program;
  if (!onPath("go")) return undefined;
  const folder = join(cache, "src", `${name}-${tool.version}`);
  // An interrupted build may have left an incomplete folder.
  rmSync(folder, { recursive: true, force: true });
  for (const each of [folder, dirname(program)]) mkdirSync(each, { recursive: true });
  console.log(`building ${name} ${tool.version} from its Go module; this happens once`);
  const started = Date.now();
  try {
    const go = (...args: string[]) =>
      execFileSync("go", args, {
        cwd: folder,
        encoding: "utf8",
        stdio: "pipe",
        env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod" },
      });
    go("mod", "init", `observability.test/${name}`);
    const { GoMod, Dir } = JSON.parse(go("mod", "download", "-json", `${tool.module}@${tool.version}`));
    // Its checksums too: the public database does not have every version that a module was built with.
    const sums = join(Dir, "go.sum");
    if (existsSync(sums)) writeFileSync(join(folder, "go.sum"), readFileSync(sums));
    for (const replacement of replacements(tool, readFileSync(GoMod, "utf8")))
      go("mod", "edit", `-replace=${replacement}`);
    go("get", `${tool.package}@${tool.version}`);
    go("build", "-trimpath", "-ldflags", flags(name, tool), "-o", program, tool.package);
    console.log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
    return program;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    console.log(`${name} could not be built: ${stderr?.trim().split("\n").slice(-3).join(" ") || message}`);
    return undefined;
  }
}

const found = new Map<string, string | undefined>();

/** Path of a program, or undefined if it is not available. A program built here is on PATH from then on. */
export function tool(name: string): string | undefined {
  if (!found.has(name)) {
    const goTool = goTools[name];
    const built = onPath(name) ? undefined : goTool && build(name, goTool);
    if (built) process.env["PATH"] = `${dirname(built)}${delimiter}${process.env["PATH"] ?? ""}`;
    found.set(name, onPath(name));
  }
  return found.get(name);
}

/** Why tests were skipped, for the summary. */
export const skipped: { suite: string; reason: string }[] = [];

/** Skips the suite of a `before` hook, with the reason. */
export function skip(context: Mocha.Context, reason: string): never {
  skipped.push({ suite: context.test?.parent?.title ?? "", reason });
  return context.skip();
}

/** The paths of programs, or the suite is skipped. For use in a `before` hook. */
export function needs(context: Mocha.Context, ...names: string[]): string[] {
  // A first build takes minutes.
  context.timeout(30 * 60 * 1000);
  return names.map((name) => tool(name) ?? skip(context, `${name} is not on PATH and cannot be built here`));
}

/** Helm, and charts for it: in the folder in OBS_CHARTS, or from their repositories; otherwise the suite is skipped. */
export async function needsCharts(context: Mocha.Context): Promise<void> {
  const reached = async () => {
    const index = `${pins.alloy.repository}/index.yaml`;
    const answer = fetch(index, { method: "HEAD", signal: AbortSignal.timeout(5000) });
    return (await answer.catch(() => undefined))?.ok;
  };
  if (!process.env["OBS_CHARTS"] && !(await reached()))
    skip(context, "no chart repository is reachable, and OBS_CHARTS is not a folder with the charts");
  needs(context, "helm");
}
