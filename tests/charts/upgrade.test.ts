/** Upgrades of charts: objects that Helm would leave behind, and changes that the API server would reject. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { type ChartName, pins } from "../../charts";
import { compare } from "../../cli/commands/diff/compare";
import { releaseObjects, releasesOf } from "../../cli/lib/render";
import { namespaces as namespacesOf, releases } from "../../names";
import { mimirPin, mimirSteps } from "../../settings/mimir-steps";
import { bytesOf } from "../../settings/units";
import { notes } from "../../upgrades";
import { workloadVolumes } from "../../values/volumes";
import { type KubernetesObject, ownOf, renderStack } from "../support/rendered";
import { settingsOf } from "../support/stacks";
import { needsCharts, skip } from "../support/tools";

/** The objects with immutable fields that differ, and the fields. */
const immutableChanges = (before: KubernetesObject[], after: KubernetesObject[], namespace: string) =>
  compare("release", before, after, after, namespace)
    .objects.filter(({ immutable }) => immutable.length)
    .map(({ object, immutable }) => ({ object, immutable }));

/** The chart of a release, from a name, a folder, a package or an oci:// reference. */
const chartOf = (chart: string): ChartName => {
  const last = chart.split("/").at(-1) ?? "";
  const found = (Object.keys(pins) as ChartName[]).find(
    (name) => last === name || last === `${name}-${pins[name].version}.tgz`,
  );
  if (!found) throw new Error(`${chart} is not a chart of the stack`);
  return found;
};

