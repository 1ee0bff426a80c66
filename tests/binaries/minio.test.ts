/** A real MinIO with the chart's settings: access to buckets, encryption, and lifecycles. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Client } from "minio";
import { minioClient } from "../../cli/lib/minio";
import { releasesOf } from "../../cli/lib/render";
import { consumers, minio as names } from "../../names";
import { parseSettings } from "../../settings";
import { bucketLifecycles, consumerPolicy } from "../../values/minio-access";
import { find, ownOf } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

const buckets = {
  loki: ["loki-data"],
  mimir: ["mimir-blocks", "mimir-ruler", "mimir-alertmanager"],
  tempo: ["tempo-data"],
};
const all = Object.values(buckets).flat();
const content = "a line that is encrypted on the disk ".repeat(100);

/** The result of a request: `done`, or its error code. */
const outcome = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => "done",
    (error: { code?: string; message?: string }) => error.code ?? error.message ?? "failed",
  );

describe("binaries: MinIO separates its users, and encrypts objects", function () {
  this.timeout(60_000);
  const root = { user: names.rootUser, password: randomBytes(16).toString("hex") };
  const encryptionKey = randomBytes(32).toString("base64");
  const config = { environment: "dev", objectStorage: { minio: { encryptionKey } } };
  const settings = parseSettings("test", config);
  const secrets = Object.fromEntries(consumers.map((name) => [name, randomBytes(16).toString("hex")]));
  let folder: string;
  let port: number;
  let server: Server | undefined;
  let mc: (...args: string[]) => string;
  let admin: Client;

  const clientOf = (accessKey: string, secretKey: string) => minioClient(port, { accessKey, secretKey });

  before(async function () {
    const [minio = "", mcProgram = ""] = needs(this, "minio", "mc");
    folder = mkdtempSync(join(tmpdir(), "observability-minio-"));
    port = await freePort();

    const stack = await ownOf(config);
    const secret = find(stack, "Secret", names.encryptionSecret)["stringData"]["config.env"];
    writeFileSync(join(folder, "config.env"), secret);
    const [release] = releasesOf(stack.recorded).filter(({ name }) => name === names.release);
    // The chart turns these into variables, and mounts that Secret at the path in MINIO_CONFIG_ENV_FILE.
    const environment = release?.values["environment"] as Record<string, string>;
    expect(environment).to.include.keys("MINIO_KMS_AUTO_ENCRYPTION");
    expect(release?.values["extraSecret"]).to.equal(names.encryptionSecret);
    server = await Server.start(
      minio,
      ["server", join(folder, "data"), "--address", `127.0.0.1:${port}`, "--console-address", "127.0.0.1:0"],
      {
        environment: {
          ...environment,
          MINIO_CONFIG_ENV_FILE: join(folder, "config.env"),
          MINIO_ROOT_USER: root.user,
          MINIO_ROOT_PASSWORD: root.password,
        },
        ready: async () => (await fetch(`http://127.0.0.1:${port}/minio/health/ready`)).ok,
      },
    );

    mc = (...args) => {
      const { status, stdout, stderr } = spawnSync(mcProgram, ["--config-dir", join(folder, "mc"), ...args], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`mc ${args.join(" ")}: ${stdout}${stderr}`);
      return stdout;
    };
    mc("alias", "set", "test", `http://127.0.0.1:${port}`, root.user, root.password);
    admin = clientOf(root.user, root.password);
    for (const bucket of all) await admin.makeBucket(bucket);
    for (const consumer of consumers) {
      const policy = join(folder, `${consumer}.json`);
      writeFileSync(policy, consumerPolicy(settings, consumer));
      mc("admin", "policy", "create", "test", consumer, policy);
      mc("admin", "user", "add", "test", consumer, secrets[consumer] ?? "");
      mc("admin", "policy", "attach", "test", consumer, "--user", consumer);
    }
    for (const bucket of all) await admin.putObject(bucket, "theirs", content);
  });

  after(async () => {
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Requests of a user to objects of a bucket, and their results. */
  const objectRequests = async (client: Client, bucket: string) => ({
    write: await outcome(client.putObject(bucket, "mine", content)),
    read: await outcome(client.getObject(bucket, "theirs").then((stream) => stream.resume())),
    list: await outcome(client.listObjectsV2(bucket, "", true).toArray()),
    upload: await outcome(
      client
        .initiateNewMultipartUpload(bucket, "big", {})
        .then((id) => client.abortMultipartUpload(bucket, "big", id)),
    ),
    delete: await outcome(client.removeObject(bucket, "mine")),
  });
  const every = (result: string) => ({
    write: result,
    read: result,
    list: result,
    upload: result,
    delete: result,
  });

  for (const consumer of consumers) {
    const own = buckets[consumer];
    const others = all.filter((bucket) => !own.includes(bucket));

    it(`${consumer} reads, writes, lists and deletes in ${own.join(", ")}`, async () => {
      const client = clientOf(consumer, secrets[consumer] ?? "");
      for (const bucket of own)
        expect(await objectRequests(client, bucket), bucket).to.deep.equal(every("done"));
    });

    it(`${consumer} is denied everything in ${others.join(", ")}`, async () => {
      const client = clientOf(consumer, secrets[consumer] ?? "");
      for (const bucket of others)
        expect(await objectRequests(client, bucket), bucket).to.deep.equal(every("AccessDenied"));
    });

    it(`${consumer} cannot create, empty or change any bucket`, async () => {
      const client = clientOf(consumer, secrets[consumer] ?? "");
      const [bucket = ""] = own;
      expect(await outcome(client.makeBucket("another"))).to.equal("AccessDenied");
      expect(await outcome(client.removeBucket(bucket))).to.equal("AccessDenied");
      expect(await outcome(client.setBucketPolicy(bucket, "{}"))).to.equal("AccessDenied");
      expect(await outcome(client.removeBucketEncryption(bucket))).to.equal("AccessDenied");
      expect(await outcome(client.removeBucketLifecycle(bucket))).to.equal("AccessDenied");
      const seen = await client.listBuckets();
      expect(seen.map(({ name }) => name)).to.have.members(own);
    });
  }

  it("a wrong password has no access", async () => {
    const client = clientOf("loki", "not-the-password");
    expect(await outcome(client.putObject("loki-data", "mine", content))).to.equal("SignatureDoesNotMatch");
  });

  it("encrypts an object that a client wrote without requesting encryption", async () => {
    const client = clientOf("loki", secrets["loki"] ?? "");
    await client.putObject("loki-data", "plain", content);
    const { metaData } = await client.statObject("loki-data", "plain");
    expect(metaData).to.include({ "x-amz-server-side-encryption": "aws:kms" });
    const key = metaData["x-amz-server-side-encryption-aws-kms-key-id"];
    expect(key).to.match(new RegExp(`(^|:)${names.encryptionKey}$`));
  });

  it("leaves no readable content on the disk", async () => {
    await clientOf("loki", secrets["loki"] ?? "").putObject("loki-data", "plain", content);
    const data = join(folder, "data", "loki-data", "plain");
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files).not.to.be.empty;
    for (const file of files)
      expect(readFileSync(join(file.parentPath, file.name)).includes("is encrypted on")).to.equal(false);
  });

  it("encrypts with the rule of the bucket as well", async () => {
    const rule = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: names.encryptionKey };
    await admin.setBucketEncryption("tempo-data", { Rule: [{ ApplyServerSideEncryptionByDefault: rule }] });
    await clientOf("tempo", secrets["tempo"] ?? "").putObject("tempo-data", "ruled", content);
    const { metaData } = await admin.statObject("tempo-data", "ruled");
    expect(metaData).to.include({ "x-amz-server-side-encryption": "aws:kms" });
  });

  it("has the lifecycle of each bucket", async () => {
    const lifecycles = bucketLifecycles(settings);
    const rules: Record<string, unknown> = {};
    for (const [key, { expireAfterDays, keepOldVersionsForDays }] of Object.entries(lifecycles)) {
      const { name } = settings.objectStorage.buckets[key as keyof typeof lifecycles];
      const days = expireAfterDays
        ? ["--expire-days", String(expireAfterDays)]
        : ["--noncurrent-expire-days", String(keepOldVersionsForDays)];
      mc("ilm", "rule", "add", `test/${name}`, ...days);
      const read = JSON.parse(mc("--json", "ilm", "rule", "export", `test/${name}`)).config.Rules;
      rules[name] = read.map((rule: Record<string, unknown>) => [
        rule["Status"],
        rule["Expiration"] ?? rule["NoncurrentVersionExpiration"],
      ]);
    }
    expect(rules).to.deep.equal({
      "loki-data": [["Enabled", { Days: 37 }]],
      "mimir-blocks": [["Enabled", { Days: 737 }]],
      "mimir-ruler": [["Enabled", { NoncurrentDays: 30 }]],
      "mimir-alertmanager": [["Enabled", { NoncurrentDays: 30 }]],
      "tempo-data": [["Enabled", { Days: 37 }]],
    });
  });
});
