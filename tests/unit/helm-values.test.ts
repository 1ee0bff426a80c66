import { expect } from "chai";
import { extendedReleases } from "../../settings/helm";
import { plainSecrets } from "../../settings/plain-secrets";
import { extendedValues } from "../../values/extended";
import { lokiValues } from "../../values/loki";
import { errorOf, recordingOf, settingsOf } from "../support/stacks";

describe("unit: additional chart values", () => {
  const withValues = (release: string, values: unknown) =>
    settingsOf("prod", { helm: { [release]: { values } } });

  it("are merged over the product's: maps by key, lists and scalars replace", () => {
    const settings = withValues("loki", {
      distributor: { nodeSelector: { pool: "monitoring" }, affinity: null },
      loki: { limits_config: { max_query_parallelism: 64 } },
    });
    const base = lokiValues(settings);
    const { values, replaced } = extendedValues(settings, "loki", base);
    const { distributor, loki } = values as ReturnType<typeof JSON.parse>;
    expect(distributor.nodeSelector).to.deep.equal({ "kubernetes.io/os": "linux", pool: "monitoring" });
    expect(distributor.affinity).to.equal(null);
    expect(distributor.replicas).to.equal(3);
    expect(loki.limits_config.max_query_parallelism).to.equal(64);
    expect(loki.limits_config).to.include.keys(
      Object.keys((base["loki"] as ReturnType<typeof JSON.parse>).limits_config),
    );
    expect(replaced).to.deep.equal(["distributor.affinity"]);
  });

  it("do not change other releases", () => {
    const settings = withValues("loki", { querier: { nodeSelector: { pool: "monitoring" } } });
    const base = { replicas: 1 };
    expect(extendedValues(settings, "mimir", base)).to.deep.equal({ values: base, replaced: [] });
  });

  const refused: [string, unknown, string, string][] = [
    ["loki", { querier: { replicas: 3 } }, "querier.replicas", "loki.querier"],
    ["loki", { loki: { schemaConfig: { configs: [] } } }, "loki.schemaConfig.configs", "loki.schema"],
    // Replacing a parent as a whole would remove the owned key.
    ["loki", { loki: null }, "loki", "objectStorage"],
    ["mimir", { store_gateway: { resources: {} } }, "store_gateway.resources", "mimir.storeGateway"],
    ["tempo", { fullnameOverride: "t" }, "fullnameOverride", "names and addresses"],
    [
      "grafana",
      { "grafana.ini": { database: { type: "mysql" } } },
      "grafana.ini.database.type",
      "grafana.database",
    ],
    ["minio", { replicas: 8 }, "replicas", "objectStorage.minio.servers"],
  ];
  for (const [release, values, key, instead] of refused)
    it(`rejects ${release} ${key} and names the setting to use`, () => {
      const { message } = errorOf(() => withValues(release, values));
      expect(message).to.contain(`helm.${release}.values.${key}`).and.contain(instead);
    });

  it("rejects a secret in plain text, without showing it", () => {
    const { message } = errorOf(() =>
      withValues("grafana", { smtp: { password: "hunter2" }, envRenderSecret: {} }),
    );
    expect(message).to.contain("helm.grafana.values.smtp.password").and.not.contain("hunter2");
  });

  it("rejects a secret in a list, and shows no value of a key that a setting controls", () => {
    const secret = (release: string, values: object) => errorOf(() => withValues(release, values)).message;
    const variables = secret("grafana", { extraEnv: [{ name: "API_TOKEN", value: "hunter2" }] });
    expect(variables).to.contain("helm.grafana.values.extraEnv").and.not.contain("hunter2");
    for (const values of [{ users: [{ key: "hunter2" }] }, { existingSecret: "hunter2" }])
      expect(secret("minio", values)).to.contain("must not be set: ").and.not.contain("hunter2");
  });

  it("rejects encrypted values, which Helm and previews have in plain text", () => {
    for (const environment of ["dev", "prod"] as const) {
      const settings = settingsOf(environment, { helm: { loki: { values: { a: "b" } } } });
      const found = (encrypted: string[]) => plainSecrets(settings, (key) => encrypted.includes(key));
      expect(found(["helm"]).map(({ path }) => path)).to.deep.equal(["helm"]);
      expect(found(["grafana"])).to.deep.equal([]);
      expect(plainSecrets(settingsOf(environment), (key) => key === "helm")).to.deep.equal([]);
    }
  });

  it("rejects a release that the stack does not install, and names those it does", () => {
    const { message } = errorOf(() => withValues("lokki", {}));
    expect(message).to.contain("helm.lokki").and.contain("kps");
  });

  it("accept every release of the program", async () => {
    const { resources } = await recordingOf("prod");
    const releases = resources.filter(({ type }) => type.endsWith(":Release"));
    const names = releases.map(({ inputs }) => inputs["name"]).filter((name) => name !== "kps-crds");
    expect(extendedReleases).to.include.members(names);
  });

  it("appear in the values that the program registers", async () => {
    const values = { controller: { podLabels: { team: "sre" } } };
    const { resources } = await recordingOf("prod", { helm: { "alloy-logs": { values } } });
    const release = resources.find(({ inputs }) => inputs["name"] === "alloy-logs");
    expect(release?.inputs["values"]).to.have.nested.property("controller.podLabels.team", "sre");
    expect(release?.inputs["values"]).to.have.nested.property("controller.type", "daemonset");
  });
});
