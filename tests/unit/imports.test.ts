import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect } from "chai";
import ts from "typescript";
import pins from "../../charts.json";

const root = join(__dirname, "..", "..");

/** The parts of the program, and the allowed imports of each: parts, or packages by the prefix of their name. */
const layers: Record<string, { parts: string[]; packages: string[] }> = {
  settings: { parts: ["charts.json"], packages: ["fastest-levenshtein", "node:crypto", "zod"] },
  "names.ts": { parts: ["settings"], packages: [] },
  "charts.ts": { parts: ["settings", "charts.json"], packages: ["node:fs", "node:path", "yaml"] },
  "files.ts": { parts: [], packages: ["node:path"] },
  "upgrades.ts": { parts: ["charts.json"], packages: [] },
  dashboards: {
    parts: ["names.ts", "files.ts"],
    packages: ["@grafana/grafana-foundation-sdk", "node:fs", "node:path", "yaml"],
  },
  // Dependencies of values, other than the settings, are files of the project.
  values: {
    parts: ["settings", "names.ts", "files.ts", "charts.json", "images.json", "dashboards"],
    packages: ["node:fs", "node:path", "node:crypto", "yaml"],
  },
  components: {
    parts: ["settings", "names.ts", "charts.ts", "values"],
    packages: ["node:", "@pulumi/", "@kubernetes/client-node", "minio", "selfsigned", "yaml"],
  },
  "agent.ts": { parts: ["settings", "components"], packages: ["@pulumi/pulumi"] },
  "index.ts": {
    parts: ["settings", "names.ts", "charts.ts", "components", "agent.ts"],
    packages: ["@pulumi/pulumi"],
  },
};
const whole = Object.keys(layers);

/** Commands next to the program. */
const beside: Record<string, { parts: string[]; packages: string[] }> = {
  cli: { parts: [...whole, "lighten.cjs", "policies", "package.json"], packages: [""] },
  automation: { parts: ["settings", "names.ts", "components", "cli"], packages: [""] },
  bench: {
    parts: ["settings", "names.ts", "charts.ts", "components", "cli", "automation", "tests"],
    packages: ["node:", "yaml", "commander", "p-limit", "@kubernetes/client-node"],
  },
  scripts: {
    parts: ["settings", "names.ts", "values", "components", "dashboards", "policies", "cli", "package.json"],
    packages: [
      ...["node:", "yaml", "commander", "@kubernetes/client-node", "puppeteer-core"],
      ...["@textlint/", "textlint-rule-terminology"],
    ],
  },
  "package/index.ts": { parts: ["settings", "names.ts", "components"], packages: [] },
  policies: { parts: whole, packages: ["@pulumi/policy", "@pulumi/pulumi", "yaml"] },
};

/** The commands whose code another command uses. All other shared code of commands is in cli/lib. */
const commandsUsed: Record<string, string[]> = {
  doctor: ["coverage", "storage", "upgrade"],
  lifecycle: ["upgrade"],
  mirror: ["load"],
  rotate: ["lifecycle"],
};

const filesOf = (part: string, extension: string): string[] =>
  part.endsWith(extension)
    ? [join(root, part)]
    : readdirSync(join(root, part), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(extension))
        .map((file) => join(root, part, file));

const partOf = (file: string): string => {
  const [first = ""] = relative(root, file).split("/");
  return first;
};

/** The part or package of an import. */
function target(from: string, specifier: string): { part: string } | { package: string } {
  if (!specifier.startsWith(".")) return { package: specifier };
  const path = resolve(dirname(from), specifier.replace(/\.js$/, ""));
  const part = partOf(path);
  return { part: [`${part}.ts`, part].find((name) => name in layers) ?? part };
}

const importsOf = (file: string): string[] =>
  ts.preProcessFile(readFileSync(file, "utf8"), true, true).importedFiles.map(({ fileName }) => fileName);

/** Imports that are not allowed for a part. */
function forbidden(part: string, { parts, packages }: { parts: string[]; packages: string[] }): string[] {
  return filesOf(part, ".ts").flatMap((file) =>
    importsOf(file)
      .filter((specifier) => {
        const to = target(file, specifier);
        return "part" in to
          ? to.part !== part && !parts.includes(to.part)
          : !packages.some((name) => to.package.startsWith(name));
      })
      .map((specifier) => `${relative(root, file)} imports ${specifier}`),
  );
}

/** The cycles that a depth-first search finds, each as a path from its first file back to it. */
function circles(edges: Map<string, string[]>): string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file]);
    else if (!done.has(file)) {
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    }
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

