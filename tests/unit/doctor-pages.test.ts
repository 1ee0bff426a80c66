import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { forStack, ranked } from "../../cli/commands/doctor";
import type { Finding } from "../../cli/commands/doctor/check";
import { root } from "../../cli/lib/stack-config";

const folder = join(root, "cli", "commands", "doctor");
const files = [folder, join(folder, "checks")].flatMap((where) =>
  readdirSync(where)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(where, file)),
);
/** All pages in the doctor's code. */
const pages = [
  ...new Set(
    files.flatMap(
      (file) => readFileSync(file, "utf8").match(/(?<=")docs\/[\w/.-]+\.md(#[\w-]+)?(?=")/g) ?? [],
    ),
  ),
];
/** A heading's anchor, as GitHub derives it. */
const anchor = (heading: string) =>
  heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s/g, "-");

describe("doctor: pages", () => {
  it("exist in the code", () => {
    expect(pages.length).to.be.greaterThan(3);
  });

  for (const page of pages)
    it(`${page} exists`, () => {
      const [file = "", section] = page.split("#");
      expect(existsSync(join(root, file)), file).to.equal(true);
      if (!section) return;
      const headings = readFileSync(join(root, file), "utf8").match(/^#+ .*$/gm) ?? [];
      expect(headings.map(anchor)).to.include(section);
    });

  it("lists findings by severity, and causes before symptoms", () => {
    const finding = (severity: Finding["severity"], layer: Finding["layer"]): Finding => ({
      severity,
      layer,
      what: `${severity} ${layer}`,
      evidence: "",
      fix: "",
      page: "",
    });
    const findings = [
      finding("note", "cluster"),
      finding("critical", "signals"),
      finding("warning", "pods"),
      finding("critical", "cluster"),
    ];
    expect(ranked([{ check: "a", seconds: 0, findings }]).map(({ what }) => what)).to.deep.equal([
      "critical cluster",
      "critical signals",
      "warning pods",
      "note cluster",
    ]);
  });
});

describe("doctor: commands in fixes", () => {
  it("name the stack, because they change the stack dev without it", () => {
    const fix = (text: string) => forStack("prod", text);
    expect(fix("./obs refresh, then ./obs up: it restores them")).to.equal(
      "./obs refresh prod, then ./obs up prod: it restores them",
    );
    expect(fix("pulumi config set --path loki.retention 30d, then ./obs up")).to.equal(
      "pulumi config set --stack prod --path loki.retention 30d, then ./obs up prod",
    );
    expect(fix("./obs upgrade --check")).to.equal("./obs upgrade --check prod");
    for (const named of ["run ./obs up prod again", "./obs up for hub, then for this stack"])
      expect(fix(named)).to.equal(named);
  });
});
