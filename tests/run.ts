/** Runs the tests layer by layer and prints their totals at the end. */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import Mocha from "mocha";
import { skipped } from "./support/tools";

/** The layers, fastest first. */
const layers = ["unit", "processes", "charts", "binaries", "cases", "examples", "policies", "engine", "docs"];

/**
 * @param wanted layers to run; all if it is empty
 * @returns 0 if nothing failed
 */
export async function runLayers(wanted: string[]): Promise<number> {
  const unknown = wanted.filter((layer) => !layers.includes(layer));
  if (unknown.length) {
    console.error(`unknown layer ${unknown.join(", ")}. Valid: ${layers.join(", ")}`);
    return 2;
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failed: string[] = [];
  for (const layer of wanted.length ? wanted : layers) {
    console.log(`\n── ${layer} ${"─".repeat(60 - layer.length)}`);
    // Unit tests are independent, so their files run in parallel; the others share ports, tools and clusters.
    const mocha = new Mocha({
      timeout: 10_000,
      reporter: "spec",
      parallel: layer === "unit",
      jobs: availableParallelism(),
    });
    for (const file of testFiles(layer)) mocha.addFile(file);
    const stats = await new Promise<Mocha.Stats | undefined>((done) => {
      const runner = mocha.run(() => done(runner.stats));
      runner.on("fail", (test, error) => failed.push(`${layer}: ${test.fullTitle()}: ${firstLine(error)}`));
    });
    total.passed += stats?.passes ?? 0;
    total.failed += stats?.failures ?? 0;
    total.skipped += stats?.pending ?? 0;
  }
  for (const { suite, reason } of skipped) console.log(`skipped: ${suite}: ${reason}`);
  // Repeated here, because thousands of lines may follow a failure.
  for (const line of failed) console.log(`failed: ${line}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed ? 1 : 0;
}

const firstLine = (error: unknown): string => String((error as Error)?.message ?? error).replace(/\n.*/s, "");

const testFiles = (layer: string): string[] =>
  readdirSync(join(__dirname, layer))
    .filter((file) => file.endsWith(".test.ts"))
    .sort()
    .map((file) => join(__dirname, layer, file));

if (require.main === module)
  runLayers(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
