// Runs a TypeScript file. esbuild bundles it with everything that it imports; V8's compiled code is kept with the bundle.
// A bundle is kept in node_modules/.cache and used only if every file that it was made of has the same content.
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

const cache = join(__dirname, "node_modules", ".cache", "observability");
// The options of the compiler, and the versions of it and of all packages.
const always = [
  __filename,
  join(__dirname, "tsconfig.json"),
  join(__dirname, "node_modules", ".package-lock.json"),
];

/** A name in a folder that an import can mean: of a module, or of a folder. */
const importable = /^[^.]+$|\.([cm]?[jt]sx?|json)$/;
const namesIn = (folder) =>
  readdirSync(folder)
    .filter((name) => importable.test(name))
    .sort()
    .join("\n");

/** Identifies what a bundle is made of: its entry, the content of files, and the names in folders. */
function digestOf(entry, paths) {
  const hash = createHash("sha256").update(entry);
  for (const path of [...always, ...paths]) {
    const content = statSync(path).isDirectory() ? namesIn(path) : readFileSync(path);
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

/** Bundles a module, given as TypeScript. */
function build(entry, options) {
  const { outputFiles, metafile } = require("esbuild").buildSync({
    absWorkingDir: __dirname,
    stdin: { contents: entry, resolveDir: __dirname, sourcefile: "<entry>" },
    bundle: true,
    platform: "node",
    sourcesContent: false,
    outfile: "index.js",
    metafile: true,
    write: false,
    ...options,
  });
  const inputs = Object.entries(metafile.inputs);
  const files = inputs.flatMap(([file]) => (file === "<entry>" ? [] : join(__dirname, file)));
  const imports = inputs.flatMap(([, input]) => input.imports.filter(({ external }) => external));
  const [code, map] = outputFiles.map(({ text }) => text).reverse();
  return {
    paths: [...files, ...foldersOf(files)],
    imports: [...new Set(imports.map(({ path }) => path))],
    code,
    map,
  };
}

/** The bundle of a module, kept under a name; `keep` writes it with more about it, for the next time. */
function bundle(name, entry, options) {
  const file = join(cache, name);
  const keep = (built) => (more) => {
    const part = `${file}.${process.pid}`;
    try {
      mkdirSync(cache, { recursive: true });
      writeFileSync(part, serialize({ ...built, ...more }));
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
  const built = build(entry, options);
  const digest = digestOf(entry, built.paths);
  // A file that changed during the build may be in the digest but not in the bundle.
  const changed = built.paths.some((path) => statSync(path).mtimeMs >= started);
  return { ...built, keep: changed ? () => undefined : keep({ ...built, digest }) };
}

/**
 * Runs a TypeScript file as a module.
 *
 * @param program the module whose exports it sets
 * @param file path of the TypeScript file
 */
module.exports = (program, file) => {
  // Every bundle lies in the root of the project, from where files.ts finds the files that the program reads.
  const filename = join(__dirname, "index.js");
  const load = createRequire(filename);
  const name = createHash("sha256").update(file).digest("hex").slice(0, 16);
  const own = bundle(`${name}.program`, `module.exports = require(${JSON.stringify(file)})`, {
    packages: "external",
    // It changes modules of Pulumi's SDK in place.
    external: [join(__dirname, "lighten.cjs")],
    sourcemap: "external",
  });
  // Errors name lines of the sources: by the formatter that Pulumi has installed.
  const { install } = createRequire(require.resolve("@pulumi/pulumi"))("source-map-support");
  install({ retrieveSourceMap: (source) => (source === filename ? { url: filename, map: own.map } : null) });

  /** What a run has required so far, this one or an earlier one. */
  const required = new Set(own.required);
  function run(part, path, requires) {
    const { code, compiled, keep } = part;
    const script = new Script(wrap(code), { filename: path, cachedData: compiled });
    // At its end, V8 has compiled what the run needs. Another version of V8 rejects it. A failed run counts, too: many
    // commands exit with 1 to report a finding.
    process.once("exit", () => {
      const more = required.size > (own.required?.length ?? 0);
      if (more || !compiled || script.cachedDataRejected)
        keep({ compiled: script.createCachedData(), required: [...required] });
    });
    const ran = path === filename ? program : { exports: {} };
    script.runInThisContext().call(ran.exports, ran.exports, requires, ran, path, __dirname);
    return ran.exports;
  }

  // Packages have a bundle of their own: they change less often. Pulumi's must be loaded only once, by it or here.
  const names = own.imports.filter((path) => !isBuiltin(path) && !/^(@pulumi\/|\.)/.test(path)).sort();
  const entry = `module.exports = {${names.map((path) => `${JSON.stringify(path)}: () => require(${JSON.stringify(path)})`)}}`;
  let packages;
  const loadPackages = () =>
    run(
      bundle(`${name}.packages`, entry, {
        external: ["@pulumi/*"],
        keepNames: true,
        minifyWhitespace: true,
        legalComments: "none",
      }),
      join(__dirname, "packages.js"),
      load,
    );
  const requires = (path) => {
    required.add(path);
    if (!names.includes(path)) return load(path);
    packages ??= loadPackages();
    return packages[path]();
  };
  run(own, filename, Object.assign(requires, load));
};
