/** Retention (R14): a real Mimir deletes blocks past their tenant's retention, and no others. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { Mimir } from "../support/mimir";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const day = 86_400_000;

describe("binaries: Mimir deletes expired blocks", function () {
  this.timeout(240_000);
  const settings = settingsOf("dev", {
    mimir: {
      retention: "2d",
      // Accepts samples with old timestamps.
      limits: { outOfOrder: "20d" },
      tenants: { pods: {}, nodes: { retention: "10d" } },
      rollups: { fiveMinutes: { retention: "3d" }, oneHour: { retention: "10d" } },
    },
    access: { ingress: { domain: "hub.test" } },
    agents: {
      "eu-1": { removed: "deleteData", mimir: { retention: "10d" } },
      "us-1": { removed: "keepData" },
    },
  });
  /** Ages of the samples in days, and whether they have expired. */
  const tenants = {
    pods: { 5: "deleted", 3: "deleted", 1: "kept" },
    nodes: { 12: "deleted", 5: "kept", 1: "kept" },
    "rollup-5m": { 5: "deleted", 1: "kept" },
    "rollup-1h": { 12: "deleted", 5: "kept", 1: "kept" },
    // Clusters that are gone.
    "eu-1": { 5: "deleted", 1: "deleted" },
    "us-1": { 5: "deleted", 1: "kept" },
  } as const;
  let program: string;
  let folder: string;
  let mimir: Mimir | undefined;

  before(function () {
    [program = ""] = needs(this, "mimir");
    folder = mkdtempSync(join(tmpdir(), "observability-retention-"));
  });

  after(async () => {
    await mimir?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** The ages in days of a tenant's blocks in the bucket, oldest first. */
  const agesOf = (tenant: string): number[] => {
    const bucket = join(folder, "blocks", tenant);
    // Mimir removes the folder with the last object of a deleted tenant.
    if (!existsSync(bucket)) return [];
    return readdirSync(bucket)
      .map((block) => join(bucket, block, "meta.json"))
      .filter((file) => existsSync(file))
      .map((file) => Math.round((Date.now() - JSON.parse(readFileSync(file, "utf8")).maxTime) / day))
      .sort((one, other) => other - one);
  };
  const inBucket = () =>
    Object.fromEntries(Object.keys(tenants).map((tenant) => [tenant, agesOf(tenant)] as const));
  const wanted = (which: (fate: string) => boolean) =>
    Object.fromEntries(
      Object.entries(tenants).map(([tenant, fates]) => [
        tenant,
        Object.entries(fates)
          .filter(([, fate]) => which(fate))
          .map(([age]) => Number(age))
          .sort((one, other) => other - one),
      ]),
    );

  it("accepts samples with old timestamps, and writes them to the bucket", async () => {
    mimir = await Mimir.start(program, folder, settings, ["-compactor.cleanup-interval=1h"]);
    for (const [tenant, fates] of Object.entries(tenants))
      for (const age of Object.keys(fates)
        .map(Number)
        .sort((one, other) => other - one)) {
        const samples = [{ value: age, time: Date.now() - age * day }];
        const { status, body } = await mimir.push(tenant, { labels: { __name__: "old" }, samples });
        expect(status, body).to.equal(200);
      }
    const { status } = await mimir.ask(undefined, "/ingester/flush?wait=true", { method: "POST" });
    expect(status).to.equal(204);
    expect(inBucket()).to.deep.equal(wanted(() => true));
  });

  it("deletes expired ones by each tenant's own retention, and keeps the others", async () => {
    await mimir?.stop();
    mimir = await Mimir.start(program, folder, settings, [
      "-compactor.cleanup-interval=2s",
      "-compactor.deletion-delay=0s",
    ]);
    const kept = JSON.stringify(wanted((fate) => fate === "kept"));
    await until(90, `only ${kept}`, async () =>
      JSON.stringify(inBucket()) === kept ? true : Promise.reject(new Error(JSON.stringify(inBucket()))),
    );
    // Further rounds change nothing.
    await new Promise((done) => setTimeout(done, 6000));
    expect(JSON.stringify(inBucket())).to.equal(kept);
  });
});
