// What Pulumi loads for the program.
require("./compile.cjs")(module, __dirname);
