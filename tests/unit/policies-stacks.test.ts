/** Both stacks comply with the policies for the program's own resources; a stack with one change does not. */
import { expect } from "chai";
import { ownSubjects } from "../../cli/commands/policies";
import type { Recording } from "../../cli/lib/record";
import { check, violations } from "../../policies/check";
import { type Environment, nameOf } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { merge } from "../../settings/tree";
import { type Broken, broken } from "../support/broken";
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

  /** The message about a violation, without its fix. */
  const messageOf = ({ rule, says }: Broken): string => {
    const { why } = rules.find(({ id }) => id === rule) ?? { why: "no such rule" };
    return `${rule} ${says.startsWith("output ") ? `Stack outputs: ${says}` : says}: ${why}. `;
  };

  for (const environment of ["dev", "prod"] as const) {
    const bySettings = broken.filter((one) => one.config && (one.environment ?? "prod") === environment);
    // One stack has all of them, because recording each would take most of the time of these tests.
    it(`${environment} with every forbidden setting has these violations, and no others`, async () => {
      const config = bySettings.reduce<Config>((all, one) => merge(all, one.config ?? {}) as Config, {});
      const told = found(await recordingOf(environment, config), environment);
      for (const one of bySettings)
        expect(
          told.some((line) => line.startsWith(messageOf(one))),
          `${one.about}\n${told.join("\n")}`,
        ).to.equal(true);
      const ids = bySettings.map(({ rule }) => `${rule} `);
      expect(told.filter((line) => !ids.some((id) => line.startsWith(id)))).to.deep.equal([]);
    });
  }

  for (const one of broken.filter(({ config }) => !config))
    it(`${one.rule} detects: ${one.about}`, async () => {
      const recording = structuredClone(await recordingOf("prod"));
      for (const resource of recording.resources) one.alter?.(resource);
      for (const [output, value] of Object.entries(one.outputs ?? {}))
        recording.outputs[output] = { value, secret: false };
      const told = found(recording, "prod");
      expect(
        told.some((line) => line.startsWith(messageOf(one))),
        told.join("\n"),
      ).to.equal(true);
      // One thing is changed, and only the policy for it reports that.
      expect(told.filter((line) => !line.startsWith(`${one.rule} `))).to.deep.equal([]);
    });
});
