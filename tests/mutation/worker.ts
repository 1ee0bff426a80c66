/** Runs test files in this process, again and again, with one file of the project replaced. Packages stay loaded. */
import Module from "node:module";
import { join } from "node:path";
import Mocha from "mocha";

export interface Task {
  /** Test files, from the project's root. */
  tests: string[];
  mutated?: { file: string; text: string };
}

export interface Outcome {
  passed: boolean;
  /** Milliseconds. */
  took: number;
  failure?: string;
}

const root = join(__dirname, "..", "..");
let replaced: { path: string; text: string } | undefined;

type Compile = (this: unknown, code: string, filename: string, ...more: unknown[]) => unknown;
type Loader = (module: { _compile: Compile }, filename: string) => void;
const extensions = (Module as unknown as { _extensions: Record<string, Loader> })._extensions;
const load = extensions[".ts"] as Loader;
const { transformSync } = require("esbuild") as typeof import("esbuild");

extensions[".ts"] = (module, filename) => {
  if (filename !== replaced?.path) return load(module, filename);
  const { code } = transformSync(replaced.text, { loader: "ts", format: "cjs", sourcefile: filename });
  module._compile(code, filename);
};

async function run({ tests, mutated }: Task): Promise<Outcome> {
  for (const path of Object.keys(require.cache))
    if (/\.(ts|json)$/.test(path) && !path.includes("node_modules") && path !== __filename)
      delete require.cache[path];
  replaced = mutated && { path: join(root, mutated.file), text: mutated.text };
  const start = Date.now();
  const mocha = new Mocha({ bail: true, timeout: 20_000, reporter: "dot" });
  for (const test of tests) mocha.addFile(join(root, test));
  const failure = await new Promise<string | undefined>((done) => {
    try {
      let first: string | undefined;
      const runner = mocha.run((failed) => done(failed ? (first ?? "failed") : undefined));
      runner.once("fail", ({ title }, error) => {
        first = `${title}: ${error.message}`.slice(0, 200);
      });
    } catch (error) {
      done(String(error).slice(0, 200));
    }
  });
  return { passed: failure === undefined, took: Date.now() - start, ...(failure && { failure }) };
}

process.on("message", (task: Task) => {
  run(task).then(
    (outcome) => process.send?.(outcome),
    (error) => process.send?.({ passed: false, took: 0, failure: String(error) }),
  );
});
// Programs under test end with an exit code, and write to the terminal.
process.exitCode = 0;
console.log = console.error = console.warn = () => undefined;
