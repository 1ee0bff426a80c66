// What `obs` runs.
require("../compile.cjs")(module, require.resolve("./main.ts"));
