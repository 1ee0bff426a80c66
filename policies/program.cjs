// What Pulumi loads for the pack: index.ts and all it imports, compiled in memory as ../program.cjs does for the program.
// Pulumi's own compiler knows neither this project's tsconfig.json nor files outside of this folder.
const { buildSync } = require("esbuild");
const { join } = require("node:path");

const { outputFiles } = buildSync({
  absWorkingDir: __dirname,
  entryPoints: ["index.ts"],
  bundle: true,
  packages: "external",
  platform: "node",
  sourcemap: "inline",
  write: false,
});
module._compile(outputFiles[0].text, join(__dirname, "index.js"));
