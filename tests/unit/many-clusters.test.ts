/** The example of a hub and two agents: every stack file, in dev and in prod. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { recordProgram } from "../../cli/lib/record";
import { root } from "../../cli/lib/stack-config";
import { readSettings } from "../../settings";
import { sendingAgents } from "../../settings/agents";
import { withoutMirror } from "../support/stacks";

const folder = join(root, "examples", "many-clusters");
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
const stackOf = (file: string) => file.split(".")[1] ?? "";

/** A file's configuration in the engine's form. */
const configOf = (file: string): Record<string, string> => {
  const { config } = parse(readFileSync(join(folder, file), "utf8")) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
};
const settingsIn = (file: string) => readSettings(stackOf(file), configOf(file));

describe("unit: the example of many clusters", function () {
  this.timeout(120_000);

  it("has names that no stack file of the project has, so that a copy overwrites nothing", () => {
    expect(files).to.have.members(["Pulumi.hub.yaml", "Pulumi.eu-1.yaml", "Pulumi.us-1.yaml"]);
    for (const shipped of ["Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.pr.yaml"]) {
      expect(existsSync(join(root, shipped)), shipped).to.equal(true);
      expect(files).not.to.include(shipped);
    }
  });

  it("has agents that their hub lists, and a context for each stack", () => {
    const hub = settingsIn("Pulumi.hub.yaml");
    expect(sendingAgents(hub)).to.have.members(["eu-1", "us-1"]);
    for (const agent of sendingAgents(hub)) {
      const { cluster, hub: own } = settingsIn(`Pulumi.${agent}.yaml`);
      expect(cluster.name).to.equal(agent);
      expect(own?.stack.split("/").at(-1)).to.equal("hub");
    }
    expect(new Set(files.map((file) => settingsIn(file).cluster.context)).size).to.equal(files.length);
  });

  for (const file of files)
    for (const environment of ["dev", "prod"])
      it(`${file} is accepted in ${environment}`, async () => {
        const config = { ...configOf(file), "observability:environment": environment };
        const { resources } = await withoutMirror(() => recordProgram(stackOf(file), config));
        const releases = resources
          .filter(({ type }) => type.endsWith("helm.sh/v3:Release"))
          .map(({ name }) => name);
        expect(releases.includes("loki")).to.equal(stackOf(file) === "hub");
        expect(releases).to.include("alloy-logs");
      });
});
