/** The cold tier (R14): the Job's own script adds another MinIO to a real one, and objects move there. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { tierName } from "../../values/cold-tier";
import { coldTier, jobOf, type Place, runJob, withColdTier } from "../support/cold-tier";
import { Minio } from "../support/minio";
import { type Config, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: MinIO moves old objects to a cold tier", function () {
  this.timeout(300_000);
  const secrets = { first: randomBytes(16).toString("hex"), second: randomBytes(16).toString("hex") };
  const as = (user: keyof typeof secrets, rest: Config = {}, change: Config = {}) =>
    settingsOf("prod", withColdTier({ accessKey: user, secretKey: secrets[user], ...change }, rest));
  const bucket = "loki-data";
  let folder: string;
  let hot: Minio;
  let cold: Minio;
  let place: Place;
  let mc: (...args: string[]) => string;

  before(async function () {
    const [program = "", client = ""] = needs(this, "minio", "mc");
    folder = mkdtempSync(join(tmpdir(), "observability-cold-tier-"));
    const encryption = {
      MINIO_KMS_SECRET_KEY: `objects:${randomBytes(32).toString("base64")}`,
      MINIO_KMS_AUTO_ENCRYPTION: "on",
    };
    hot = await Minio.start(program, join(folder, "hot"), encryption);
    cold = await Minio.start(program, join(folder, "cold"));
    place = {
      mc: client,
      folder: join(folder, "mc"),
      minio: `127.0.0.1:${hot.port}`,
      root: hot.credentials,
      cold: cold.url,
    };
    const host = ({ credentials: { accessKey, secretKey }, port }: Minio) =>
      `http://${accessKey}:${secretKey}@127.0.0.1:${port}`;
    mc = (...args) => {
      const { status, stdout, stderr } = spawnSync(
        client,
        ["--config-dir", place.folder, "--json", ...args],
        {
          encoding: "utf8",
          env: { ...process.env, MC_HOST_hot: host(hot), MC_HOST_cold: host(cold) },
        },
      );
      if (status !== 0) throw new Error(`mc ${args.join(" ")}: ${stdout}${stderr}`);
      return stdout;
    };
    await cold.client.makeBucket(coldTier.bucket);
    // The user's permissions as in docs/guides/retention.md.
    const policy = join(folder, "policy.json");
    const arn = `arn:aws:s3:::${coldTier.bucket}`;
    const allow = (resource: string, ...actions: string[]) => ({
      Effect: "Allow",
      Action: actions.map((action) => `s3:${action}`),
      Resource: [resource],
    });
    const Statement = [
      allow(arn, "GetBucketLocation", "ListBucket"),
      allow(`${arn}/*`, "GetObject", "PutObject", "DeleteObject"),
    ];
    writeFileSync(policy, JSON.stringify({ Version: "2012-10-17", Statement }));
    mc("admin", "policy", "create", "cold", "tier", policy);
    for (const [user, secret] of Object.entries(secrets)) {
      mc("admin", "user", "add", "cold", user, secret);
      mc("admin", "policy", "attach", "cold", "tier", "--user", user);
    }
    await hot.client.makeBucket(bucket);
  });

  after(async () => {
    await hot?.stop();
    await cold?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const tiers = (): { Name: string }[] => {
    const answer = mc("ilm", "tier", "ls", "hot");
    // Without tiers, the output is text.
    return answer.startsWith("{") ? JSON.parse(answer).tiers : [];
  };
  const rules = () => JSON.parse(mc("ilm", "rule", "export", `hot/${bucket}`)).config.Rules;
  const read = async (name: string): Promise<string> =>
    Buffer.concat(await (await hot.client.getObject(bucket, name)).toArray()).toString();
  const classOf = async (name: string): Promise<string | undefined> =>
    (await hot.client.statObject(bucket, name)).metaData["x-amz-storage-class"];

  for (const [what, change, words] of [
    ["another user", { accessKey: "nobody" }, "nobody|does not exist"],
    ["a bucket that is not there", { bucket: "nowhere" }, "nowhere"],
  ] as const)
    it(`reports the error if it has ${what}, without the secret, and moves nothing`, () => {
      const { code, output } = runJob(as("first", {}, change), place);
      expect(code, output).to.equal(1);
      expect(output)
        .to.match(new RegExp(words))
        .and.to.match(/^cold tier: .*objectStorage\.minio\.coldTier/m);
      expect(output).to.not.contain(secrets.first).and.to.not.contain(hot.credentials.secretKey);
      expect(tiers()).to.deep.equal([]);
    });

  it("accepts an S3 as well", () => {
    const settings = as("second", {}, { kind: "s3", region: "us-east-1", prefix: "as-s3" });
    const { code, output } = runJob(settings, place);
    expect(code, output).to.equal(0);
    expect(tiers().map(({ Name }) => Name)).to.deep.equal([tierName(jobOf(settings).tier)]);
    mc("ilm", "rule", "rm", "--all", "--force", `hot/${bucket}`);
    mc("ilm", "tier", "rm", "hot", tierName(jobOf(settings).tier));
  });

  it("moves old objects, which can be read as before; they are encrypted in the tier", async () => {
    // Not earlier: an object in the tier of the test above would prevent its removal.
    await hot.put(bucket, "of/20-days", 20);
    await hot.put(bucket, "of/3-days", 3);
    const settings = as("first");
    const { code, output } = runJob(settings, place);
    expect(code, output).to.equal(0);
    expect(output).to.not.contain(secrets.first);
    await until(120, "one object in the cold bucket", async () => {
      const there = await cold.names(coldTier.bucket);
      if (there.length !== 1) throw new Error(`there is ${JSON.stringify(there)}`);
      return true;
    });
    const name = tierName(jobOf(settings).tier);
    expect(await classOf("of/20-days")).to.equal(name);
    expect(await classOf("of/3-days")).to.not.equal(name);
    expect(await hot.names(bucket)).to.deep.equal(["of/20-days", "of/3-days"]);
    expect(await read("of/20-days")).to.equal("of/20-days, of 20 days ago");
    const [moved = ""] = await cold.names(coldTier.bucket);
    expect(moved).to.match(/^observability\/prod\//);
    const there = Buffer.concat(await (await cold.client.getObject(coldTier.bucket, moved)).toArray());
    expect(there.length).to.be.greaterThan(10);
    expect(there.toString("latin1")).to.not.contain("days ago");
  });

  it("changes nothing when it runs again", async () => {
    const before = { tiers: tiers(), rules: rules(), cold: await cold.names(coldTier.bucket) };
    expect(runJob(as("first"), place).code).to.equal(0);
    expect({ tiers: tiers(), rules: rules(), cold: await cold.names(coldTier.bucket) }).to.deep.equal(before);
    expect(before.rules).to.have.length(1);
  });

  it("accepts new credentials, and reads with them", async () => {
    expect(runJob(as("second"), place).code).to.equal(0);
    mc("admin", "user", "disable", "cold", "first");
    expect(await read("of/20-days")).to.equal("of/20-days, of 20 days ago");
    expect(tiers()).to.have.length(1);
  });

  it("deletes expired objects there, too", async () => {
    const kinds = ["application", "system", "debug", "journal", "events"];
    const retention = Object.fromEntries(kinds.map((kind) => [kind, "10d"]));
    const { code, output } = runJob(as("second", { loki: { retention } }), place);
    expect(code, output).to.equal(0);
    await until(180, "the young object only", async () => {
      const all = [...(await hot.names(bucket)), ...(await cold.names(coldTier.bucket))];
      if (all.join() !== "of/3-days") throw new Error(`there is ${JSON.stringify(all)}`);
      return true;
    });
  });
});
