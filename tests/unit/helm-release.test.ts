import { expect } from "chai";
import { recordProgram } from "../../cli/record";
import { HelmRelease, type HelmReleaseArgs } from "../../components/helm-release";
import { settingsOf } from "../support/stacks";

/** The releases that a HelmRelease registers, with what they come after. */
async function releases(environment: "dev" | "prod", args: Pick<HelmReleaseArgs, "crds" | "timeout">) {
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
    const crds = { chart: "minio", values: { b: 2 } } as const;
    const [first, release] = await releases("dev", { crds, timeout: 900 });
    expect(first?.name).to.equal("subject-crds");
    expect(first?.inputs).to.deep.include({
      name: "subject-crds",
      namespace: "somewhere",
      values: { b: 2 },
      timeout: 900,
      skipCrds: false,
    });
    expect(release?.inputs).to.deep.include({ values: { a: 1 }, skipCrds: true });
    expect(release?.options.dependencies).to.include("kubernetes:helm.sh/v3:Release::subject-crds");
  });
});
