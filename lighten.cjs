// What Pulumi's SDK does for each resource and this program does without. It takes half of a preview's CPU time.
const { createRequire } = require("node:module");

/** Modules of the SDK that nothing here uses. They load TypeScript's compiler and npm's installer. */
const unused = ["automation", "runtime/closure/codePaths", "runtime/closure/serializeClosure"];

/**
 * Makes the SDK do less.
 *
 * @param filename, map the program and its source map, so that errors name lines of the sources
 */
module.exports = (filename, map) => {
  for (const name of unused) {
    const path = require.resolve(`@pulumi/pulumi/${name}`);
    require.cache[path] ??= { id: path, filename: path, loaded: true, exports: {}, children: [], paths: [] };
  }
  const { install } = createRequire(require.resolve("@pulumi/pulumi"))("source-map-support");
  install({ retrieveSourceMap: (source) => (source === filename ? { url: filename, map } : null) });
  if (process.env["OBS_DEBUG"]) return;

  // Debug messages are sent to the engine even if nobody asked for them.
  require("@pulumi/pulumi/log").debug = async () => undefined;
  // The place in the program at which a resource is registered: the engine shows it nowhere.
  require("@pulumi/pulumi/resource").Resource.callsites = () => [];
  // A stack trace of every promise, which the SDK prints only with PULUMI_DEBUG_PROMISE_LEAKS.
  const debuggable = require("@pulumi/pulumi/runtime/debuggable");
  const { debuggablePromise } = debuggable;
  debuggable.debuggablePromise = (...args) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(...args);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
};
