import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1Deployment } from "@kubernetes/client-node";
import { expect } from "chai";
import { helperPod, notSqlite } from "../../cli/backup/database";
import { flushes, sumOfMetric } from "../../cli/backup/flush";
import { bucketsOf, foreignDatabase, openFolder } from "../../cli/backup/index";
import { differences, encryptionKeyIn, pulumiPassphrase, putPassphrase } from "../../cli/backup/keys";
import {
  damage,
  format,
  type Manifest,
  partsOf,
  readManifest,
  sumOf,
  writeManifest,
  writeWhole,
} from "../../cli/backup/manifest";
import { refuseExternal } from "../../cli/backup/minio";
import { chosen, verify } from "../../cli/backup/plan";
import { inOrder, readWritten, standing } from "../../cli/backup/refill";
import { passphrase, seal, unseal } from "../../cli/backup/seal";
import { finish, type Item, note, pathOf, readIndex, readSaved, toCopy } from "../../cli/backup/shelf";
import { type Deployment, putConfig, withoutCluster } from "../../cli/backup/state";
import { replicasBefore, scaling } from "../../cli/backup/stores";
import { each, patiently, readable, within } from "../../cli/backup/work";
import { parseSettings, UserError } from "../../settings";

const temporary = () => mkdtempSync(join(tmpdir(), "obs-backup-"));
const settings = parseSettings("dev", { environment: "dev" });
const manifestOf = (parts: Manifest["parts"]): Manifest => ({
  format,
  product: "0",
  charts: {},
  stack: "dev",
  environment: "dev",
  cluster: "",
  parts,
});
const item = (key: string, more: Partial<Item> = {}): Item => ({
  key,
  bytes: 4,
  etag: "e",
  sha256: "",
  headers: {},
  ...more,
});
const rejection = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );

describe("unit: a backup's parts and manifest", () => {
  it("takes parts by name, in the order of a restore, and refuses others", () => {
    expect(partsOf(undefined)).to.deep.equal(["state", "keys", "buckets", "grafana"]);
    expect(partsOf("grafana, state")).to.deep.equal(["state", "grafana"]);
    expect(() => partsOf("state,volumes")).to.throw(
      UserError,
      /--only: invalid value "volumes" \(must be some of state, keys/,
    );
  });

  it("is written whole, for its owner alone, and read back", () => {
    const folder = temporary();
    expect(readManifest(folder)).to.equal(undefined);
    writeManifest(folder, manifestOf({}));
    expect(readManifest(folder)).to.deep.equal(manifestOf({}));
    expect(statSync(join(folder, "manifest.json")).mode & 0o777).to.equal(0o600);
    writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifestOf({}), format: 2 }));
    expect(() => readManifest(folder)).to.throw(UserError, /has format 2/);
    writeFileSync(join(folder, "manifest.json"), "{");
    expect(() => readManifest(folder)).to.throw(UserError, /cannot be read/);
  });

  it("tells of files that are missing or changed, of the parts that are asked for", async () => {
    const folder = temporary();
    writeWhole(join(folder, "keys.json"), "secret");
    const files = { "keys.json": await sumOf(join(folder, "keys.json")) };
    const manifest = manifestOf({ keys: { at: "", holds: {}, files } });
    expect(await damage(folder, manifest, ["keys", "state"])).to.deep.equal([]);
    writeWhole(join(folder, "keys.json"), "sEcret");
    expect(await damage(folder, manifest, ["keys"])).to.deep.equal(["keys.json is not what was saved"]);
    expect(await damage(folder, manifest, ["state"])).to.deep.equal([]);
    const error = await rejection(verify(folder, manifest, ["keys"]));
    expect(error)
      .to.be.instanceOf(UserError)
      .and.to.have.property("message")
      .that.includes("nothing was touched");
  });

  it("refuses a folder of another stack, or with files of no backup", () => {
    const folder = temporary();
    expect(openFolder(folder, "dev", settings).parts).to.deep.equal({});
    writeManifest(folder, manifestOf({ keys: { at: "then", holds: {}, files: {} } }));
    expect(openFolder(folder, "dev", settings).parts.keys?.at).to.equal("then");
    expect(() => openFolder(folder, "other", settings)).to.throw(UserError, /has a backup of stack dev/);
    const home = temporary();
    writeFileSync(join(home, "thesis.txt"), "");
    expect(() => openFolder(home, "dev", settings)).to.throw(UserError, /files that are of no backup/);
  });

  it("restores what the backup has, into its own stack unless another is named", () => {
    const part = { at: "", holds: {}, files: {} };
    const manifest = manifestOf({ state: part, buckets: part });
    const options = { from: "folder" };
    expect(chosen(manifest, "dev", options)).to.deep.equal(["state", "buckets"]);
    expect(() => chosen(undefined, "dev", options)).to.throw(UserError, /no manifest\.json/);
    expect(() => chosen(manifest, "dev", { ...options, only: "keys" })).to.throw(UserError, /has no keys/);
    expect(() => chosen(manifest, "other", options)).to.throw(UserError, /--from-stack dev/);
    expect(chosen(manifest, "other", { ...options, fromStack: "dev" })).to.deep.equal(["buckets"]);
  });
});