describe("charts: upgrades", function () {
  this.timeout(300_000);

  before(async function () {
    await needsCharts(this);
  });

  for (const environment of ["dev", "prod"] as const) {
    it(`leaves no CRD of ${environment} only to Helm, which installs crds/ once and never again`, async () => {
      const { recorded, objects } = await renderStack({ environment });
      const names = (all: KubernetesObject[]) =>
        all
          .filter(({ kind }) => kind === "CustomResourceDefinition")
          .map(({ metadata }) => metadata.name)
          .sort();
      const [managed, all] = [new Map<string, string[]>(), new Map<string, string[]>()];
      for (const release of releasesOf(recorded)) {
        const own = objects.filter((one) => one.release === release.name).map(({ object }) => object);
        managed.set(release.name, names(own));
        all.set(release.name, names(await releaseObjects(release, "--include-crds")));
      }
      expect(all).to.deep.equal(managed);
      const withSome = [...managed].filter(([, some]) => some.length).map(([name]) => name);
      const scaled = environment === "prod" ? ["keda"] : [];
      expect(withSome).to.have.members(["kps-crds", "opentelemetry-operator", ...scaled]);
      expect(managed.get("kps-crds")).to.include("servicemonitors.monitoring.coreos.com");
      expect(managed.get("opentelemetry-operator")).to.include("opentelemetrycollectors.opentelemetry.io");
    });

    it(`covers every volume of the charts of ${environment}, with the setting of its size`, async () => {
      // The names of some StatefulSets have the prefix, too.
      const config = environment === "dev" ? { environment, namespaces: { prefix: "b-" } } : { environment };
      const settings = settingsOf(environment, config);
      const { minio } = namespacesOf(settings);
      const { objects } = await renderStack(config);
      const rendered = objects.flatMap(({ namespace: release, object }) => {
        const { kind, metadata, spec } = object;
        const namespace = metadata.namespace ?? release;
        const size = (claim: { spec: { resources: { requests: { storage: string } } } }) =>
          bytesOf(claim.spec.resources.requests.storage);
        if (kind === "StatefulSet" && namespace !== minio)
          return (spec.volumeClaimTemplates ?? []).map((claim: typeof object) => ({
            where: `${namespace}/${metadata.name}/${claim.metadata.name}`,
            size: size(claim as never),
          }));
        if (kind === "PersistentVolumeClaim" && namespace !== minio)
          return [{ where: `${namespace}/${metadata.name}`, size: size(object as never) }];
        const storage = kind === "Prometheus" || kind === "Alertmanager" ? spec.storage : undefined;
        // The operator's own names: https://prometheus-operator.dev/docs/platform/storage/
        const set = `${kind.toLowerCase()}-${metadata.name}`;
        return storage
          ? [{ where: `${namespace}/${set}/${set}-db`, size: size(storage.volumeClaimTemplate) }]
          : [];
      });
      const known = workloadVolumes(settings).map(({ namespace, name, template, size }) => ({
        where: [namespace, name, template].filter(Boolean).join("/"),
        size,
      }));
      expect(rendered).to.have.deep.members(known);
    });
  }

  for (const environment of ["dev", "prod"] as const)
    it(`render every step of Mimir in ${environment} with the values of the stack, and each is an update in place`, async function () {
      const folder = process.env["OBS_CHARTS"] ?? "";
      const missing = mimirSteps.filter((step) => !existsSync(join(folder, `mimir-distributed-${step}.tgz`)));
      if (missing.length) skip(this, `OBS_CHARTS has no mimir-distributed ${missing.join(", ")}`);
      let before: KubernetesObject[] | undefined;
      for (const chartVersion of mimirSteps) {
        const { recorded } = await ownOf({ environment, mimir: { chartVersion } });
        const release = releasesOf(recorded).find(({ name }) => name === releases.mimir);
        if (!release) throw new Error("no release of Mimir");
        const objects = await releaseObjects(release);
        const sets = objects.filter(({ kind }) => kind === "StatefulSet");
        for (const { metadata } of sets.filter(({ metadata }) => !metadata.name.endsWith("-cache")))
          expect(metadata.labels?.["helm.sh/chart"]).to.equal(`mimir-distributed-${chartVersion}`);
        const [ingester] = sets.filter(({ metadata }) => metadata.name === "mimir-ingester");
        expect(ingester?.spec.template.spec.containers[0].image).to.equal(
          mimirPin({ mimir: { chartVersion } }).image,
        );
        const ruler = objects.find(
          ({ kind, metadata }) => kind === "Deployment" && metadata.name === "mimir-ruler",
        );
        const args: string[] = ruler?.spec.template.spec.containers[0].args ?? [];
        const ballast = args.filter((arg) => arg.startsWith("-mem-ballast"));
        expect(ballast.at(-1), "the last one wins").to.equal("-mem-ballast-size-bytes=0");
        if (before)
          expect(immutableChanges(before, objects, release.namespace), chartVersion).to.deep.equal([]);
        before = objects;
      }
    });

  describe("charts: from the pins to the versions in OBS_CHARTS_NEXT", () => {
    const folder = process.env["OBS_CHARTS_NEXT"] ?? "";
    const next = (Object.keys(pins) as ChartName[]).filter((chart) =>
      existsSync(join(folder, chart, "Chart.yaml")),
    );

    // Mocha runs no hook without a test, and a skipped suite must be reported.
    if (next.length === 0)
      it("renders both with the same values", function () {
        skip(this, "OBS_CHARTS_NEXT names no folder with another version of a chart");
      });

    for (const chart of next)
      for (const environment of ["dev", "prod"])
        it(`${chart} of ${environment}: renders with the same values, and immutable fields stay or are known`, async () => {
          const { version } = parse(readFileSync(join(folder, chart, "Chart.yaml"), "utf8"));
          const { recorded } = await renderStack({ environment });
          const releases = releasesOf(recorded).filter((release) => chartOf(release.chart) === chart);
          expect(releases).not.to.deep.equal([]);
          for (const release of releases) {
            const { version: _, repositoryOpts: __, ...local } = release;
            const [before, after] = [
              await releaseObjects(release),
              await releaseObjects({ ...local, chart: join(folder, chart) }),
            ];
            const found = immutableChanges(before, after, release.namespace);
            const gone = before.filter(
              ({ kind, metadata }) =>
                kind === "StatefulSet" &&
                !after.some((other) => other.kind === kind && other.metadata.name === metadata.name),
            );
            console.log(`      ${release.name}: ${pins[chart].version} to ${version}`);
            for (const { object, immutable } of found)
              console.log(`      ${object}: ${immutable.join(", ")}`);
            // Objects with data must not vanish unnoticed, and immutable changes need a note in upgrades.ts.
            expect(gone.map(({ metadata }) => metadata.name)).to.deep.equal([]);
            const told = notes.filter((note) => note.chart === chart).map(({ todo }) => todo);
            for (const { object } of found)
              expect(told.join("\n"), object).to.include(object.split("/").at(-1));
          }
        });
  });
});
