/** `obs storage`: the report made from MinIO's metrics. */
import { expect } from "chai";
import { type Configured, type Measured, reportOf, textOf } from "../../cli/commands/storage";

const GiB = 1024 ** 3;
const by = (values: Record<string, number>) => new Map(Object.entries(values));
const buckets = (quotas: Record<string, number | undefined>): Configured[] =>
  Object.entries(quotas).map(([name, quota]) => ({ name, quota }));
const measured = (more: Partial<Measured> = {}): Measured => ({
  bytes: by({ logs: 10 * GiB, blocks: 20 * GiB }),
  objects: by({ logs: 111, blocks: 9 }),
  growthPerDay: by({ logs: GiB, blocks: 3 * GiB }),
  free: by({ "": 200 * GiB }),
  ...more,
});

describe("unit: obs storage", () => {
  it("reports when a bucket is full: its quota or the volumes, whichever comes first", () => {
    const report = reportOf(buckets({ logs: 15 * GiB, blocks: undefined, empty: undefined }), measured());
    expect(report.map(({ bucket, daysUntilFull }) => [bucket, daysUntilFull])).to.deep.equal([
      ["logs", 5],
      ["blocks", 50],
      ["empty", undefined],
    ]);
  });

  it("reports no date for a bucket that does not grow, or a full one at once", () => {
    const still = measured({ growthPerDay: by({ logs: -GiB, blocks: 2 * GiB }) });
    const report = reportOf(buckets({ logs: 15 * GiB, blocks: 20 * GiB }), still);
    expect(report.map(({ daysUntilFull }) => daysUntilFull)).to.deep.equal([undefined, 0]);
    const unknown = measured({ growthPerDay: new Map(), free: new Map() });
    expect(JSON.parse(JSON.stringify(reportOf(buckets({ logs: GiB }), unknown)))).to.deep.equal([
      { bucket: "logs", objects: 111, bytes: 10 * GiB, quota: GiB },
    ]);
  });

  it("reports no date for a bucket from which retention deletes as much before", () => {
    const days = (kept: number) =>
      reportOf(
        [
          { name: "logs", quota: 15 * GiB, kept },
          { name: "blocks", kept },
        ],
        measured(),
      ).map(({ daysUntilFull }) => daysUntilFull);
    // 6 and 28 GiB until retention deletes them; 200 GiB are free.
    expect(days(16)).to.deep.equal([5, undefined]);
    expect(days(15)).to.deep.equal([undefined, undefined]);
    expect(days(100)).to.deep.equal([5, 50]);
  });

  it("prints a table that marks less than 30 days", () => {
    const report = reportOf(buckets({ logs: 15 * GiB, blocks: undefined, empty: undefined }), measured());
    expect(
      textOf(report, 200 * GiB)
        .split("\n")
        .slice(0, 4),
    ).to.deep.equal([
      "bucket  objects  size  growth/day  quota  full in",
      "logs    111      10Gi  +1Gi        15Gi   5 d (!)",
      "blocks  9        20Gi  +3Gi        -      50 d",
      "empty   -        -     -           -      -",
    ]);
  });
});