describe("unit: a backup's keys", function () {
  this.timeout(60_000); // making a key of a passphrase is meant to take long
  it("come back with the passphrase, and not with another, and not when they were changed", () => {
    const sealed = seal("the key", "a long passphrase");
    expect(sealed).not.to.include("the key");
    expect(seal("the key", "a long passphrase")).not.to.equal(sealed);
    expect(unseal(sealed, "a long passphrase")).to.equal("the key");
    expect(() => unseal(sealed, "another passphrase")).to.throw(UserError, /OBS_BACKUP_PASSPHRASE is not/);
    const parsed = JSON.parse(sealed);
    const data = Buffer.from(parsed.data, "base64");
    data.writeUInt8(data.readUInt8(0) ^ 1, 0);
    const changed = JSON.stringify({ ...parsed, data: data.toString("base64") });
    expect(() => unseal(changed, "a long passphrase")).to.throw(UserError, /the file was changed/);
    expect(() => unseal(JSON.stringify({ ...parsed, N: 2 ** 30 }), "x")).to.throw(UserError, /damaged/);
  });

  it("want a passphrase of some length, from the environment where nobody can be asked", async () => {
    const before = process.env["OBS_BACKUP_PASSPHRASE"];
    try {
      process.env["OBS_BACKUP_PASSPHRASE"] = "short";
      expect((await rejection(passphrase(true))).message).to.match(/has 5 characters \(must be 12 or more\)/);
      expect(await passphrase(false)).to.equal("short");
    } finally {
      if (before === undefined) delete process.env["OBS_BACKUP_PASSPHRASE"];
      else process.env["OBS_BACKUP_PASSPHRASE"] = before;
    }
  });

  it("are read from what the stack has, and compared with a cluster's", () => {
    expect(encryptionKeyIn('export MINIO_KMS_SECRET_KEY="objects:abc="\n')).to.equal("abc=");
    const file = join(temporary(), "passphrase");
    writeFileSync(file, "pass\n");
    expect(pulumiPassphrase({ PULUMI_CONFIG_PASSPHRASE_FILE: file })).to.equal("pass");
    expect(pulumiPassphrase({})).to.equal(undefined);
    expect(differences({ minioEncryptionKey: "a" }, { minioEncryptionKey: "a" })).to.deep.equal([]);
    expect(differences({ grafanaSecretKey: "a" }, {})).to.deep.equal([]);
    const two = differences(
      { minioEncryptionKey: "a", grafanaSecretKey: "a" },
      { minioEncryptionKey: "b", grafanaSecretKey: "b" },
    );
    expect(two).to.have.length(2);
    expect(two.join()).not.to.match(/"[ab]"/);
  });

  it("put the passphrase where a dev stack looks for it, and never over another", () => {
    const given = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"];
    const before = { ...process.env };
    for (const name of given) delete process.env[name];
    try {
      const file = join(temporary(), ".obs", "passphrase");
      expect(putPassphrase({}, file)).to.equal(false);
      expect(putPassphrase({ pulumiPassphrase: "one" }, file)).to.equal(true);
      expect(putPassphrase({ pulumiPassphrase: "two" }, file)).to.equal(false);
      expect(readFileSync(file, "utf8")).to.equal("one");
      expect(statSync(file).mode & 0o777).to.equal(0o600);
    } finally {
      process.env = before;
    }
  });
});