describe("unit: imports", () => {
  for (const [part, allowed] of Object.entries({ ...layers, ...beside }))
    it(`${part} imports ${[...allowed.parts, ...allowed.packages].filter(Boolean).join(", ") || "nothing"}`, () => {
      expect(filesOf(part, ".ts")).not.to.deep.equal([]);
      expect(forbidden(part, allowed)).to.deep.equal([]);
    });

  it("in cli: commands import cli/lib and the commands listed here, cli/lib imports no command", () => {
    const placeOf = (file: string): string => {
      const [, area = "", command = ""] = relative(join(root, "cli"), file).match(/^(\w+)\/([\w-]+)/) ?? [];
      return area === "commands" && command !== "index" ? command : area;
    };
    const crossing = (file: string): string[] =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => resolve(dirname(file), specifier.replace(/\.js$/, "")))
        .filter((path) => path.startsWith(join(root, "cli")) && placeOf(path) !== placeOf(file))
        .map(placeOf);
    const found: Record<string, string[]> = {};
    for (const file of filesOf("cli", ".ts"))
      for (const other of crossing(file))
        if (other !== "lib")
          found[placeOf(file)] = [...new Set([...(found[placeOf(file)] ?? []), other])].sort();
    const folders = readdirSync(join(root, "cli", "commands"), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(found).to.deep.equal({
      ...commandsUsed,
      commands: folders.map(({ name }) => name).sort(),
    });
  });

  it("have one direction: no part may import one that may import it", () => {
    const reaches = (part: string): string[] => [
      part,
      ...(layers[part]?.parts ?? []).flatMap((below) => reaches(below)),
    ];
    for (const part of whole)
      for (const below of layers[part]?.parts ?? []) expect(reaches(below), part).not.to.include(part);
  });

  it("have no cycles, including type imports", () => {
    const parts = [...whole, ...Object.keys(beside), "tests"].flatMap((part) => filesOf(part, ".ts"));
    const known = new Set(parts);
    const edges = new Map(
      parts.map((file) => [
        file,
        importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => resolve(dirname(file), specifier.replace(/\.js$/, "")))
          .flatMap((path) => [`${path}.ts`, join(path, "index.ts")].find((name) => known.has(name)) ?? []),
      ]),
    );
    expect(known.size).to.be.greaterThan(500);
    expect(
      circles(edges).map((files) => files.map((file) => relative(root, file)).join(" -> ")),
    ).to.deep.equal([]);
    expect(circles(new Map(Object.entries({ a: ["b"], b: ["c"], c: ["b"] })))).to.deep.equal([
      ["b", "c", "b"],
    ]);
  });

  it("of Pulumi are only in components and index.ts", () => {
    const pulumi = (part: string) =>
      filesOf(part, ".ts").filter((file) => importsOf(file).some((name) => name.startsWith("@pulumi/")));
    for (const part of ["settings", "names.ts", "charts.ts", "values"])
      expect(pulumi(part), part).to.deep.equal([]);
    expect(pulumi("components")).not.to.deep.equal([]);
  });

  it("keep values independent of time, randomness, network and environment", () => {
    for (const file of filesOf("values", ".ts"))
      expect(readFileSync(file, "utf8"), relative(root, file)).not.to.match(
        /\bnew Date\(\)|Date\.now|Math\.random|random(Bytes|UUID)|fetch\(|process\.env/,
      );
  });
});

describe("unit: versions", () => {
  /** All files for people or programs, except records generated from them. */
  const texts = [
    ...[...whole, ...Object.keys(beside)].flatMap((part) => filesOf(part, ".ts")),
    ...filesOf("values", ".alloy"),
    ...filesOf("docs", ".md"),
    ...readdirSync(root)
      .filter((file) => /^(README\.md|Pulumi\..*yaml|Pulumi\.yaml|program\.cjs|obs)$/.test(file))
      .map((file) => join(root, file)),
  ];

  it("of charts are only in charts.json", () => {
    const versions = Object.values(pins).flatMap(({ version, appVersion }) => [version, appVersion]);
    const found = texts.flatMap((file) => {
      const text = readFileSync(file, "utf8");
      return versions
        .filter((version) =>
          new RegExp(`(?<![\\w.])${version.replaceAll(".", "\\.")}(?![\\w.]*\\d)`).test(text),
        )
        .map((version) => `${relative(root, file)}: ${version}`);
    });
    expect(texts.length).to.be.greaterThan(30);
    expect(found).to.deep.equal([]);
  });

  it("are never latest", () => {
    const tagged = texts.filter((file) => /[\w/-]:latest\b/.test(readFileSync(file, "utf8")));
    expect(tagged.map((file) => relative(root, file))).to.deep.equal([]);
    for (const { version, appVersion } of Object.values(pins))
      expect([version, appVersion]).not.to.include("latest");
  });
});
