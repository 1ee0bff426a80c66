/** Scheduled backups: the CronJobs, their Secrets, and their permissions. */
import { expect } from "chai";
import { podSecurity } from "../../names";
import { backupCronJobs } from "../../values/backups";
import { backupPolicy } from "../../values/minio-access";
import { backedUp, type Config, externalS3, recordingOf, settingsOf, shipped } from "../support/stacks";

const destination = backedUp.backups.destination;
const jobs = (config: Config = backedUp) => backupCronJobs(settingsOf("prod", config));
const podOf = (job: ReturnType<typeof jobs>[number]) => job.spec.jobTemplate.spec.template.spec;
const containerOf = (job: ReturnType<typeof jobs>[number]) => {
  const [container] = podOf(job).containers;
  if (!container) throw new Error("a pod has no container");
  return container;
};
const variable = (job: ReturnType<typeof jobs>[number], name: string) =>
  containerOf(job).env.find((one) => one.name === name);

describe("unit: scheduled backups", () => {
  it("do not exist without a destination", async () => {
    expect(jobs({})).to.deep.equal([]);
    const { resources } = await recordingOf("prod");
    expect(
      resources.filter(({ name }) => /backup|restore/.test(name) && name !== "observability-backups"),
    ).to.deep.equal([]);
  });

  it("are a CronJob on the schedule and a suspended one for restores, for the buckets and for Grafana's database", () => {
    const all = jobs({ backups: { ...backedUp.backups, schedule: "0 3 * * 0" } });
    expect(
      all.map(({ metadata, spec }) => [
        `${metadata.namespace}/${metadata.name}`,
        spec.suspend,
        spec.schedule,
      ]),
    ).to.deep.equal([
      ["backup/backup", false, "0 3 * * 0"],
      ["backup/restore", true, "0 3 * * 0"],
      ["grafana/backup", false, "0 3 * * 0"],
      ["grafana/restore", true, "0 3 * * 0"],
    ]);
    // A failed restore is repeated only on request.
    expect(all.map(({ spec }) => spec.jobTemplate.spec.backoffLimit)).to.deep.equal([2, 0, 2, 0]);
  });

  it("do not include PostgreSQL, which has its own tools", () => {
    const database = {
      host: "db.test:5432",
      name: "grafana",
      user: "grafana",
      password: "p",
      tls: "require",
    };
    const grafana = { ...(shipped("prod")["grafana"] as object), database };
    expect(jobs({ ...backedUp, grafana }).map(({ metadata }) => metadata.namespace)).to.deep.equal([
      "backup",
      "backup",
    ]);
  });

  it("comply with Pod Security's restricted level", () => {
    expect(podSecurity.backup).to.equal("restricted");
    for (const job of jobs()) {
      expect(podOf(job)).to.deep.include({ automountServiceAccountToken: false, restartPolicy: "Never" });
      expect(podOf(job).securityContext).to.include({ runAsNonRoot: true });
      expect(containerOf(job).securityContext).to.deep.include({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });

  it("read Grafana's volume on the node of Grafana; a restore writes it on any node", () => {
    const [, , backup, restore] = jobs();
    if (!backup || !restore) throw new Error("Jobs are missing");
    const mount = (job: typeof backup) =>
      containerOf(job).volumeMounts.find(({ name }) => name === "database");
    expect(mount(backup)).to.include({ readOnly: true });
    expect(mount(restore)).to.include({ readOnly: false });
    // The folder with the mark of the volume.
    for (const job of [backup, restore])
      expect(containerOf(job).volumeMounts).to.deep.include({
        name: "database",
        mountPath: "/var/lib/grafana-backup",
        subPath: "backup",
        readOnly: false,
      });
    expect(podOf(backup)).to.have.nested.property("affinity.podAffinity");
    expect(podOf(restore)).not.to.have.property("affinity");
  });

  it("contain secrets only as references", async () => {
    const { resources } = await recordingOf("prod", backedUp);
    const secrets = [destination.accessKey, destination.secretKey, destination.password];
    const plain = resources.filter(({ type }) => !type.endsWith(":Secret"));
    for (const secret of secrets)
      expect(JSON.stringify(plain.map(({ inputs }) => inputs))).not.to.include(secret);
    const names = resources.filter(({ type }) => type.endsWith(":Secret")).map(({ name }) => name);
    expect(names).to.include.members([
      "backup-s3",
      "restore-s3",
      "backup-backup-destination",
      "grafana-backup-destination",
    ]);
  });

  it("use the user of their kind, which may read or also write, but not delete", async () => {
    const [backup, restore] = jobs();
    if (!backup || !restore) throw new Error("Jobs are missing");
    const secret = (job: typeof backup) =>
      variable(job, "RCLONE_CONFIG_STORE_ACCESS_KEY_ID")?.valueFrom?.secretKeyRef.name;
    expect([secret(backup), secret(restore)]).to.deep.equal(["backup-s3", "restore-s3"]);
    const settings = settingsOf("prod", backedUp);
    const actions = (job: "backup" | "restore") => backupPolicy(settings, job).match(/s3:\w+/g) ?? [];
    expect(actions("backup").filter((action) => /Put|Delete|Abort/.test(action))).to.deep.equal([]);
    expect(actions("restore")).to.include("s3:PutObject").and.not.to.include("s3:DeleteObject");
    const { resources } = await recordingOf("prod", backedUp);
    const users = resources.filter(({ type }) => type.endsWith(":IamUser")).map(({ name }) => name);
    expect(users).to.include.members(["backup", "restore"]);
  });

  it("verify certificates of the stack's CA and of the destination's CA", () => {
    const caCertificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const folders = (config: Config) => jobs(config).map((job) => variable(job, "SSL_CERT_DIR")?.value);
    expect(folders(backedUp)).to.deep.equal([undefined, undefined, undefined, undefined]);
    const network = { policies: true, nodes: ["10.0.0.0/16"], tls: { certificates: "ownCa" } };
    const [own, other] = ["/etc/observability-ca", "/etc/backup-ca"];
    expect(folders({ ...backedUp, network })).to.deep.equal([own, own, undefined, undefined]);
    const backups = { destination: { ...destination, caCertificate } };
    expect(folders({ backups, network })).to.deep.equal([`${own}:${other}`, `${own}:${other}`, other, other]);
  });

  it("read an external S3 with the credentials in the settings", async () => {
    const external = {
      ...externalS3,
      backup: { accessKey: "reader", secretKey: "reader-secret" },
      restore: { accessKey: "writer", secretKey: "writer-secret" },
    };
    const config = { ...backedUp, objectStorage: { kind: "external", external } };
    const [job] = jobs(config);
    expect(job && variable(job, "RCLONE_CONFIG_STORE_ENDPOINT")?.value).to.equal(
      "https://s3.example.com:443",
    );
    const { resources } = await recordingOf("prod", config);
    const secret = resources.find(({ name }) => name === "restore-s3");
    expect(JSON.stringify(secret?.inputs)).to.include("writer-secret");
  });
});
