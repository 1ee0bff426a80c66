// Builds dist/ for `npm pack`: JavaScript, types, and the files that the program reads.
const { execFileSync } = require("node:child_process");
const { cpSync, rmSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const dist = join(__dirname, "dist");
rmSync(dist, { recursive: true, force: true });
if (!process.argv.includes("--clean")) {
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", __dirname], {
    stdio: "inherit",
  });
  const copy = (path, wanted) =>
    cpSync(join(root, path), join(dist, path), {
      recursive: true,
      filter: (file) => !/\.\w+$/.test(file) || wanted.test(file),
    });
  copy("values", /\.(alloy|sh)$/);
  copy("alerts", /(?<!\.test)\.yaml$/);
  copy("docs/operations/runbooks", /\.md$/);
}