describe("unit: a backup's buckets", () => {
  it("copies what is new or changed", () => {
    const saved = new Map(["same", "changed", "gone"].map((key) => [key, item(key)]));
    const listed = [
      { key: "same", bytes: 4, etag: "e" },
      { key: "changed", bytes: 4, etag: "f" },
      { key: "new", bytes: 1, etag: "e" },
    ];
    const { missing, there } = toCopy(listed, saved);
    expect(missing.map(({ key }) => key)).to.deep.equal(["changed", "new"]);
    expect(there.map(({ key }) => key)).to.deep.equal(["same"]);
  });

  it("finds again what a broken run had copied, but no half line and no half file", () => {
    const folder = temporary();
    for (const [key, text] of [
      ["a", "four"],
      ["b", "fo"],
    ] as const) {
      mkdirSync(join(folder, pathOf(key), ".."), { recursive: true });
      writeFileSync(join(folder, pathOf(key)), text);
      note(folder, item(key));
    }
    writeFileSync(join(folder, "journal.jsonl"), `${readFileSync(join(folder, "journal.jsonl"))}{"key":"c"`);
    expect([...readSaved(folder).keys()]).to.deep.equal(["a"]);
    expect(readIndex(folder)).to.deep.equal([]);
    finish(folder, [item("a")]);
    expect(readIndex(folder)).to.deep.equal([item("a")]);
    expect(() => statSync(join(folder, pathOf("b")))).to.throw(/ENOENT/);
  });

  it("gives a key a name of its own, whatever the key is", () => {
    const keys = ["a", "A", "a/b", "../../etc/passwd", "x".repeat(1024)];
    const paths = keys.map(pathOf);
    expect(new Set(paths).size).to.equal(keys.length);
    for (const path of paths) expect(path).to.match(/^objects\/[0-9a-f]{2}\/[0-9a-f]{64}$/);
  });

  it("knows what it would write over, what it wrote itself, and what is another's", () => {
    const listed = ["mine", "theirs", "old"].map((key) => ({ key, bytes: 1, etag: `of ${key}` }));
    const items = [item("mine"), item("old"), item("new")];
    const state = standing(
      listed,
      items,
      new Map([
        ["mine", "of mine"],
        ["old", "of another time"],
      ]),
    );
    expect(state).to.deep.equal({ done: new Set(["mine"]), replaced: ["old"], others: ["theirs"] });
    const journal = join(temporary(), "journal");
    expect(readWritten(journal).size).to.equal(0);
    writeFileSync(journal, '["a","1"]\n["b","2"]\n["c"');
    expect([...readWritten(journal)]).to.deep.equal([
      ["a", "1"],
      ["b", "2"],
    ]);
  });

  it("writes what leads to a block after the block", () => {
    const keys = [
      "t/01/meta.json",
      "t/01/chunks/000001",
      "t/bucket-index.json.gz",
      "t/01/index",
      "t/index.json.gz",
      "t/01/data.parquet",
    ];
    const [first, last] = inOrder(keys.map((key) => item(key)));
    expect(first.map(({ key }) => key)).to.deep.equal([
      "t/01/chunks/000001",
      "t/01/index",
      "t/01/data.parquet",
    ]);
    expect(last.map(({ key }) => key)).to.deep.equal([
      "t/01/meta.json",
      "t/bucket-index.json.gz",
      "t/index.json.gz",
    ]);
  });

  it("are refused where the object storage is somebody else's, and named by their settings", () => {
    const access = { accessKey: "user", secretKey: "b".repeat(8) };
    const external = {
      endpoint: "s3.example.com",
      region: "r",
      tls: true,
      pathStyle: false,
      loki: access,
      mimir: access,
      tempo: access,
    };
    const other = parseSettings("dev", { environment: "dev", objectStorage: { kind: "external", external } });
    expect(() => refuseExternal(other)).to.throw(UserError, /is "external".*"minio"/);
    expect(() => refuseExternal(settings)).not.to.throw();
    expect(bucketsOf(settings).map(([key]) => key)).to.deep.equal([
      "loki",
      "mimirBlocks",
      "mimirRuler",
      "mimirAlertmanager",
      "tempo",
    ]);
  });

  it("are flushed first, and the metrics that tell when it is done are summed over tenants", () => {
    expect(Object.keys(flushes)).to.deep.equal(["loki", "mimir", "tempo"]);
    const text = '# HELP q x\nq{tenant="a"} 2\nq{tenant="b"} 3e+00\nq_total 7\nother 1\n';
    expect(sumOfMetric(text, "q")).to.equal(5);
    expect(sumOfMetric(text, "none")).to.equal(0);
  });
});

