// What Pulumi loads for the program.
require("./lighten.cjs");
require("./compile.cjs")(module, require.resolve("./index.ts"));
