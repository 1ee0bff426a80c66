// Makes Pulumi's SDK do less, if it is loaded after this file. What is left out takes half of a preview's CPU time.

/** Modules of the SDK that load TypeScript's compiler and npm's installer, and that hardly anything uses. */
const late = ["automation", "runtime/closure/codePaths", "runtime/closure/serializeClosure"];

/** Loads a module when something of it is used. */
function lateModule(path) {
  const real = (name) => {
    if (require.cache[path]?.exports === exports) delete require.cache[path];
    return require(path)[name];
  };
  // The SDK itself reads names of functions when it is loaded, of the automation API it reads none.
  const get = (_, name) => {
    if (name === "__esModule") return true;
    return path.includes("closure") ? (...args) => real(name)(...args) : real(name);
  };
  const exports = new Proxy({}, { get });
  require.cache[path] = { id: path, filename: path, loaded: true, exports, children: [], paths: [] };
}

for (const path of late.map((name) => require.resolve(`@pulumi/pulumi/${name}`)))
  if (!require.cache[path]) lateModule(path);

if (!process.env["OBS_DEBUG"]) {
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
}
