/** Both stacks comply with the policies for the program's own resources; a stack with one change does not. */
import { expect } from "chai";
import { ownSubjects } from "../../cli/commands/policies";
import type { Recording } from "../../cli/lib/record";
import { check, violations } from "../../policies/check";
import { type Environment, nameOf } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { broken } from "../support/broken";
import {
  azureStorage,
  backedUp,
  type Config,
  externalS3,
  gcsStorage,
  identityS3,
  recordingOf,
  shipped,
} from "../support/stacks";

/** The mandatory findings of a recording: `rule subject: message`. */
const found = (recording: Recording, environment: Environment): string[] =>
  violations(check(ownSubjects(recording), { environment })).map(
    ({ rule, subject, message }) => `${rule} ${nameOf(subject)}: ${message}`,
  );

describe("unit: policies over stacks", function () {
  this.timeout(120_000);

  for (const environment of ["dev", "prod"] as const)
    it(`${environment} complies with all of them as shipped`, async () => {
      expect(found(await recordingOf(environment), environment)).to.deep.equal([]);
    });

  const tls = (certificates: string) => ({ network: { policies: true, tls: { certificates } } });
  const variants: Record<string, Config> = {
    "a CA of its own": tls("ownCa"),
    "certificates of cert-manager": tls("certManager"),
    "roles for another S3": { objectStorage: identityS3 },
    "keys of another S3": { objectStorage: { kind: "external", external: externalS3 } },
    "Google Cloud Storage": { objectStorage: gcsStorage },
    "Azure Blob Storage": { objectStorage: azureStorage },
    "agents with client certificates, one of them removed": {
      agents: { "eu-1": {}, "ap-1": { removed: "deleteData" } },
      access: {
        endpoints: {
          loki: "https://hub.stack.test:30443",
          mimir: "https://hub.stack.test:30444",
          tempo: "https://hub.stack.test:30445",
        },
        service: { type: "NodePort", clientCertificates: true },
      },
    },
    "the platform OpenShift": { cluster: { platform: "openshift" } },
    "tsdb and rollups": {
      loki: { schema: [{ from: "2024-01-01", store: "tsdb" }] },
      mimir: { rollups: { fiveMinutes: { retention: "365d" } } },
    },
  };
  for (const [about, config] of Object.entries(variants))
    it(`prod with ${about} complies with all of them`, async () => {
      expect(found(await recordingOf("prod", config), "prod")).to.deep.equal([]);
    });

  it("allow a different sampling ratio for a single service", async () => {
    const config = { tracing: { sampling: { services: { checkout: 0.5 } } } };
    expect(found(await recordingOf("prod", config), "prod")).to.deep.equal([]);
  });

  it("advise the shipped prod stack to deliver alerts and to use TLS, until it does", async () => {
    const advised = async (config: Config) =>
      check(ownSubjects(await recordingOf("prod", config)), { environment: "prod" })
        .filter(({ rule }) => ["alerts-delivered", "tls-inside"].includes(rule))
        .map(({ rule, subject }) => `${rule} ${nameOf(subject)}`)
        .sort();
    const alertmanagers = ["mimir", "monitoring"].map((one) => `Secret ${one}/alertmanager-config`);
    expect(await advised({})).to.deep.equal([
      ...alertmanagers.flatMap((one) => [`alerts-delivered ${one}`, `alerts-delivered ${one}`]),
      ...["tls-inside Release grafana/grafana", "tls-inside Release minio/minio"],
    ]);
    expect(
      await advised({
        alerting: {
          receivers: { oncall: { webhookUrl: "https://alerts.test/hook" } },
          heartbeat: { url: "https://alerts.test/alive", interval: "5m" },
        },
        network: { ...(shipped("prod")["network"] as object), tls: { certificates: "ownCa" } },
      }),
    ).to.deep.equal([]);
  });

  it("prod with backups complies with all of them, without advice about backups", async () => {
    const advised = async (config: Config) =>
      check(ownSubjects(await recordingOf("prod", config)), { environment: "prod" })
        .filter(({ rule }) => rule === "backups-scheduled")
        .map(({ level }) => level);
    expect(found(await recordingOf("prod", backedUp), "prod")).to.deep.equal([]);
    expect(await advised(backedUp)).to.deep.equal([]);
    expect(await advised({})).to.deep.equal(["advisory"]);
  });

  for (const { about, environment = "prod", config = {}, alter, outputs = {}, rule, says } of broken)
    it(`${rule} detects: ${about}`, async () => {
      const recording = structuredClone(await recordingOf(environment, config));
      for (const resource of recording.resources) alter?.(resource);
      for (const [output, value] of Object.entries(outputs))
        recording.outputs[output] = { value, secret: false };
      const told = found(recording, environment);
      const { why } = rules.find(({ id }) => id === rule) ?? { why: "no such rule" };
      const asSaid = says.startsWith("output ") ? `Stack outputs: ${says}` : says;
      expect(
        told.some((line) => line.startsWith(`${rule} ${asSaid}: ${why}. `)),
        told.join("\n"),
      ).to.equal(true);
      // One setting is changed, and only the policy for it reports that.
      expect(told.filter((line) => !line.startsWith(`${rule} `))).to.deep.equal([]);
    });
});
