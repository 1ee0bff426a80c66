// What Pulumi loads for the pack. Its own compiler knows neither this project's tsconfig.json nor files outside of this folder.
require("../lighten.cjs");
require("../compile.cjs")(module, require.resolve("./index.ts"));
