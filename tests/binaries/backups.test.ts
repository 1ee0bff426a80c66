/**
 * The scripts of the backup Jobs, with rclone: from one MinIO to another and back, with the permissions of the Jobs'
 * users. Loki's data survives the loss of everything else.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import imagePins from "../../images.json";
import type { Settings } from "../../settings";
import { backupScript, backupVariables, destinationSecrets } from "../../values/backup-rclone";
import { backupPolicy } from "../../values/minio-access";
import { Loki } from "../support/loki";
import { Minio } from "../support/minio";
import { settingsOf } from "../support/stacks";
import { needs, skip } from "../support/tools";

const secretKey = "secret-of-a-user";
const password = "password-of-the-copy";
const keys = (name: string) => ({ accessKey: name, secretKey });

const settingsFor = (store: number, more: Record<string, unknown> = {}): Settings =>
  settingsOf("prod", {
    objectStorage: {
      kind: "external",
      external: {
        endpoint: `127.0.0.1:${store}`,
        region: "us-east-1",
        tls: false,
        pathStyle: true,
        ...Object.fromEntries(["loki", "mimir", "tempo", "backup", "restore"].map((one) => [one, keys(one)])),
      },
    },
    backups: {
      keepDeleted: "1d",
      destination: {
        provider: "Minio",
        endpoint: "http://copy.elsewhere.svc",
        bucket: "copies",
        prefix: "stack",
        ...keys("copier"),
        password,
        ...more,
      },
    },
  });

describe("binaries: scheduled backups, with rclone between two MinIO servers", function () {
  this.timeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), "observability-backups-"));
  let programs: { minio: string; mc: string; loki: string };
  let copy: Minio;
  let store: Minio;
  let loki: Loki | undefined;
  let starts = 0;

  /** mc as root of a server. */
  const mc = (server: Minio, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(programs.mc, args, {
      encoding: "utf8",
      env: {
        ...process.env,
        MC_CONFIG_DIR: join(folder, "mc"),
        MC_HOST_it: `http://${server.credentials.accessKey}:${server.credentials.secretKey}@127.0.0.1:${server.port}`,
      },
    });
    if (status !== 0) throw new Error(`mc ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };

  const addUser = (server: Minio, name: string, policy: string) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, policy);
    mc(server, "admin", "policy", "create", "it", name, file);
    mc(server, "admin", "user", "add", "it", name, secretKey);
    mc(server, "admin", "policy", "attach", "it", name, "--user", name);
  };

  /** An empty object storage with the stack's buckets and the Jobs' users. */
  const emptyStore = async (): Promise<Minio> => {
    starts++;
    const server = await Minio.start(programs.minio, join(folder, `store-${starts}`));
    const settings = settingsFor(server.port);
    for (const { name } of Object.values(settings.objectStorage.buckets))
      await server.client.makeBucket(name);
    for (const job of ["backup", "restore"] as const) addUser(server, job, backupPolicy(settings, job));
    return server;
  };

  const startLoki = () =>
    Loki.start(
      programs.loki,
      join(folder, `loki-${starts}`),
      { discover_service_name: [], discover_log_levels: false, reject_old_samples: false },
      {
        s3: {
          endpoint: `127.0.0.1:${store.port}`,
          bucketnames: "loki-data",
          region: "us-east-1",
          insecure: true,
          s3forcepathstyle: true,
          access_key_id: store.credentials.accessKey,
          secret_access_key: store.credentials.secretKey,
        },
      },
    );

  /** Runs a Job's script as its container does. */
  const run = (
    job: "backup" | "restore",
    {
      script = "buckets.sh",
      variables = {},
      args = [],
    }: { script?: string; variables?: Record<string, string>; args?: string[] } = {},
  ) => {
    const settings = settingsFor(store.port);
    const { destination } = settings.backups;
    if (!destination) throw new Error("there is no destination");
    const { status, stdout, stderr } = spawnSync("sh", ["-c", backupScript(script, job), job, ...args], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        JOB: job,
        ...backupVariables(settings, destination),
        ...destinationSecrets(destination),
        RCLONE_CONFIG: join(folder, "rclone.conf"),
        RCLONE_CONFIG_DEST_ENDPOINT: copy.url,
        RCLONE_CONFIG_STORE_ACCESS_KEY_ID: job,
        RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: secretKey,
        // Each copied object is a line of the log.
        RCLONE_LOG_LEVEL: "INFO",
        ...variables,
      },
    });
    const log = stdout + stderr;
    return { status, log, copied: log.match(/: Copied \((?!server-side)/g)?.length ?? 0 };
  };

  const succeeded = (result: ReturnType<typeof run>) => {
    expect(result.status, result.log).to.equal(0);
    expect(result.log).to.include("completed");
    return result;
  };

  before(async function () {
    const [minio = "", client = "", lokiProgram = "", rclone = ""] = needs(
      this,
      ...["minio", "mc", "loki", "rclone"],
    );
    const { stdout: version } = spawnSync(rclone, ["version"], { encoding: "utf8" });
    const pinned = imagePins.rclone.split(":")[1];
    if (!version.startsWith(`rclone v${pinned}`))
      skip(this, `rclone is ${version.split("\n")[0]}, not v${pinned}`);
    programs = { minio, mc: client, loki: lokiProgram };
    copy = await Minio.start(minio, join(folder, "copy"));
    await copy.client.makeBucket("copies");
    const [bucket, objects] = ["arn:aws:s3:::copies", "arn:aws:s3:::copies/*"];
    addUser(
      copy,
      "copier",
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Action: ["s3:ListBucket", "s3:GetBucketLocation"], Resource: [bucket] },
          {
            Effect: "Allow",
            Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            Resource: [objects],
          },
        ],
      }),
    );
    store = await emptyStore();
  });
  after(async () => {
    await loki?.stop();
    await store?.stop();
    await copy?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`);

  const found = async () => {
    const query = encodeURIComponent('{app="shop"}');
    const answer = await fetch(`${loki?.url}/loki/api/v1/query_range?query=${query}&since=24h&limit=2000`, {
      headers: { "X-Scope-OrgID": "logs" },
    });
    const { data } = (await answer.json()) as { data: { result: { values: [string, string][] }[] } };
    return data.result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
  };

  it("copies Loki's data, and a block and a rule, encrypted", async () => {
    loki = await startLoki();
    const now = Date.now();
    const values = lines.map((line, i) => [`${now - 60_000 + i}000000`, line]);
    const answer = await fetch(`${loki.url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "X-Scope-OrgID": "logs", "Content-Type": "application/json" },
      body: JSON.stringify({ streams: [{ stream: { app: "shop" }, values }] }),
    });
    expect(answer.status).to.equal(204);
    // A terminating ingester writes its chunks and its index.
    await fetch(`${loki.url}/flush`, { method: "POST" });
    await wait(2000);
    await loki.stop();
    await store.client.putObject("mimir-blocks", "pods/01BLOCK/chunks/000001", "chunks of a block");
    await store.client.putObject("mimir-blocks", "pods/01BLOCK/meta.json", "{}");
    await store.client.putObject("mimir-blocks", "pods/bucket-index.json.gz", "a list");
    await store.client.putObject("mimir-ruler", "rules/pods/group", "first rule");

    succeeded(run("backup"));
    const names = await copy.names("copies");
    expect(names).to.include.members([
      "stack/completed.bin",
      "stack/installation.bin",
      "stack/current/mimir-blocks/pods/01BLOCK/chunks/000001.bin",
      "stack/current/mimir-blocks/pods/01BLOCK/meta.json.bin",
      "stack/current/mimir-ruler/rules/pods/group.bin",
    ]);
    expect(names.filter((name) => name.startsWith("stack/current/loki-data/index/"))).not.to.deep.equal([]);
    expect(names.filter((name) => name.includes("bucket-index"))).to.deep.equal([]);
    const block = mc(copy, "cat", "it/copies/stack/current/mimir-blocks/pods/01BLOCK/chunks/000001.bin");
    expect(block).not.to.include("chunks of a block");
  });

  it("has users with only the necessary permissions", () => {
    const as = (user: string, ...args: string[]) =>
      spawnSync(programs.mc, args, {
        encoding: "utf8",
        input: "x",
        env: {
          ...process.env,
          MC_CONFIG_DIR: join(folder, "mc"),
          MC_HOST_it: `http://${user}:${secretKey}@127.0.0.1:${store.port}`,
        },
      });
    const denied = (...args: string[]) => {
      const { status, stderr } = as("backup", ...args);
      expect(status, args.join(" ")).not.to.equal(0);
      expect(stderr).to.match(/access denied|insufficient permissions/i);
    };
    denied("pipe", "it/loki-data/new");
    denied("rm", "it/mimir-blocks/pods/01BLOCK/meta.json");
    expect(as("restore", "rm", "it/mimir-blocks/pods/01BLOCK/meta.json").stderr).to.match(
      /access denied|insufficient permissions/i,
    );
  });

  it("copies only what changed the next time", async () => {
    // The two small files of each run: the list of buckets, and the time of completion.
    expect(succeeded(run("backup")).log).not.to.match(/current\/.*: Copied|loki-data.*: Copied/);
    expect(run("backup").copied).to.equal(0);
    await store.client.putObject("mimir-blocks", "pods/02BLOCK/chunks/000001", "more");
    await store.client.putObject("mimir-ruler", "rules/pods/group", "another rule");
    expect(succeeded(run("backup")).copied).to.equal(2);
  });

  it("keeps deleted and replaced objects for backups.keepDeleted", async () => {
    await store.client.removeObject("mimir-blocks", "pods/02BLOCK/chunks/000001");
    succeeded(run("backup"));
    const names = async () =>
      (await copy.names("copies")).filter((name) => name.startsWith("stack/deleted/"));
    const deleted = /^stack\/deleted\/\d{14}\/mimir-blocks\/pods\/02BLOCK\/chunks\/000001\.bin$/;
    expect((await names()).filter((name) => deleted.test(name))).to.have.length(1);
    expect((await names()).filter((name) => name.includes("/mimir-ruler/rules/pods/group"))).to.have.length(
      1,
    );
    expect(await copy.names("copies")).not.to.include(
      "stack/current/mimir-blocks/pods/02BLOCK/chunks/000001.bin",
    );
    succeeded(run("backup"));
    expect(await names()).to.have.length(2);
    await wait(2000);
    succeeded(run("backup", { variables: { KEEP_SECONDS: "1" } }));
    expect(await names()).to.deep.equal([]);
  });

  it("rejects another password, and changes nothing", async () => {
    const before = await copy.names("copies");
    for (const job of ["backup", "restore"] as const) {
      const { status, log } = run(job, { variables: { PASSWORD: "another password than before" } });
      expect(status, log).not.to.equal(0);
      expect(log).to.include(
        "backups.destination.password is not the password that this copy was encrypted with",
      );
    }
    expect(await copy.names("copies")).to.deep.equal(before);
  });

  it("restores everything after the loss of the object storage and of Loki", async () => {
    await store.stop();
    store = await emptyStore();
    const refused = run("backup");
    expect(refused.status).not.to.equal(0);
    expect(refused.log).to.include("is of other buckets").and.to.include("./obs restore");

    expect(run("restore").log).to.include("is of other buckets").and.to.include("--take-over");
    succeeded(run("restore", { args: ["--take-over"] }));
    loki = await startLoki();
    expect(await found()).to.deep.equal([...lines].sort());
    expect(await store.names("mimir-blocks")).to.deep.equal([
      "pods/01BLOCK/chunks/000001",
      "pods/01BLOCK/meta.json",
    ]);
    expect(mc(store, "cat", "it/mimir-ruler/rules/pods/group")).to.equal("another rule");
    expect(succeeded(run("backup")).log).not.to.include("loki-data/fake");
  });

  it("restores the state before a deletion", async () => {
    await wait(1100);
    const before = new Date().toISOString().replace(/[-:T]|\..*/g, "");
    await store.client.putObject("mimir-ruler", "rules/pods/group", "a wrong rule");
    // Mimir marks a block, and deletes it two hours later together with the mark.
    await store.client.putObject("mimir-blocks", "pods/01BLOCK/deletion-mark.json", "{}");
    succeeded(run("backup"));
    for (const object of ["deletion-mark.json", "meta.json", "chunks/000001"])
      await store.client.removeObject("mimir-blocks", `pods/01BLOCK/${object}`);
    await wait(1100);
    succeeded(run("backup"));
    await store.client.putObject("mimir-blocks", "pods/04BLOCK/deletion-mark.json", "{}");
    expect(succeeded(run("restore", { args: [before] })).log).to.include(
      "may delete 1 blocks of bucket mimir-blocks",
    );
    await store.client.removeObject("mimir-blocks", "pods/04BLOCK/deletion-mark.json");
    expect(mc(store, "cat", "it/mimir-ruler/rules/pods/group")).to.equal("another rule");
    expect(await store.names("mimir-blocks")).to.deep.equal([
      "pods/01BLOCK/chunks/000001",
      "pods/01BLOCK/meta.json",
    ]);
  });

  it("rejects an empty bucket of an external S3, and another creation time only in MinIO", async () => {
    mc(store, "rb", "--force", "it/mimir-blocks");
    await wait(1100);
    await store.client.makeBucket("mimir-blocks");
    expect(run("backup").log).to.include("is of other buckets");
    await store.client.putObject("mimir-blocks", "pods/03BLOCK/meta.json", "{}");
    succeeded(run("backup"));
    const minio = { RCLONE_CONFIG_STORE_PROVIDER: "Minio" };
    expect(run("backup", { variables: minio }).log).to.include("is of other buckets");
  });

  it("reports that a destination is unavailable", () => {
    const { status, log } = run("backup", {
      variables: {
        RCLONE_CONFIG_DEST_ENDPOINT: "http://127.0.0.1:1",
        RCLONE_LOW_LEVEL_RETRIES: "1",
        RCLONE_RETRIES: "1",
      },
    });
    expect(status).not.to.equal(0);
    expect(log).to.include("cannot be read");
  });

  it("copies Grafana's database and restores it, only for the same secret key", () => {
    const database = join(folder, "grafana.db");
    const content = Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(8192, 7)]);
    writeFileSync(database, content);
    const mark = join(folder, "grafana-volume");
    const variables = { DATABASE: database, MARK: mark, GRAFANA_SECRET_KEY: "key-of-the-first-installation" };
    const options = { script: "grafana.sh", variables };
    succeeded(run("backup", options));
    writeFileSync(database, Buffer.alloc(100));
    const other = { ...variables, GRAFANA_SECRET_KEY: "key-of-another-installation" };
    const refused = run("restore", { script: "grafana.sh", variables: other });
    expect(refused.status).not.to.equal(0);
    expect(refused.log).to.include("grafana.secretKey");
    expect(readFileSync(database).length).to.equal(100);
    // A Grafana that was installed again must not replace the key before the restore.
    const replaced = run("backup", { script: "grafana.sh", variables: other });
    expect(replaced.status).not.to.equal(0);
    expect(replaced.log)
      .to.include("is of a Grafana with another secret key")
      .and.to.include("grafana.secretKey");
    succeeded(run("restore", options));
    expect(readFileSync(database).equals(content)).to.equal(true);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${database}-journal`, "a transaction");
    const busy = run("backup", { ...options, variables: { ...variables, TRIES: "2" } });
    expect(busy.status).not.to.equal(0);
    expect(busy.log).to.include("no copy was consistent");
  });
});
