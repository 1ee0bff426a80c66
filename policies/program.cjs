// Entry point of the pack for Pulumi. Pulumi's own compiler knows neither this project's tsconfig.json nor
// files outside this folder.
require("../lighten.cjs");
require("../compile.cjs")(module, require.resolve("./index.ts"));
