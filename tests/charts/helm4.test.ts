/** Helm 4 renders the charts in the same way as Helm 3, which is built into Pulumi. */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { expect } from "chai";
import { pins } from "../../charts";
import { nameOf, withoutNoise, withoutRandom } from "../../cli/commands/diff/objects";
import { type ReleaseInputs, releaseObjects, releasesOf } from "../../cli/lib/render";
import { releases as releaseNames } from "../../names";
import { ownOf } from "../support/rendered";
import { shapes } from "../support/stacks";
import { needsCharts, skip, tool } from "../support/tools";

/** The result of an action with another program under the name `helm`. */
async function withHelm<T>(program: string, action: () => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "observability-helm-"));
  const path = process.env["PATH"] ?? "";
  try {
    symlinkSync(program, join(folder, "helm"));
    process.env["PATH"] = `${folder}${delimiter}${path}`;
    return await action();
  } finally {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A null in the defaults of Tempo's chart: Helm 3 keeps it, Helm 4 omits the key. Tempo uses its default for both. */
const tempoNull = /^ *wal: null\n/gm;

/** The objects of a release by name, with hooks and CRDs, without checksums of configurations. */
async function byName(release: ReleaseInputs): Promise<Record<string, unknown>> {
  const objects = await releaseObjects(release, "--include-crds");
  return Object.fromEntries(
    objects.map((object) => {
      if (release.name === releaseNames.tempo && object.kind === "ConfigMap")
        for (const [file, text] of Object.entries<string>(object["data"]))
          object["data"][file] = text.replace(tempoNull, "");
      return [nameOf(object, release.namespace), withoutNoise(object)];
    }),
  );
}

describe("charts: Helm 4", function () {
  this.timeout(600_000);
  let helm4: string;
  const compared = new Set<string>();
  const charts = new Set<string>();

  before(async function () {
    await needsCharts(this);
    const named = process.env["OBS_HELM4"];
    helm4 = named
      ? resolve(named)
      : (tool("helm4") ?? skip(this, "no Helm 4: set OBS_HELM4 or put helm4 on PATH"));
  });

  for (const [name, config] of Object.entries(shapes))
    it(`renders every release of ${name} as Helm 3 does`, async () => {
      const releases = releasesOf((await ownOf(config)).recorded);
      expect(releases.length).to.be.greaterThan(4);
      for (const release of releases) {
        // Most releases of a hub and an agent are the same as in prod.
        const inputs = JSON.stringify(release);
        if (compared.has(inputs)) continue;
        compared.add(inputs);
        const three = await byName(release);
        const four = await withHelm(helm4, () => byName(release));
        expect(Object.keys(three), release.name).not.to.be.empty;
        // Generated values of a chart, such as certificates, differ in every rendering.
        const again = await byName(release);
        expect(withoutRandom(four, three, again), release.name).to.deep.equal(
          withoutRandom(three, three, again),
        );
        charts.add(release.chart);
      }
    });

  it("renders every chart of charts.json in one of them", () => {
    const missing = Object.keys(pins).filter((chart) => ![...charts].some((one) => one.includes(chart)));
    expect(missing).to.deep.equal([]);
  });
});
