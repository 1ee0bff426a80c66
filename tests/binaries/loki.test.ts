/** The chart's configuration for each kind of log storage, validated with the real Loki. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { s3Env } from "../../names";
import { find, renderStack } from "../support/rendered";
import { azureStorage, gcsStorage, identityS3 } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

const keys = { accessKey: "an-access-key", secretKey: "a-secret-key" };

const stacks: Record<string, Record<string, unknown>> = {
  dev: { environment: "dev" },
  prod: { environment: "prod" },
  "prod with S3 by identity": { environment: "prod", objectStorage: identityS3 },
  "prod with Google Cloud Storage": { environment: "prod", objectStorage: gcsStorage },
  "prod with Azure Blob Storage": { environment: "prod", objectStorage: azureStorage },
  "prod with a tsdb period after boltdb-shipper": {
    environment: "prod",
    loki: {
      schema: [
        { from: "2024-01-01", store: "boltdb-shipper" },
        { from: "2027-01-01", store: "tsdb" },
      ],
    },
  },
  "prod with tsdb from the start": {
    environment: "prod",
    loki: { schema: [{ from: "2024-01-01", store: "tsdb" }] },
  },
  "prod with retention of single namespaces": {
    environment: "prod",
    cluster: { systemNamespaces: [] },
    loki: { retention: { namespaces: { "random-backend": "90d" } } },
  },
  "prod with external S3": {
    environment: "prod",
    objectStorage: {
      kind: "external",
      external: {
        endpoint: "s3.eu-west-1.amazonaws.com",
        region: "eu-west-1",
        tls: true,
        pathStyle: false,
        loki: keys,
        mimir: keys,
        tempo: keys,
      },
    },
  },
};

describe("binaries: Loki validates its configuration", function () {
  this.timeout(120_000);
  let loki: string;
  let folder: string;

  before(async function () {
    await needsCharts(this);
    [loki = ""] = needs(this, "loki");
    folder = mkdtempSync(join(tmpdir(), "observability-loki-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** Loki's validation of a configuration: its exit code and output. */
  const verify = (text: string, environment: Record<string, string>) => {
    const file = join(folder, "config.yaml");
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(
      loki,
      [`-config.file=${file}`, "-config.expand-env=true", "-verify-config"],
      { encoding: "utf8", env: { PATH: process.env["PATH"], ...environment } },
    );
    return { status, words: `${stdout}${stderr}` };
  };
  const credentials = { [s3Env.accessKey]: keys.accessKey, [s3Env.secretKey]: keys.secretKey };
  const configuration = async (config: Record<string, unknown>): Promise<string> =>
    find(await renderStack(config), "ConfigMap", "loki")["data"]["config.yaml"];

  for (const [name, config] of Object.entries(stacks))
    it(`of ${name}`, async () => {
      const { status, words } = verify(await configuration(config), credentials);
      expect(status, words).to.equal(0);
    });

  it("and rejects structured metadata with boltdb-shipper", async () => {
    const text = await configuration({ environment: "prod" });
    const broken = text.replace("allow_structured_metadata: false", "allow_structured_metadata: true");
    const { status, words } = verify(broken, credentials);
    expect(status).not.to.equal(0);
    expect(words).to.include("`tsdb` index type is required to store Structured Metadata");
  });

  it("and rejects an unknown setting", async () => {
    const text = await configuration({ environment: "prod" });
    const { status, words } = verify(text.replace("chunk_encoding:", "chunk_encodding:"), credentials);
    expect(status).not.to.equal(0);
    expect(words).to.include("field chunk_encodding not found");
  });
});
