import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";
import { recordProgram } from "../../cli/lib/record";
import { root } from "../../cli/lib/stack-config";
import { HelmRelease, type HelmReleaseArgs } from "../../components/helm-release";
import { releases as names } from "../../names";
import { secondsOf } from "../../settings/units";
import { releaseTimeout } from "../../values/rollout";
import { settingsOf } from "../support/stacks";

/** The releases that a HelmRelease registers, with their dependencies. */
async function releases(environment: "dev" | "prod", args: Pick<HelmReleaseArgs, "crds">) {
  const settings = settingsOf(environment);
  const { resources } = await recordProgram(environment, {}, async () => {
    new HelmRelease("subject", {
      settings,
      release: "subject",
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
  it("installs the pinned chart under a fixed name with a timeout, and creates no namespace", async () => {
    const [release, ...others] = await releases("dev", {});
    expect(others).to.have.length(0);
    expect(release?.inputs).to.deep.include({
      name: "subject",
      namespace: "somewhere",
      values: { a: 1 },
      timeout: 600,
      createNamespace: false,
      atomic: false,
      skipCrds: false,
    });
  });

  it("keeps more of the history in prod", async () => {
    const [dev] = await releases("dev", {});
    const [prod] = await releases("prod", {});
    expect([dev?.inputs["maxHistory"], prod?.inputs["maxHistory"]]).to.deep.equal([3, 10]);
  });

  it("waits as long as the slowest rollout may take", () => {
    const prod = (config = {}) => settingsOf("prod", config);
    // Three ingesters, each with 5m to stop and 5m to start.
    expect(releaseTimeout(prod(), "loki")).to.equal(3 * (300 + 300));
    expect(releaseTimeout(prod({ loki: { ingester: { replicas: 9 } } }), "loki")).to.equal(9 * 600);
    expect(releaseTimeout(prod({ loki: { indexGateway: { replicas: 9 } } }), "loki")).to.equal(9 * 330);
    expect(releaseTimeout(prod({ mimir: { shutdown: "20m" } }), "mimir")).to.equal(3 * (1200 + 300));
    expect(releaseTimeout(prod({ mimir: { storeGateway: { replicas: 5 } } }), "mimir")).to.equal(5 * 600);
    expect(releaseTimeout(prod(), "minio")).to.equal(6 * (30 + 300));
    for (const release of ["grafana", "keda", "loki-crds"])
      expect(releaseTimeout(prod(), release), release).to.equal(600);
    for (const release of Object.values(names))
      expect(releaseTimeout(settingsOf("dev"), release), release).to.be.within(600, 1500);
  });

  it("ends before the credentials of Pulumi Deployments, even if all pods of MinIO and then of the stores restart", () => {
    for (const stack of ["dev", "prod"] as const) {
      const { settings } = parse(readFileSync(join(root, `Pulumi.${stack}.deploy.yaml`), "utf8"));
      const { duration } = settings.operationContext.oidc.aws;
      const timeout = (release: string) => releaseTimeout(settingsOf(stack), release);
      const longest = timeout("minio") + Math.max(...["loki", "mimir", "tempo"].map(timeout));
      expect(secondsOf(duration), stack).to.be.greaterThan(longest);
    }
  });

  it("reaches MinIO through the program in a refresh by Pulumi Deployments or by the operator", () => {
    for (const stack of ["dev", "pr", "prod"]) {
      const { settings } = parse(readFileSync(join(root, `Pulumi.${stack}.deploy.yaml`), "utf8"));
      expect(settings.operationContext.environmentVariables.PULUMI_RUN_PROGRAM, stack).to.equal("true");
    }
    const objects = parseAllDocuments(
      readFileSync(join(root, "examples", "pulumi-operator", "stack.yaml"), "utf8"),
    ).map((one) => one.toJS());
    const { spec } = objects.find(({ kind }) => kind === "Stack");
    expect(spec.envRefs.PULUMI_RUN_PROGRAM.literal.value).to.equal("true");
  });

  it("installs the chart of the CRDs first, without Helm's own copy", async () => {
    const crds = { chart: "minio", values: { b: 2 } } as const;
    const [first, release] = await releases("dev", { crds });
    expect(first?.name).to.equal("subject-crds");
    expect(first?.inputs).to.deep.include({
      name: "subject-crds",
      namespace: "somewhere",
      values: { b: 2 },
      skipCrds: false,
    });
    expect(release?.inputs).to.deep.include({ values: { a: 1 }, skipCrds: true });
    expect(release?.options.dependencies).to.include("kubernetes:helm.sh/v3:Release::subject-crds");
  });
});
