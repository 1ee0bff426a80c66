// What Pulumi loads: a folder's index.ts and everything that it imports, bundled by esbuild, and V8's compiled code of
// both. A bundle is kept in node_modules/.cache and used only if every file that it was made of has the same content.
const { createHash } = require("node:crypto");
const {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { createRequire, isBuiltin, wrap } = require("node:module");
const { dirname, join } = require("node:path");
const { deserialize, serialize } = require("node:v8");
const { Script } = require("node:vm");
require("./lighten.cjs");

const cache = join(__dirname, "node_modules", ".cache", "observability");
// The options of the compiler, and the versions of it and of all packages.
const always = [
  __filename,
  join(__dirname, "tsconfig.json"),
  join(__dirname, "node_modules", ".package-lock.json"),
];

/** Identifies what a bundle is made of: its entry, the content of files, and the names in folders. */
function digestOf(entry, paths) {
  const hash = createHash("sha256").update(entry);
  for (const path of [...always, ...paths]) {
    const content = statSync(path).isDirectory() ? readdirSync(path).sort().join("\n") : readFileSync(path);
    hash.update(`\0${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** The project's folders that hold these files, up to its own: a new file in one of them may be imported instead. */
function foldersOf(files) {
  const folders = new Set();
  for (const file of files.filter((path) => !path.includes("node_modules")))
    for (let folder = dirname(file); folder.startsWith(__dirname); folder = dirname(folder))
      folders.add(folder);
  return [...folders];
}

/** Bundles a module, given as TypeScript, of a folder. */
function build(folder, entry, options) {
  const { outputFiles, metafile } = require("esbuild").buildSync({
    absWorkingDir: folder,
    stdin: { contents: entry, resolveDir: folder, sourcefile: "<entry>" },
    bundle: true,
    platform: "node",
    sourcesContent: false,
    outfile: "index.js",
    metafile: true,
    write: false,
    ...options,
  });
  const inputs = Object.entries(metafile.inputs);
  const files = inputs.flatMap(([file]) => (file === "<entry>" ? [] : join(folder, file)));
  const imports = inputs.flatMap(([, input]) => input.imports.filter(({ external }) => external));
  const [code, map] = outputFiles.map(({ text }) => text).reverse();
  return {
    paths: [...files, ...foldersOf(files)],
    imports: [...new Set(imports.map(({ path }) => path))],
    code,
    map,
  };
}

/** The bundle of a module, kept under a name; `keep` writes it with V8's compiled code, for the next time. */
function bundle(name, folder, entry, options) {
  const file = join(cache, name);
  const keep = (built) => (compiled) => {
    const part = `${file}.${process.pid}`;
    try {
      mkdirSync(cache, { recursive: true });
      writeFileSync(part, serialize({ ...built, compiled }));
      renameSync(part, file);
    } catch {
      // The folder is read-only or full: the next run builds again.
      rmSync(part, { force: true });
    }
  };
  try {
    const kept = deserialize(readFileSync(file));
    if (kept.digest === digestOf(entry, kept.paths)) return { ...kept, keep: keep(kept) };
  } catch {
    // There is none, or a file of it is gone.
  }
  const started = Date.now();
  const built = build(folder, entry, options);
  const digest = digestOf(entry, built.paths);
  // A file that changed during the build may be in the digest but not in the bundle.
  const changed = built.paths.some((path) => statSync(path).mtimeMs >= started);
  return { ...built, keep: changed ? () => undefined : keep({ ...built, digest }) };
}

/** Runs a bundle as a module. */
function run(program, filename, { code, compiled, keep }, require) {
  const script = new Script(wrap(code), { filename, cachedData: compiled });
  // At its end, V8 has compiled what a run needs. Another version of V8 rejects it.
  if (!compiled || script.cachedDataRejected)
    process.once("exit", (status) => status === 0 && keep(script.createCachedData()));
  script
    .runInThisContext()
    .call(program.exports, program.exports, require, program, filename, dirname(filename));
  return program.exports;
}

/** Compiles `index.ts` of a folder, and runs it as that module. */
module.exports = (program, folder) => {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const filename = join(folder, "index.js");
  const own = bundle(`${name}.program`, folder, 'module.exports = require("./index.ts")', {
    packages: "external",
    sourcemap: "external",
  });
  // Errors name lines of the sources: by the formatter that Pulumi has installed.
  const { install } = createRequire(require.resolve("@pulumi/pulumi"))("source-map-support");
  install({ retrieveSourceMap: (source) => (source === filename ? { url: filename, map: own.map } : null) });
  // Packages have a bundle of their own: they change less often. Pulumi's are loaded already, and must be there once.
  const names = own.imports.filter((path) => !isBuiltin(path) && !path.startsWith("@pulumi/")).sort();
  const entry = `module.exports = {${names.map((path) => `${JSON.stringify(path)}: () => require(${JSON.stringify(path)})`)}}`;
  const packages = run(
    { exports: {} },
    join(folder, "packages.js"),
    bundle(`${name}.packages`, folder, entry, {
      external: ["@pulumi/*"],
      keepNames: true,
      minifyWhitespace: true,
      legalComments: "none",
    }),
    program.require.bind(program),
  );
  run(program, filename, own, (path) => (packages[path] ?? (() => program.require(path)))());
};
