/** A real MinIO on a full drive: rejected and accepted requests, and how expiry frees space. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { bucketLifecycles } from "../../values/minio-access";
import { Minio } from "../support/minio";
import { settingsOf } from "../support/stacks";
import { needs, skip } from "../support/tools";

const MiB = 1024 ** 2;
const full = "XMinioStorageFull";

describe("binaries: a full MinIO recovers", function () {
  this.timeout(120_000);
  let folder: string;
  let minio: Minio;
  const bucket = settingsOf("prod").objectStorage.buckets.loki.name;
  const run = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
  const old = Array.from({ length: 10 }, (_, index) => `old-${index}`);
  let kept: string[];

  before(async function () {
    const [program = ""] = needs(this, "minio");
    folder = mkdtempSync(join(tmpdir(), "observability-full-"));
    const drive = join(folder, "drive");
    // Without reserved blocks for root, which MinIO in a pod cannot use.
    const mounted =
      run("truncate", "--size=160M", `${drive}.img`) &&
      run("mkfs.ext4", "-q", "-m", "0", `${drive}.img`) &&
      run("mkdir", drive) &&
      run("mount", "-o", "loop", `${drive}.img`, drive);
    if (!mounted) skip(this, "a file cannot be mounted as a file system here");
    minio = await Minio.start(program, drive);
    await minio.client.makeBucket(bucket);
  });

  after(async () => {
    await minio?.stop();
    if (!folder) return;
    run("umount", join(folder, "drive"));
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (name: string, size = MiB) => minio.client.putObject(bucket, name, Buffer.alloc(size, name));
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "accepted",
      (error: { code: string }) => error.code,
    );

  /** The lifecycle of shorter retentions, as `up` sets it. */
  function shorten(): Promise<void> {
    const { loki } = bucketLifecycles(
      settingsOf("prod", {
        loki: { retention: { application: "10d", system: "10d", journal: "10d", events: "10d" } },
        objectStorage: { lifecycleMargin: "1d" },
      }),
    );
    expect(loki.expireAfterDays).to.equal(11);
    return minio.client.setBucketLifecycle(bucket, {
      Rule: [{ ID: "rule", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 11 } }],
    });
  }

  it("rejects every write, and serves reads", async () => {
    for (const name of old) await minio.put(bucket, name, 20, 4 * MiB);
    await minio.put(bucket, "young", 5, MiB);
    const accepted: string[] = [];
    // MinIO keeps a share of the drive free, so smaller objects still fit when a large one does not. The smallest has
    // the size of a compactor's write before a deletion.
    for (const size of [MiB, 64 * 1024, 100])
      await until(60, `a refusal of ${size} bytes`, async () => {
        let answer = "accepted";
        while (answer === "accepted") {
          const name = `new-${accepted.length}`;
          answer = await refusal(write(name, size));
          if (answer === "accepted") accepted.push(name);
        }
        return answer === full || undefined;
      });
    expect(accepted.length).to.be.greaterThan(50);
    expect((await minio.client.statObject(bucket, "young")).size).to.equal(MiB);
    kept = ["young", ...accepted];
  });

  it("accepts no lifecycle on a drive without a free byte, until one object is deleted", async () => {
    run("dd", "if=/dev/zero", `of=${join(folder, "drive", "other")}`, "bs=1k");
    expect(await refusal(shorten())).to.equal(full);
    await minio.client.removeObject(bucket, "old-0");
    await until(20, "a lifecycle that is accepted", async () => {
      await shorten();
      return true;
    });
  });

  it("then deletes exactly what the shorter retention expires, and accepts writes", async () => {
    await until(60, "only what retention keeps", async () => {
      const found = await minio.names(bucket);
      return JSON.stringify(found) === JSON.stringify([...kept].sort()) || undefined;
    });
    await until(60, "room for an object", () => write("again"));
  });
});
