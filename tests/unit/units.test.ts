import { expect } from "chai";
import {
  byteRate,
  bytesOf,
  cpu,
  cpuQuantity,
  duration,
  goDuration,
  megabytes,
  quantity,
  size,
  wholeDays,
} from "../../settings/units";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** What each text is read as; undefined where it is refused. */
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
  cpu: {
    unit: cpu(),
    read: { "25m": 25, "250m": 250, "1": 1000, "16": 16_000 },
    refused: ["", "m", "0", "0m", "1.5", "250M", "2 cores", 1.5, 0, -1, true, undefined],
  },
};

describe("unit: units", () => {
  for (const [name, { unit, read, refused }] of Object.entries(units)) {
    it(`${name} reads ${Object.keys(read).join(", ")}`, () => {
      for (const [text, value] of Object.entries(read)) expect(unit.parse(text), text).to.equal(value);
    });

    it(`${name} refuses everything else and says what is allowed`, () => {
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

  it("cpu reads whole cores written as a number, as pulumi config set --path writes them", () => {
    expect(cpu().parse(2)).to.equal(2000);
  });

  it("durations are written in the largest unit that Go and Prometheus both read", () => {
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

  it("what is written is read as the same", () => {
    for (const text of ["1Ki", "512Mi", "50Gi", "2Ti"]) {
      expect(quantity(size().parse(text))).to.equal(text);
      expect(bytesOf(text)).to.equal(size().parse(text));
    }
    for (const text of ["25m", "2"]) expect(cpuQuantity(cpu().parse(text))).to.equal(text);
    expect(cpuQuantity(1500)).to.equal("1500m");
  });

  it("reads every form of a quantity that a cluster gives back", () => {
    const read = { "50Gi": 50 * GiB, "50G": 50e9, "1.5Gi": 1.5 * GiB, "1024": 1024, "100k": 100_000 };
    for (const [text, bytes] of Object.entries(read)) expect(bytesOf(text), text).to.equal(bytes);
    expect(bytesOf("many")).to.be.NaN;
  });

  it("counts megabytes as Loki does", () => {
    expect(megabytes(byteRate().parse("10MB/s"))).to.equal(10);
  });

  it("rounds days up, so that a lifecycle never undercuts a retention", () => {
    expect([1, 86400, 86401, 30 * 86400].map(wholeDays)).to.deep.equal([1, 1, 2, 30]);
  });
});
