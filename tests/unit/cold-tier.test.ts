/** The cold tier's Job and related objects (R14). */
import { expect } from "chai";
import { flows } from "../../values/network-flows";
import { coldTier, jobOf, withColdTier } from "../support/cold-tier";
import { type Config, recordingOf, settingsOf } from "../support/stacks";

const settingsWith = (change: Config = {}, rest: Config = {}) =>
  settingsOf("prod", withColdTier(change, rest));
const lifecyclesOf = (settings: ReturnType<typeof settingsOf>) =>
  jobOf(settings).job.spec.template.spec.containers[0]?.args ?? [];
const nameOf = (...args: Parameters<typeof settingsWith>) => jobOf(settingsWith(...args)).job.metadata.name;
const secrets = [coldTier.accessKey, coldTier.secretKey];

describe("unit: the cold tier", function () {
  // Recording the program takes time.
  this.timeout(60_000);

  it("does not exist unless it is set", async () => {
    const { resources } = await recordingOf("prod");
    expect(resources.filter(({ name, type }) => /cold-tier/.test(name) || /:Job$/.test(type))).to.deep.equal(
      [],
    );
    expect(
      flows(settingsOf("prod")).filter(({ from, to }) => from === "minio" && to !== "minio"),
    ).to.deep.equal([]);
  });

  it("gives its buckets their usual expiry, and a transition before it", () => {
    const settings = settingsWith({ after: { loki: "14d", mimirBlocks: "90d" } });
    const tier = /^COLD-[0-9A-F]{8}$/;
    const [loki, lokiRules = "", blocks, blockRules = "", ...others] = lifecyclesOf(settings);
    expect([loki, blocks, others]).to.deep.equal(["loki-data", "mimir-blocks", []]);
    for (const [rules, cold, expiry] of [
      [lokiRules, 14, 37],
      [blockRules, 90, 737],
    ] as const) {
      const [rule, ...more] = JSON.parse(rules).Rules;
      expect(more).to.deep.equal([]);
      expect(rule.Transition.StorageClass).to.match(tier);
      expect({ ...rule, Transition: rule.Transition.Days }).to.deep.equal({
        ID: "cold-and-expire",
        Status: "Enabled",
        Filter: { Prefix: "" },
        Transition: cold,
        Expiration: { Days: expiry },
      });
    }
  });

  it("leaves the provider the same rule without its transition, and the other buckets unchanged", async () => {
    const rules = async (config: Config) =>
      Object.fromEntries(
        (await recordingOf("prod", config)).resources
          .filter(({ type }) => type.endsWith(":IlmPolicy"))
          .map(({ name, inputs }) => [name, inputs["rules"]]),
      );
    expect(await rules(withColdTier())).to.deep.equal({
      ...(await rules({})),
      "loki-data": [{ id: "cold-and-expire", expiration: "37d" }],
    });
  });

  it("comes after each bucket's last configuration resource, and its Secrets", async () => {
    const { resources } = await recordingOf("prod", withColdTier());
    const [job] = resources.filter(({ type }) => type === "kubernetes:batch/v1:Job");
    const last = (name: string) =>
      /ruler|alertmanager/.test(name)
        ? `minio:index/s3BucketVersioning:S3BucketVersioning::${name}`
        : `minio:index/ilmPolicy:IlmPolicy::${name}`;
    const before = resources.filter(({ type }) => type.endsWith(":S3Bucket")).map(({ name }) => last(name));
    expect(before.length).to.equal(5);
    expect(job?.options.dependencies).to.include.members([
      ...before,
      "kubernetes:core/v1:Secret::minio-cold-tier",
      "kubernetes:core/v1:Secret::minio-root",
    ]);
  });

  it("is a restricted pod without a token", () => {
    const { spec } = jobOf(settingsWith()).job;
    const pod = spec.template.spec;
    expect(pod.automountServiceAccountToken).to.equal(false);
    expect(pod.securityContext).to.include({ runAsNonRoot: true, runAsUser: 1000 });
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext).to.deep.equal({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(resources).to.have.keys("requests", "limits");
    }
    // MinIO's Service must not select it as a server.
    expect(spec.template.metadata.labels).to.not.have.any.keys("app", "release");
    expect(spec).to.not.have.any.keys("ttlSecondsAfterFinished");
  });

  it("has its secrets only in a Secret, and not in the Job, its arguments or its name", async () => {
    const { resources } = await recordingOf("prod", withColdTier());
    const hidden = resources.filter(({ inputs }) =>
      secrets.some((one) => JSON.stringify(inputs).includes(one)),
    );
    expect(hidden.map(({ type, name }) => `${type}::${name}`)).to.deep.equal([
      "kubernetes:core/v1:Secret::minio-cold-tier",
    ]);
    expect(secrets.some((one) => JSON.stringify(jobOf(settingsWith()).job).includes(one))).to.equal(false);
  });

  it("is a new Job when anything that it does changes, and the same one otherwise", () => {
    const names = [
      nameOf(),
      nameOf({ secretKey: "another-secret-of-the-user" }),
      nameOf({ after: { loki: "15d" } }),
      nameOf({ prefix: "elsewhere" }),
      nameOf({}, { loki: { retention: { application: "60d" } } }),
      nameOf({}, { images: { registry: "registry.example.com" } }),
    ];
    expect(new Set(names).size).to.equal(names.length);
    expect(nameOf()).to.equal(nameOf({}, { tempo: { retention: "60d" } }));
  });

  it("is a new tier at another destination, and the same one with other credentials or ages", () => {
    const tier = (change: Config) => lifecyclesOf(settingsWith(change))[1]?.match(/COLD-\w+/)?.[0];
    for (const change of [
      { prefix: "elsewhere" },
      { bucket: "other" },
      { kind: "s3" },
      { region: "eu-west-3" },
    ])
      expect(tier(change), JSON.stringify(change)).to.not.equal(tier({}));
    for (const change of [{ secretKey: "another-secret-of-the-user" }, { after: { loki: "20d" } }])
      expect(tier(change), JSON.stringify(change)).to.equal(tier({}));
  });

  it("allows MinIO to connect to it, and to nothing else", () => {
    const out = (endpoint: string) =>
      flows(settingsWith({ endpoint }))
        .filter(({ from, to }) => from === "minio" && to !== "minio")
        .map(({ to, ports }) => [to, ports]);
    expect(out("https://s3.example.com")).to.deep.equal([["anywhere", [443]]]);
    expect(out("https://s3.example.com:9443")).to.deep.equal([["anywhere", [9443]]]);
    // The pods may have another port than their Service.
    expect(out("http://archive.cold.svc:9000")).to.deep.equal([["namespace:cold", "all"]]);
  });
});