describe("unit: a backup's state", () => {
  const urn = (name: string) => `urn:pulumi:dev::observability::${name}`;
  const state: Deployment = {
    version: 3,
    deployment: {
      pending_operations: [{}],
      secrets_providers: { type: "passphrase" },
      resources: [
        { urn: urn("stack"), type: "pulumi:pulumi:Stack" },
        {
          urn: urn("group"),
          type: "observability:index:Minio",
          parent: urn("stack"),
          dependencies: [urn("secret")],
        },
        { urn: urn("random"), type: "pulumi:providers:random", custom: true },
        { urn: urn("k8s"), type: "pulumi:providers:kubernetes", custom: true },
        {
          urn: urn("password"),
          type: "random:index/randomPassword:RandomPassword",
          custom: true,
          parent: urn("group"),
          propertyDependencies: { length: [urn("secret")] },
        },
        { urn: urn("secret"), type: "kubernetes:core/v1:Secret", custom: true },
        {
          urn: urn("bucket"),
          type: "minio:index/s3Bucket:S3Bucket",
          custom: true,
          deletedWith: urn("secret"),
        },
      ],
    },
  };

  it("of a cluster that is gone keeps passwords and keys, and nothing refers to what is not in it", () => {
    const { deployment } = withoutCluster(state);
    expect(deployment.resources?.map((one) => one.urn)).to.deep.equal(
      ["stack", "group", "random", "password"].map(urn),
    );
    expect(JSON.stringify(deployment)).not.to.include(urn("secret"));
    expect(deployment).to.have.keys("secrets_providers", "resources");
  });

  it("brings its config file, but not over one with another passphrase", () => {
    const [folder, place] = [temporary(), join(temporary(), "Pulumi.dev.yaml")];
    writeFileSync(join(folder, "Pulumi.dev.yaml"), "encryptionsalt: one\nconfig: {}\n");
    expect(putConfig("dev", folder, place)).to.equal(true);
    expect(putConfig("dev", folder, place)).to.equal(false);
    writeFileSync(place, "encryptionsalt: two\n");
    expect(() => putConfig("dev", folder, place)).to.throw(UserError, /another encryptionsalt/);
  });
});

