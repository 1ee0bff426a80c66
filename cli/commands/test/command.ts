import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { exit } from "../../lib/command";
import { root } from "../../lib/stack-config";

export function register(program: Command): void {
  program
    .command("test")
    .description("run the project's tests, layer by layer")
    .argument("[layers...]", "unit, charts, binaries, cases, examples, policies, engine, docs (default: all)")
    .action((layers) =>
      exit(async () => {
        const args = ["--require", "tsx/cjs", "tests/run.ts", ...layers];
        return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
      }),
    );
}
