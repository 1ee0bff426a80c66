/** What `obs storage` makes of two looks at the buckets. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readLooks } from "../../cli/commands/storage";
import { count } from "../../cli/commands/storage/measure";
import { type Findings, type Look, reference, reportOf, withLook } from "../../cli/commands/storage/report";
import { bytesText, tableOf } from "../../cli/commands/storage/table";

const GiB = 1024 ** 3;
const day = 86_400_000;
const now = Date.UTC(2026, 10, 23, 12);

const held = (bytes: number, objects = 1) => ({ bytes, objects, newest: now });
const lookOf = (daysAgo: number, buckets: Record<string, number>): Look => ({
  at: now - daysAgo * day,
  buckets: Object.fromEntries(Object.entries(buckets).map(([name, bytes]) => [name, held(bytes)])),
});
const findings = (more: Partial<Findings> = {}): Findings => ({
  look: lookOf(0, { logs: 10 * GiB, blocks: 20 * GiB }),
  before: { logs: { objects: 0, bytes: 7 * GiB }, blocks: { objects: 1, bytes: 19 * GiB } },
  earlier: [],
  quotas: {},
  ...more,
});
const lineOf = (bucket: string, more: Partial<Findings>) =>
  reportOf(findings(more)).buckets.find((line) => line.bucket === bucket);

async function* listing(...objects: [size: number, at: number][]) {
  for (const [size, at] of objects) yield { size, lastModified: new Date(at) };
}

describe("unit: obs storage", () => {
  it("counts a bucket, and what of an earlier look is still there", async () => {
    const counted = await count(listing([5, 100], [7, 200], [9, 300]), 200);
    expect(counted).to.deep.equal({
      held: { objects: 3, bytes: 21, newest: 300 },
      before: { objects: 2, bytes: 12 },
    });
    expect((await count(listing())).held).to.deep.equal({ objects: 0, bytes: 0, newest: 0 });
  });

  it("tells what was freed: what the last look saw and is no longer there", () => {
    const earlier = [lookOf(2, { logs: 100 * GiB }), lookOf(1, { logs: 8 * GiB, blocks: 19 * GiB })];
    expect(lineOf("logs", { earlier })?.freed).to.deep.equal({ objects: 1, bytes: GiB });
    expect(lineOf("blocks", { earlier })?.freed).to.deep.equal({ objects: 0, bytes: 0 });
    expect(reportOf(findings({ earlier })).since).to.equal(now - day);
  });

  it("tells nothing of the kind at the first look, or of a bucket that is new", () => {
    expect(lineOf("logs", {})).not.to.have.any.keys("freed", "growthPerDay", "daysUntilFull");
    expect(lineOf("logs", { earlier: [lookOf(1, { blocks: 1 })] })).not.to.have.any.keys("freed");
  });

  it("measures growth over up to a week, never over less than an hour", () => {
    const looks = [lookOf(8, {}), lookOf(6, {}), lookOf(1, {}), lookOf(0.01, {})];
    expect(reference(looks, now)).to.equal(looks[1]);
    expect(reference([lookOf(0.01, {})], now)).to.equal(undefined);
    const earlier = [lookOf(4, { logs: 2 * GiB, blocks: 24 * GiB })];
    expect(lineOf("logs", { earlier })).to.include({ growthPerDay: 2 * GiB, growthFrom: "looks" });
    expect(lineOf("blocks", { earlier })).to.include({ growthPerDay: -GiB });
  });

  it("takes MinIO's metrics until there is a look of an hour ago", () => {
    const trend = { logs: 3 * GiB };
    expect(lineOf("logs", { trend })).to.include({ growthPerDay: 3 * GiB, growthFrom: "metrics" });
    const earlier = [lookOf(1, { logs: 9 * GiB, blocks: 20 * GiB })];
    expect(lineOf("logs", { trend, earlier })).to.include({ growthPerDay: GiB, growthFrom: "looks" });
  });

  it("says when a bucket is full: by its quota or by the volumes, whichever comes first", () => {
    const trend = { logs: GiB, blocks: GiB };
    const full = (quotas: Record<string, number>, free?: number) =>
      lineOf("logs", { trend, quotas, ...(free !== undefined && { free }) })?.daysUntilFull;
    expect(full({})).to.equal(undefined);
    expect(full({}, 100 * GiB)).to.equal(50); // both buckets fill the volumes
    expect(full({ logs: 50 * GiB }, 100 * GiB)).to.equal(40);
    expect(full({ logs: 500 * GiB }, 100 * GiB)).to.equal(50);
    expect(full({ logs: 5 * GiB }, 100 * GiB)).to.equal(0);
    expect(lineOf("logs", { trend: { logs: -GiB, blocks: 2 * GiB }, free: 100 * GiB })).not.to.have.any.keys(
      "daysUntilFull",
    );
  });

  it("warns when that is within a month, or a quota is nearly used", () => {
    const warnings = (more: Partial<Findings>) => reportOf(findings(more)).warnings;
    expect(warnings({ trend: { logs: GiB, blocks: 0 }, free: 31 * GiB })).to.deep.equal([]);
    expect(warnings({ trend: { logs: GiB, blocks: 0 }, free: 29 * GiB })).to.deep.equal([
      "the volumes are full in 29 days: raise objectStorage.minio.disk or shorten what is kept",
    ]);
    expect(warnings({ quotas: { logs: 12.5 * GiB } })).to.deep.equal(["logs holds 80 % of its quota"]);
    expect(warnings({ quotas: { logs: 20 * GiB }, trend: { logs: GiB } })).to.deep.equal([
      "logs reaches its quota in 10 days: raise it or shorten what is kept",
    ]);
  });

  it("shows all of it in a table", () => {
    const earlier = [lookOf(1, { logs: 9 * GiB, blocks: 20 * GiB })];
    const table = tableOf(reportOf(findings({ earlier, free: 20 * GiB, quotas: { logs: 15 * GiB } })));
    expect(table.split("\n")).to.deep.equal([
      "bucket   objects      size  growth a day  freed (objects)          quota  full in",
      "logs           1  10.0 GiB      +1.0 GiB      2.0 GiB (1)       15.0 GiB    ! 5 d",
      "blocks         1  20.0 GiB          +0 B      1.0 GiB (0)              –        –",
      "volumes        2  30.0 GiB      +1.0 GiB          3.0 GiB  20.0 GiB free   ! 20 d",
      "",
      "Freed since 2026-11-22 12:00 UTC.",
      "! logs reaches its quota in 5 days: raise it or shorten what is kept",
      "! the volumes are full in 20 days: raise objectStorage.minio.disk or shorten what is kept",
    ]);
    expect(tableOf(reportOf(findings()))).to.include("from the second look on");
  });

  it("writes sizes in the unit that they fill", () => {
    expect([0, 1023, 1024, 1536, 200 * 1024 ** 2, 5 * 1024 ** 4].map(bytesText)).to.deep.equal([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "200 MiB",
      "5.0 TiB",
    ]);
  });

  it("remembers looks, not for ever, and begins anew where the file is broken", () => {
    const looks = Array.from({ length: 250 }, (_, index) => lookOf(250 - index, {}));
    const kept = withLook(looks, lookOf(0, {}));
    expect(kept).to.have.length(200);
    expect(kept.at(-1)).to.deep.equal(lookOf(0, {}));
    const folder = mkdtempSync(join(tmpdir(), "observability-looks-"));
    const file = join(folder, "storage.json");
    expect(readLooks(file)).to.deep.equal([]);
    writeFileSync(file, "{");
    expect(readLooks(file)).to.deep.equal([]);
    writeFileSync(file, JSON.stringify({ looks: [lookOf(1, { logs: 3 })] }));
    expect(readLooks(file)).to.deep.equal([lookOf(1, { logs: 3 })]);
    rmSync(folder, { recursive: true });
  });
});
