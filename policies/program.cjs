// What Pulumi loads for the pack. Its own compiler knows neither this project's tsconfig.json nor files outside of this folder.
require("../compile.cjs")(module, __dirname);
