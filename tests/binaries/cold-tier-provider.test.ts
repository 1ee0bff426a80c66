/**
 * The cold tier and the provider (R14): both write the same buckets' lifecycles, with the real engine, and neither
 * reverts the other's changes.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { pulumiProgram } from "../../cli/lib/pulumi";
import { root } from "../../cli/lib/stack-config";
import { coldTier, type Place, runJob, withColdTier } from "../support/cold-tier";
import { Minio } from "../support/minio";
import { type Config, recordingOf, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

/** A program with one lifecycle, whose rules are in its environment. */
const program = `
const minio = require("@pulumi/minio");
const provider = new minio.Provider("minio", {
  minioServer: process.env.MINIO, minioUser: process.env.ROOT_USER, minioPassword: process.env.ROOT_PASSWORD,
});
const rules = JSON.parse(process.env.RULES);
new minio.IlmPolicy("loki-data", { bucket: "loki-data", rules }, { provider });
`;

describe("binaries: the cold tier's lifecycle and the provider's", function () {
  this.timeout(300_000);
  const off: Config = {};
  const on = withColdTier(coldTier);
  const longer = withColdTier(coldTier, { loki: { retention: { application: "60d" } } });
  let folder: string;
  let hot: Minio;
  let cold: Minio;
  let place: Place;

  before(async function () {
    const [server = "", mc = ""] = needs(this, "minio", "mc", "pulumi", "pulumi-resource-minio");
    folder = mkdtempSync(join(tmpdir(), "observability-cold-tier-"));
    hot = await Minio.start(server, join(folder, "hot"));
    cold = await Minio.start(server, join(folder, "cold"));
    await hot.client.makeBucket("loki-data");
    await cold.client.makeBucket(coldTier.bucket);
    place = {
      mc,
      folder: join(folder, "mc"),
      minio: `127.0.0.1:${hot.port}`,
      root: hot.credentials,
      cold: cold.url,
    };
    mkdirSync(join(folder, "state"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: lifecycle\nruntime: nodejs\n");
    writeFileSync(join(folder, "package.json"), '{ "main": "index.js" }\n');
    writeFileSync(join(folder, "index.js"), program);
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await pulumi(off, "stack", "init", "test");
  });

  after(async () => {
    await hot?.stop();
    await cold?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Runs Pulumi with the provider's rules of the stack. */
  async function pulumi(config: Config, ...args: string[]): Promise<void> {
    const { resources } = await recordingOf("prod", config);
    const [policy] = resources.filter(
      ({ type, name }) => type.endsWith(":IlmPolicy") && name === "loki-data",
    );
    const { status, stdout, stderr } = spawnSync(pulumiProgram(), [...args, "--non-interactive"], {
      cwd: folder,
      encoding: "utf8",
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        MINIO: place.minio,
        ROOT_USER: hot.credentials.accessKey,
        ROOT_PASSWORD: hot.credentials.secretKey,
        RULES: JSON.stringify(policy?.inputs["rules"]),
      },
    });
    if (status !== 0) throw new Error(`pulumi ${args.join(" ")}: ${stdout}${stderr}`);
  }
  const up = (config: Config) => pulumi(config, "up", "--yes", "--skip-preview");

  /** The Job, with the credentials of the other server's root user. */
  const job = (config: Config) => {
    const { coldTier: tier } = (config["objectStorage"] as { minio: { coldTier: Config } }).minio;
    const { code, output } = runJob(
      settingsOf("prod", withColdTier({ ...tier, ...cold.credentials }, config)),
      place,
    );
    expect(code, output).to.equal(0);
  };

  /** Days until expiry, and until transition. */
  const days = async () => {
    // A connection that was idle during an update may be closed by then.
    const { Rule } = await until(10, "the lifecycle", async () => {
      return (await hot.client.getBucketLifecycle("loki-data")) as unknown as { Rule: Config[] };
    });
    return [Rule].flat().map((rule) => {
      const { Expiration, Transition } = rule as Record<string, { Days: number } | undefined>;
      return { expire: Number(Expiration?.Days), move: Transition && Number(Transition.Days) };
    });
  };

  it("have only the provider's rules without a cold tier", async () => {
    await up(off);
    expect(await days()).to.deep.equal([{ expire: 37, move: undefined }]);
  });

  it("have the transition at the end of the update that adds it, and the expiry at all times", async () => {
    await up(on);
    expect(await days()).to.deep.equal([{ expire: 37, move: undefined }]);
    job(on);
    expect(await days()).to.deep.equal([{ expire: 37, move: 14 }]);
  });

  it("are not changed by the provider: a refresh finds no changes, nor does the next update", async () => {
    await pulumi(on, "refresh", "--yes", "--expect-no-changes");
    await pulumi(on, "up", "--yes", "--skip-preview", "--expect-no-changes");
    expect(await days()).to.deep.equal([{ expire: 37, move: 14 }]);
  });

  it("follow another retention, in both rules", async () => {
    await up(longer);
    job(longer);
    expect(await days()).to.deep.equal([{ expire: 67, move: 14 }]);
    await pulumi(longer, "refresh", "--yes", "--expect-no-changes");
  });

  it("lose the transition when the cold tier is disabled, and keep the expiry", async () => {
    await up(on);
    job(on);
    await up(off);
    expect(await days()).to.deep.equal([{ expire: 37, move: undefined }]);
  });
});
