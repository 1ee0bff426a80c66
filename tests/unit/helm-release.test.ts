import { expect } from "chai";
import { recordProgram } from "../../cli/record";
import { HelmRelease } from "../../components/helm-release";
import { settingsOf } from "../support/stacks";

/** The releases that a HelmRelease registers, with what they come after. */
async function releases(environment: "dev" | "prod", args: { crds?: "minio"; timeout?: number }) {
  const settings = settingsOf(environment);
  const { resources } = await recordProgram(environment, {}, async () => {
    new HelmRelease("subject", {
      settings,
      chart: "loki",
      namespace: "somewhere",
      values: { a: 1 },
      ...args,
    });
    return {};
  });
  return resources.filter(({ type }) => type === "kubernetes:helm.sh/v3:Release");
}

describe("HelmRelease", () => {
  it("installs the pinned chart under a fixed name with a time limit, and makes no namespace", async () => {
    const [release, ...others] = await releases("dev", { timeout: 900 });
    expect(others).to.have.length(0);
    expect(release?.inputs).to.deep.include({
      name: "subject",
      namespace: "somewhere",
      values: { a: 1 },
      timeout: 900,
      createNamespace: false,
      cleanupOnFail: true,
      skipCrds: false,
    });
  });

  it("rolls a failed release back in prod and keeps more of its history", async () => {
    const [dev] = await releases("dev", {});
    const [prod] = await releases("prod", {});
    expect([dev?.inputs["atomic"], dev?.inputs["maxHistory"]]).to.deep.equal([false, 3]);
    expect([prod?.inputs["atomic"], prod?.inputs["maxHistory"]]).to.deep.equal([true, 10]);
  });

  it("installs the chart of the custom resource definitions first and leaves Helm's own copy out", async () => {
    const [crds, release] = await releases("dev", { crds: "minio" });
    expect(crds?.name).to.equal("subject-crds");
    expect(crds?.inputs["skipCrds"]).to.equal(false);
    expect(release?.inputs["skipCrds"]).to.equal(true);
    expect(release?.options.dependencies).to.include("kubernetes:helm.sh/v3:Release::subject-crds");
  });
});
