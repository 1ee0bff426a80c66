/** The program as Pulumi loads it: bundled once, and never older than its files. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { root } from "../../cli/lib/stack-config";

describe("compile", function () {
  this.timeout(120_000);
  let folder: string;
  const file = (path: string) => join(folder, path);
  const cache = () => file("node_modules/.cache/observability");

  function write(path: string, content: string): void {
    mkdirSync(dirname(file(path)), { recursive: true });
    writeFileSync(file(path), content);
  }

  /** Runs the program. */
  function run() {
    const { stdout, stderr } = spawnSync(process.execPath, ["program.cjs"], {
      cwd: folder,
      encoding: "utf8",
    });
    const [output = "", built] = stdout.trim().split(" ");
    return { output, built: built === "built", stderr };
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-compile-"));
    for (const name of ["compile.cjs", "tsconfig.json"]) copyFileSync(join(root, name), file(name));
    mkdirSync(file("node_modules"));
    for (const name of ["esbuild", "@pulumi"])
      symlinkSync(join(root, "node_modules", name), file(`node_modules/${name}`));
    write("node_modules/.package-lock.json", "{}");
    write("node_modules/fruit/index.js", 'exports.fruit = "apple";');
    write("part/index.ts", 'export const part: string = "one";');
    write("data.json", '"red"');
    write(
      "index.ts",
      'import { fruit } from "fruit"; import { part } from "./part"; import data from "./data.json";\n' +
        'if (part === "bad") throw new Error("bad part");\n' +
        "export const output = [part, data, fruit].join();",
    );
    write(
      "program.cjs",
      'require("./compile.cjs")(module, require.resolve("./index.ts"));\n' +
        'const built = Object.keys(require.cache).some((path) => path.includes("esbuild"));\n' +
        'console.log(module.exports.output, built ? "built" : "kept");',
    );
    expect(run()).to.include({ output: "one,red,apple", built: true });
    expect(run()).to.include({ output: "one,red,apple", built: false });
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const changes: Record<string, { change: () => void; output: string }> = {
    "a module": {
      change: () => write("part/index.ts", 'export const part = "two";'),
      output: "two,red,apple",
    },
    "a module, with its size and its time as before": {
      change: () => {
        const { atime, mtime } = statSync(file("part/index.ts"));
        write("part/index.ts", 'export const part: string = "six";');
        utimesSync(file("part/index.ts"), atime, mtime);
      },
      output: "six,red,apple",
    },
    "a file that is imported": { change: () => write("data.json", '"sad"'), output: "one,sad,apple" },
    "which file an import means": {
      change: () => write("part.ts", 'export const part = "new";'),
      output: "new,red,apple",
    },
    "a package": {
      change: () => write("node_modules/fruit/index.js", 'exports.fruit = "grape";'),
      output: "one,red,grape",
    },
  };
  for (const [what, { change, output }] of Object.entries(changes))
    it(`runs the new program after a change of ${what}`, () => {
      change();
      expect(run()).to.include({ output, built: true });
      expect(run()).to.include({ output, built: false });
    });

  it("builds again after a change of the installed packages", () => {
    write("node_modules/.package-lock.json", '{ "name": "changed" }');
    expect(run()).to.include({ output: "one,red,apple", built: true });
  });

  it("does not run a program whose file was deleted", () => {
    rmSync(file("part"), { recursive: true });
    const { output, stderr } = run();
    expect(output).to.equal("");
    expect(stderr).to.include('Could not resolve "./part"');
  });

  it("caches a failed program, too, and reports errors with lines of the sources", () => {
    const times = () => readdirSync(cache()).map((name) => statSync(join(cache(), name)).mtimeMs);
    const before = times();
    write("part/index.ts", 'export const part: string = "bad";');
    for (let runs = 0; runs < 2; runs++)
      expect(run().stderr)
        .to.include("bad part")
        .and.include(`${file("index.ts")}:2:`);
    const after = times();
    expect(after).not.to.deep.equal(before);
    run();
    expect(times()).to.deep.equal(after);
  });

  it("builds again if a cached bundle is damaged", () => {
    for (const name of readdirSync(cache())) writeFileSync(join(cache(), name), "damaged");
    expect(run()).to.include({ output: "one,red,apple", built: true });
    expect(run()).to.include({ output: "one,red,apple", built: false });
  });
});
