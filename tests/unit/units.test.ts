import { expect } from "chai";
import {
  byteRate,
  bytesOf,
  coresText,
  count,
  countText,
  cpu,
  cpuQuantity,
  dailyText,
  dailyVolume,
  duration,
  goDuration,
  megabytes,
  perSecond,
  quantity,
  size,
  sizeText,
  wholeDays,
} from "../../settings/units";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** The parsed value of each text; undefined if it is rejected. */
const units = {
  duration: {
    unit: duration(),
    read: { "15s": 15, "10m": 600, "2h": 7200, "30d": 30 * 86400, "007d": 7 * 86400 },
    refused: ["", "30", "d", "30 d", "1.5h", "-1d", "0s", "30D", "1w", "1h30m", 30, true, null, undefined],
  },
  size: {
    unit: size(),
    read: { "1Ki": 1024, "512Mi": 512 * MiB, "50Gi": 50 * GiB, "2Ti": 2048 * GiB },
    refused: ["", "50", "50G", "50GB", "50 Gi", "0Gi", "1.5Gi", "-1Gi", "50gi", 50, undefined],
  },
  byteRate: {
    unit: byteRate(),
    read: { "64KB/s": 64 * 1024, "10MB/s": 10 * MiB, "1GB/s": GiB },
    refused: ["", "10", "10MB", "10Mi/s", "10 MB/s", "0MB/s", "10MB/m", 10, undefined],
  },
  dailyVolume: {
    unit: dailyVolume(),
    read: { "64MB/day": 64 * MiB, "10GB/day": 10 * GiB, "1TB/day": 1024 * GiB },
    refused: ["", "1TB", "1TB/d", "1.5TB/day", "1 TB/day", "0GB/day", "1KB/day", "1TiB/day", 10, undefined],
  },
  count: {
    unit: count(),
    read: { "250000": 250_000, "100k": 100_000, "1M": 1_000_000, "2G": 2e9 },
    refused: ["", "k", "0", "1.5M", "1m", "1K", "1M/s", "-1", 1.5, 0, true, undefined],
  },
  perSecond: {
    unit: perSecond(),
    read: { "5/s": 5, "20k/s": 20_000, "1M/s": 1_000_000 },
    refused: ["", "5", "20k", "0/s", "1.5k/s", "20K/s", "20k/m", "20k /s", 5, undefined],
  },
  cpu: {
    unit: cpu(),
    read: { "25m": 25, "250m": 250, "1": 1000, "16": 16_000 },
    refused: ["", "m", "0", "0m", "1.5", "250M", "2 cores", 1.5, 0, -1, true, undefined],
  },
};

describe("unit: units", () => {
  for (const [name, { unit, read, refused }] of Object.entries(units)) {
    it(`${name} parses ${Object.keys(read).join(", ")}`, () => {
      for (const [text, value] of Object.entries(read)) expect(unit.parse(text), text).to.equal(value);
    });

    it(`${name} rejects everything else and lists the allowed values`, () => {
      const { allowed } = unit.meta() ?? {};
      expect(allowed).to.match(/^an? .+ such as/);
      for (const text of refused) {
        const { error } = unit.safeParse(text);
        expect(
          error?.issues.map(({ message }) => message),
          JSON.stringify(text),
        ).to.deep.equal([allowed]);
      }
    });
  }

  it("cpu parses whole cores written as a number, as pulumi config set --path writes them", () => {
    expect(cpu().parse(2)).to.equal(2000);
  });

  it("counts can be numbers too, as pulumi config set --path writes them", () => {
    expect(count().parse(250_000)).to.equal(250_000);
  });

  it("readable numbers are cut to three digits, never rounded up", () => {
    expect([1, 999, 1000, 66_666, 343_597, 1_999_999, 0.05].map(countText)).to.deep.equal([
      ...["1", "999", "1k", "66.6k", "343k", "1.99M", "0.05"],
    ]);
    // A tenth has no exact floating-point value.
    expect([19_999_999.999999996, 0.3 * 10].map(countText)).to.deep.equal(["20M", "3"]);
    expect([GiB / 2, 843.75 * GiB, 1024 * GiB].map(dailyText)).to.deep.equal([
      ...["512MB/day", "843GB/day", "1TB/day"],
    ]);
    expect([1000, 1.5 * MiB, 34.96 * GiB, 2048 * GiB].map(sizeText)).to.deep.equal([
      ...["<1Mi", "1.5Mi", "34.9Gi", "2Ti"],
    ]);
    expect([4, 50, 666.6, 10_000].map(coresText)).to.deep.equal(["<0.01", "0.05", "0.666", "10"]);
  });

  it("durations are written in the largest unit that Go and Prometheus both parse", () => {
    const written = { 30: "30s", 90: "90s", 120: "2m", 5400: "90m", 3600: "1h", 2592000: "720h" };
    for (const [seconds, text] of Object.entries(written)) expect(goDuration(Number(seconds))).to.equal(text);
  });

  it("sizes are written in the largest unit that divides them", () => {
    const written: [number, string][] = [
      [50 * GiB, "50Gi"],
      [1536 * MiB, "1536Mi"],
      [2048 * GiB, "2Ti"],
      [1024, "1Ki"],
      [1000, "1000"],
    ];
    for (const [bytes, text] of written) expect(quantity(bytes)).to.equal(text);
  });

  it("written values are parsed as the same value", () => {
    for (const text of ["1Ki", "512Mi", "50Gi", "2Ti"]) {
      expect(quantity(size().parse(text))).to.equal(text);
      expect(bytesOf(text)).to.equal(size().parse(text));
    }
    for (const text of ["25m", "2"]) expect(cpuQuantity(cpu().parse(text))).to.equal(text);
    expect(cpuQuantity(1500)).to.equal("1500m");
  });

  it("parses every form of a quantity that a cluster returns", () => {
    const read = {
      "50Gi": 50 * GiB,
      "50G": 50e9,
      "1.5Gi": 1.5 * GiB,
      "1024": 1024,
      "100k": 100_000,
      "250m": 0.25,
    };
    for (const [text, bytes] of Object.entries(read)) expect(bytesOf(text), text).to.equal(bytes);
    expect(bytesOf("many")).to.be.NaN;
  });

  it("counts megabytes as Loki does", () => {
    expect(megabytes(byteRate().parse("10MB/s"))).to.equal(10);
  });

  it("rounds days up, so that a lifecycle is never shorter than a retention", () => {
    expect([1, 86400, 86401, 30 * 86400].map(wholeDays)).to.deep.equal([1, 1, 2, 30]);
  });
});
