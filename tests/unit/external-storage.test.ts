import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { lokiValues } from "../../values/loki";
import { mimirValues } from "../../values/mimir";
import { flows } from "../../values/network-flows";
import { tempoValues } from "../../values/tempo";
import {
  azureStorage,
  type Config,
  externalS3,
  gcsStorage,
  identityS3,
  recordingOf,
  settingsOf,
} from "../support/stacks";

// biome-ignore lint/suspicious/noExplicitAny: values are read deeply
type Any = any;

/**
 * Runs an init container's command with an `nc` that succeeds on a given attempt, without waiting. @returns each call
 * of `nc`
 */
function attemptsOf({ command }: { command: string[] }, succeeds: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), "wait-"));
  const calls = join(folder, "calls");
  const script = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  try {
    script("nc", `echo "$@" >> ${calls}; [ "$(wc -l < ${calls})" -ge ${succeeds} ]`);
    // A clock on which each attempt takes three seconds.
    script("date", `touch ${calls}; echo $((3 * $(wc -l < ${calls})))`);
    script("sleep", ":");
    const [program = "", ...options] = command;
    execFileSync(program, options, { env: { PATH: `${folder}:${process.env["PATH"]}` } });
    return readFileSync(calls, "utf8").trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const valuesOf = (objectStorage: Config): { loki: Any; mimir: Any; tempo: Any } => {
  const settings = settingsOf("prod", { objectStorage });
  return { loki: lokiValues(settings), mimir: mimirValues(settings), tempo: tempoValues(settings) };
};
const annotationsOf = ({ loki, mimir, tempo }: ReturnType<typeof valuesOf>) =>
  [loki, mimir, tempo].map(({ serviceAccount }) => serviceAccount?.annotations);
const labelsOf = ({ loki, mimir, tempo }: ReturnType<typeof valuesOf>) =>
  [loki.defaults, mimir.global, tempo.global].map(({ podLabels }) => podLabels);

describe("unit: object storage with cloud identity", function () {
  this.timeout(300_000);

  it("S3: a role for each ServiceAccount, and no keys anywhere", async () => {
    const values = valuesOf(identityS3);
    const { loki, mimir, tempo } = values;
    expect(annotationsOf(values)).to.deep.equal([
      { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/loki" },
      { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/mimir" },
      undefined, // EKS Pod Identity
    ]);
    expect(loki.defaults.extraEnvFrom).to.deep.equal([]);
    expect(loki.loki.storage.s3).to.not.have.any.keys("accessKeyId", "secretAccessKey");
    expect(mimir.mimir.structuredConfig.common.storage.s3.native_aws_auth_enabled).to.equal(true);
    expect(tempo.storage.trace.s3).to.not.have.any.keys("access_key", "secret_key");
    expect(JSON.stringify(values)).to.not.match(/S3_(ACCESS|SECRET)_KEY/);
    const { resources } = await recordingOf("prod", { objectStorage: identityS3 });
    expect(resources.filter(({ name }) => /^(loki|mimir|tempo)-s3$/.test(name))).to.deep.equal([]);
  });

  it("Google Cloud Storage: Workload Identity", () => {
    const values = valuesOf(gcsStorage);
    const { loki, mimir, tempo } = values;
    expect(annotationsOf(values)).to.deep.equal([
      { "iam.gke.io/gcp-service-account": "loki@project.iam.gserviceaccount.com" },
      undefined,
      undefined,
    ]);
    expect(loki.loki.storage.type).to.equal("gcs");
    expect(loki.loki.schemaConfig.configs.map((one: Any) => one.object_store)).to.deep.equal(["gcs"]);
    expect(loki.loki.compactor.delete_request_store).to.equal("gcs");
    const { common, blocks_storage, ruler_storage } = mimir.mimir.structuredConfig;
    expect(common.storage).to.deep.equal({ backend: "gcs" });
    expect(blocks_storage.gcs).to.deep.equal({ bucket_name: "mimir-blocks" });
    expect(ruler_storage.gcs).to.deep.equal({ bucket_name: "mimir-ruler" });
    expect(tempo.storage.trace).to.deep.equal({ backend: "gcs", gcs: { bucket_name: "tempo-data" } });
  });

  it("Azure Blob Storage: workload identity, with the label for its webhook", () => {
    const values = valuesOf(azureStorage);
    const { loki, mimir, tempo } = values;
    const use = { "azure.workload.identity/use": "true" };
    expect(labelsOf(values)).to.deep.equal([use, use, use]);
    expect(annotationsOf(values)[2]).to.deep.equal({
      "azure.workload.identity/client-id": "33333333-3333-3333-3333-333333333333",
    });
    expect(loki.loki.storage.azure).to.deep.equal({
      accountName: "observability",
      endpointSuffix: "blob.core.windows.net",
      useFederatedToken: true,
    });
    const { common, alertmanager_storage } = mimir.mimir.structuredConfig;
    expect(common.storage.azure).to.deep.equal({
      account_name: "observability",
      endpoint_suffix: "blob.core.windows.net",
    });
    expect(alertmanager_storage.azure).to.deep.equal({ container_name: "mimir-alertmanager" });
    expect(tempo.storage.trace.azure.use_federated_token).to.equal(true);
  });

  it("stores may connect to the endpoint, and to the token service", () => {
    const out = (objectStorage: Config) =>
      flows(settingsOf("prod", { objectStorage }))
        .filter(({ from, why }) => from === "loki" && /objects|identity/.test(why))
        .map(({ to, ports }) => [to, ports]);
    const cloud = [
      ["anywhere", [443]],
      ["anywhere", [443]],
      ["metadata", [80, 988]],
    ];
    for (const storage of [identityS3, gcsStorage, azureStorage]) expect(out(storage)).to.deep.equal(cloud);
    expect(out({})).to.deep.equal([["minio", [9000]]]);
  });

  it("pods wait for it for a minute, and exit without it", () => {
    const { loki, mimir, tempo } = valuesOf({ kind: "external", external: externalS3 });
    const waiting = (values: Any) =>
      Object.keys(values)
        .filter((name) => values[name]?.initContainers)
        .sort();
    expect(waiting(loki)).to.deep.equal(["compactor", "indexGateway", "querier"]);
    expect(waiting(mimir)).to.deep.equal(["alertmanager", "compactor", "ingester", "store_gateway"]);
    expect(waiting(tempo)).to.deep.equal([
      "compactor",
      "ingester",
      "metricsGenerator",
      "querier",
      "queryFrontend",
    ]);
    const [container] = tempo.querier.initContainers;
    expect(attemptsOf(container, 3)).to.deep.equal(Array(3).fill("-z -w 2 s3.example.com 443"));
    // A store behind a proxy, or with a wrong endpoint, starts and reports the error itself.
    expect(attemptsOf(container, 1000)).to.have.length(20);
  });
});
