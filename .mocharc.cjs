const { availableParallelism } = require("node:os");

module.exports = {
  require: ["tsx/cjs"],
  extension: ["ts"],
  // The first test of a file may record a whole stack, on a busy machine.
  timeout: 30_000,
  // Many test files wait rather than compute.
  jobs: Math.max(2, availableParallelism() - 1),
  // Recordings of a stack are large and short-lived: without a larger young generation, V8 copies them several times.
  "node-option": ["max-semi-space-size=64"],
};
