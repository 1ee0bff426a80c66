/** With a mirror, rendered objects contain no other registry; and `mirror list` names all their images. */
import { expect } from "chai";
import { imagesOf, pathInMirror } from "../../cli/commands/mirror/images";
import { inventory } from "../../cli/commands/mirror/inventory";
import { releasesOf } from "../../cli/lib/render";
import { renderStack } from "../support/rendered";
import { recordingOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

const registry = "registry.example.com";
const mirror = { images: { registry }, charts: { mirror: `oci://${registry}/charts` } };
/** Hosts of registries, in any text. */
const elsewhere =
  /\b(?:[\w-]+\.)?(?:docker\.io|docker\.com|quay\.io|ghcr\.io|gcr\.io|registry\.k8s\.io|ecr\.aws|mcr\.microsoft\.com)\//;
/** Both stacks, and one with components that are off in both. */
const stacks = {
  dev: { environment: "dev" },
  prod: { environment: "prod" },
  "prod, scaled vertically": { environment: "prod", scaling: { ingesters: "auto" } },
};

describe("charts: an air-gapped site", function () {
  this.timeout(10 * 60 * 1000);

  before(async function () {
    await needsCharts(this);
  });

  for (const [name, config] of Object.entries(stacks))
    it(`${name}: with images.registry every image is from there, under its own path and tag`, async () => {
      const { objects } = await renderStack({ ...config, ...mirror });
      const plain = await renderStack(config);
      const images = (all: typeof objects) =>
        [...new Set(all.flatMap(({ object }) => imagesOf(object)))].sort();
      // A copy keeps its digest, so that a reference with both parts is the same image as the tag.
      const byTag = images(objects).map((image) => image.replace(/(:[\w.-]+)@sha256:\w+$/, "$1"));
      expect(byTag).to.deep.equal(
        images(plain.objects)
          .map((image) => `${registry}/${pathInMirror(image)}`)
          .sort(),
      );
      // In every text, not only in image fields; only descriptions in CRDs may mention other registries.
      const escaped = objects
        .filter(({ object }) => object.kind !== "CustomResourceDefinition")
        .flatMap(({ release, object }) =>
          JSON.stringify(object)
            .split(/[\s"]/)
            .filter((word) => elsewhere.test(word))
            .map((word) => `${release} ${object.kind} ${object.metadata.name}: ${word}`),
        );
      expect(escaped).to.deep.equal([]);
      expect(plain.objects.some(({ object }) => elsewhere.test(JSON.stringify(object)))).to.equal(true);
    });

  for (const environment of ["dev", "prod"] as const) {
    it(`${environment}: with charts.mirror every chart is from there`, async () => {
      const { resources } = await recordingOf(environment, mirror);
      const releases = releasesOf(resources);
      expect(releases.length).to.be.greaterThan(8);
      for (const { chart, repositoryOpts } of releases) {
        expect(chart).to.match(/^oci:\/\/registry\.example\.com\/charts\/[a-z-]+$/);
        expect(repositoryOpts).to.equal(undefined);
      }
    });

    it(`${environment}: mirror list names the images of the rendered objects, and no others`, async () => {
      const { images, charts } = await inventory(environment);
      const { objects } = await renderStack({ environment });
      const named = [...new Set(objects.flatMap(({ object }) => imagesOf(object)))];
      const listed = images.filter(({ group }) => group === "stack");
      expect(listed.map(({ image }) => image)).to.have.members(named);
      // docker.io/name is docker.io/library/name: one of them is enough in a mirror.
      expect(named.filter((image) => /^docker\.io\/[^/]+$/.test(image))).to.deep.equal([]);
      expect(charts.flatMap(({ usedBy }) => usedBy)).to.have.length(
        new Set(objects.flatMap(({ release }) => release ?? [])).size,
      );
      const others = images.filter(({ group }) => group !== "stack").map(({ usedBy }) => usedBy.join());
      expect(new Set(others)).to.deep.equal(
        new Set(["obs load", "obs smoke, doctor", "examples/random-backend"]),
      );
    });
  }
});