describe("unit: what a restore does to workloads", () => {
  it("stops them and knows how many there were, also when it stops them twice", () => {
    const running = { metadata: {}, spec: { replicas: 3 } } as unknown as V1Deployment;
    expect(scaling(running, undefined)).to.equal(undefined);
    expect(scaling(running, 0)).to.deep.equal({
      metadata: { annotations: { [replicasBefore]: "3" } },
      spec: { replicas: 0 },
    });
    const stopped = {
      metadata: { annotations: { [replicasBefore]: "3" } },
      spec: { replicas: 0 },
    } as unknown as V1Deployment;
    expect(scaling(stopped, 0)?.metadata.annotations[replicasBefore]).to.equal("3");
    expect(scaling(stopped, undefined)).to.deep.equal({
      metadata: { annotations: { [replicasBefore]: null } },
      spec: { replicas: 3 },
    });
  });

  it("writes Grafana's database from a pod with its image, user and volume, and nothing else of it", () => {
    const template = {
      spec: {
        securityContext: { runAsUser: 472 },
        containers: [
          { name: "sidecar", image: "other" },
          {
            name: "grafana",
            image: "grafana",
            env: [{ name: "X" }],
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [
              { name: "config", mountPath: "/etc/grafana" },
              { name: "storage", mountPath: "/var/lib/grafana" },
            ],
          },
        ],
        volumes: [
          { name: "config", configMap: {} },
          { name: "storage", persistentVolumeClaim: { claimName: "grafana" } },
        ],
      },
    };
    const { spec, metadata } = helperPod({ spec: { template } } as unknown as V1Deployment);
    expect(spec?.volumes).to.deep.equal([template.spec.volumes[1]]);
    expect(spec?.securityContext).to.deep.equal({ runAsUser: 472 });
    expect(spec?.containers).to.have.length(1);
    expect(spec?.containers[0]).to.include({ image: "grafana" }).and.not.to.have.property("env");
    // Grafana's Service must not send people there.
    expect(metadata?.labels).to.deep.equal({ "app.kubernetes.io/name": "grafana-restore" });
    expect(() =>
      helperPod({ spec: { template: { spec: { containers: [] } } } } as unknown as V1Deployment),
    ).to.throw(UserError, /no volume/);
  });

  it("takes no file for a database that is none, is cut, or is half of one", () => {
    const file = join(temporary(), "grafana.db");
    const header = Buffer.alloc(4096 * 2);
    header.write("SQLite format 3\0", "latin1");
    header.writeUInt16BE(4096, 16);
    header.writeUInt8(1, 18);
    header.writeUInt32BE(2, 28);
    writeFileSync(file, header);
    expect(notSqlite(file)).to.equal(undefined);
    writeFileSync(file, header.subarray(0, 5000));
    expect(notSqlite(file)).to.equal("it has 5000 of 8192 bytes");
    header.writeUInt8(2, 18);
    writeFileSync(file, header);
    expect(notSqlite(file)).to.match(/WAL/);
    writeFileSync(
      file,
      "no database, but a text that is longer than a header of a hundred bytes would ever be, so it is read",
    );
    expect(notSqlite(file)).to.match(/no SQLite/);
  });

  it("leaves a PostgreSQL to its own means", () => {
    expect(foreignDatabase(settings)).to.equal(undefined);
    const database = {
      host: "pg.example.com:5432",
      name: "g",
      user: "g",
      password: "p".repeat(8),
      tls: "require",
    };
    expect(foreignDatabase(parseSettings("dev", { environment: "dev", grafana: { database } }))).to.match(
      /pg_dump/,
    );
  });
});

describe("unit: long work", () => {
  it("does everything, some at a time, and stops at the first failure", async () => {
    let [now, most, done] = [0, 0, 0];
    await each([...Array(20).keys()], 4, async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      done++;
    });
    expect([most, done]).to.deep.equal([4, 20]);
    let begun = 0;
    const work = each([...Array(20).keys()], 2, async (one) => {
      begun++;
      if (one === 3) throw new Error("third");
    });
    expect((await rejection(work)).message).to.equal("third");
    expect(begun).to.be.below(8);
  });

  it("tries again what may pass, and not what stays", async () => {
    let tries = 0;
    const work = async () => {
      if (++tries < 3) throw new Error("not yet");
      return tries;
    };
    expect(await patiently(work, () => false, 0)).to.equal(3);
    tries = 0;
    expect((await rejection(patiently(work, () => true, 0))).message).to.equal("not yet");
    expect(tries).to.equal(1);
    expect((await rejection(within(0.01, "it", new Promise(() => undefined)))).message).to.equal(
      "it: nothing within 0.01 s",
    );
    expect([0, 1023, 1536, 3 * 1024 ** 3].map(readable)).to.deep.equal([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "3.0 GiB",
    ]);
  });
});
