/** The application's Python: a virtual environment for it and, separately, the packages that the operator injects. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { needs, skip } from "../support/tools";
import { folder } from "./program";

const cache = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "observability",
  "random-backend",
);
const requirements = join(folder, "app", "requirements.txt");
// pip's message without a connection to an index; for a missing version, it lists the available ones.
const noNetwork = /\(from versions: none\)|ConnectionError|Timeout|ProxyError|SSLError/;

export interface Python {
  /** The virtual environment's interpreter. */
  program: string;
  /** `PYTHONPATH` of an instrumented pod: https://github.com/open-telemetry/opentelemetry-operator/blob/v0.158.0/internal/instrumentation/python.go */
  instrumented: string;
  /** Folder with the injected packages. */
  packages: string;
}

/**
 * Both, created once and kept; the suite is skipped if this machine cannot create them.
 *
 * @param version tag of the operator's image of the Python instrumentation
 */
export function needsPython(context: Mocha.Context, version: string): Python {
  const [python = ""] = needs(context, "python3");
  const run = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: "utf8" });
  if (run(python, "-c", "import ensurepip, venv").status !== 0)
    skip(context, "Python's venv or pip is missing (Debian: python3-venv)");

  // Packages of the image that this application uses; they determine the SDK's version.
  const instrumentation = [
    "opentelemetry-exporter-otlp-proto-http",
    `opentelemetry-distro==${version}`,
    ...["fastapi", "httpx", "psycopg", "logging"].map(
      (name) => `opentelemetry-instrumentation-${name}==${version}`,
    ),
  ];
  const key = createHash("sha256")
    .update(
      JSON.stringify([
        run(python, "-VV").stdout,
        readFileSync(requirements, "utf8"),
        instrumentation,
        python,
      ]),
    )
    .digest("hex")
    .slice(0, 16);
  const home = join(cache, key);
  const program = join(home, "venv", "bin", "python");
  const packages = join(home, "autoinstrumentation");
  const complete = join(home, "complete");

  const must = (command: string, ...args: string[]) => {
    const { status, stderr, stdout } = run(command, ...args);
    if (status === 0) return;
    const said = `${stdout}${stderr}`;
    if (noNetwork.test(said)) skip(context, "no package index for Python is reached");
    throw new Error(`${command} ${args.join(" ")}\n${said.slice(-2000)}`);
  };
  if (!existsSync(complete)) {
    // An interrupted installation is not reused.
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    console.log("installing the example's Python packages; this happens once");
    must(python, "-m", "venv", join(home, "venv"));
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    must(program, ...pip, "--no-deps", "-r", requirements);
    must(program, "-m", "pip", "check");
    must(program, ...pip, "--target", packages, ...instrumentation);
    writeFileSync(complete, "");
  }
  const start = join(packages, "opentelemetry", "instrumentation", "auto_instrumentation");
  return { program, packages, instrumented: `${start}:${packages}` };
}
