/** Lifecycles (R14): a real MinIO with the stack's rules deletes expired objects, and no others. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { type BucketKey, bucketLifecycles } from "../../values/minio-access";
import { Minio } from "../support/minio";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: MinIO applies its lifecycles", function () {
  this.timeout(300_000);
  const settings = settingsOf("prod");
  const { buckets } = settings.objectStorage;
  const lifecycles = Object.entries(bucketLifecycles(settings)) as [
    BucketKey,
    ReturnType<typeof bucketLifecycles>[BucketKey],
  ][];
  let folder: string;
  let minio: Minio;

  before(async function () {
    const [program = ""] = needs(this, "minio");
    folder = mkdtempSync(join(tmpdir(), "observability-lifecycle-"));
    minio = await Minio.start(program, folder);
    for (const [key, { expireAfterDays, keepOldVersionsForDays }] of lifecycles) {
      const { name } = buckets[key];
      await minio.client.makeBucket(name);
      if (keepOldVersionsForDays) await minio.client.setBucketVersioning(name, { Status: "Enabled" });
      // Objects first, so that an expired one is deleted by the rule instead of rejected.
      if (expireAfterDays)
        for (const age of [expireAfterDays + 2, expireAfterDays - 2, 0])
          await minio.put(name, `of/${age}-days`, age);
      if (keepOldVersionsForDays)
        for (const successor of [keepOldVersionsForDays + 2, keepOldVersionsForDays - 2])
          for (const age of [400, successor]) await minio.put(name, `replaced-${successor}-days-ago`, age);
    }
  });

  after(async () => {
    await minio?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Everything in every bucket, including old versions. */
  const inBuckets = async () =>
    Object.fromEntries(
      await Promise.all(
        lifecycles.map(
          async ([key, { keepOldVersionsForDays }]) =>
            [
              buckets[key].name,
              await minio.names(buckets[key].name, Boolean(keepOldVersionsForDays)),
            ] as const,
        ),
      ),
    );
  const wanted = (afterwards: boolean) =>
    Object.fromEntries(
      lifecycles.map(([key, { expireAfterDays = 0, keepOldVersionsForDays = 0 }]) => {
        const ages = [...(afterwards ? [] : [expireAfterDays + 2]), expireAfterDays - 2, 0];
        const replaced = (days: number, withOld: boolean) => [
          `replaced-${days}-days-ago`,
          ...(withOld ? [`replaced-${days}-days-ago (old)`] : []),
        ];
        const objects = keepOldVersionsForDays
          ? [
              ...replaced(keepOldVersionsForDays - 2, true),
              ...replaced(keepOldVersionsForDays + 2, !afterwards),
            ]
          : ages.map((age) => `of/${age}-days`);
        return [buckets[key].name, objects.sort()];
      }),
    );

  it("has objects of all ages before there are rules", async () => {
    expect(await inBuckets()).to.deep.equal(wanted(false));
  });

  /** Objects of a bucket with all versions. */
  const count = async (bucket: string): Promise<number> => {
    let objects = 0;
    for await (const _ of minio.client.listObjects(bucket, "", true, { IncludeVersion: true })) objects++;
    return objects;
  };

  it("deletes objects two days after their expiry and keeps them two days before it, in every bucket", async () => {
    const first = Object.fromEntries(
      await Promise.all(Object.values(buckets).map(async ({ name }) => [name, await count(name)] as const)),
    );
    for (const [key, { expireAfterDays, keepOldVersionsForDays }] of lifecycles)
      await minio.client.setBucketLifecycle(buckets[key].name, {
        Rule: [
          {
            ID: "rule",
            Status: "Enabled",
            Filter: { Prefix: "" },
            ...(expireAfterDays && { Expiration: { Days: expireAfterDays } }),
            ...(keepOldVersionsForDays && {
              NoncurrentVersionExpiration: { NoncurrentDays: keepOldVersionsForDays },
            }),
          },
        ],
      });
    const kept = JSON.stringify(wanted(true));
    await until(240, `only ${kept}`, async () => {
      const found = JSON.stringify(await inBuckets());
      if (found !== kept) throw new Error(`there is still ${found}`);
      return true;
    });
    // One object or old version in each is deleted.
    for (const [name, before] of Object.entries(first)) expect(await count(name), name).to.equal(before - 1);
  });
});
