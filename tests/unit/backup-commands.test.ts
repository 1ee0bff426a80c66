/** `obs backup` and `obs restore`, and the doctor's findings about backups. */
import type { V1CronJob } from "@kubernetes/client-node";
import { expect } from "chai";
import { restoreArguments, selectedParts } from "../../cli/commands/backup";
import { manualJob } from "../../cli/commands/backup/jobs";
import { added } from "../../cli/lib/job-log";
import { UserError } from "../../settings";
import { backupCronJobs } from "../../values/backups";
import { backedUp, settingsOf, shipped } from "../support/stacks";

const settings = settingsOf("prod", backedUp);

describe("unit: obs backup and obs restore", () => {
  it("act on the buckets and Grafana's database, or one of them", () => {
    expect(selectedParts("prod", settings, undefined)).to.deep.equal(["buckets", "grafana"]);
    expect(selectedParts("prod", settings, "grafana")).to.deep.equal(["grafana"]);
    const database = {
      host: "db.test:5432",
      name: "grafana",
      user: "grafana",
      password: "p",
      tls: "require",
    };
    const grafana = { ...(shipped("prod")["grafana"] as object), database };
    const external = settingsOf("prod", { ...backedUp, grafana });
    expect(selectedParts("prod", external, undefined)).to.deep.equal(["buckets"]);
    expect(() => selectedParts("prod", external, "grafana")).to.throw(
      UserError,
      '--only: invalid value "grafana" (must be one of buckets)',
    );
    expect(() => selectedParts("prod", settings, "keys")).to.throw(
      UserError,
      "must be one of buckets, grafana",
    );
    expect(() => selectedParts("prod", settingsOf("prod"), undefined)).to.throw(
      UserError,
      "stack prod has no backups: set backups.destination",
    );
  });

  it("restore the state at a time in UTC", () => {
    expect(restoreArguments({})).to.deep.equal([]);
    expect(restoreArguments({ before: "2026-11-29T14:30:05Z" })).to.deep.equal(["20261129143005"]);
    expect(restoreArguments({ before: "2026-11-29" })).to.deep.equal(["20261129000000"]);
    for (const before of ["yesterday", "2026-13-01T00:00:00Z", "2026-11-29T14:30:05"])
      expect(() => restoreArguments({ before }), before).to.throw(
        UserError,
        `--before: invalid value "${before}"`,
      );
  });

  it("take over the copy of other buckets only on request", () => {
    expect(restoreArguments({ takeOver: true })).to.deep.equal(["--take-over"]);
    expect(restoreArguments({ takeOver: true, before: "2026-11-29" })).to.deep.equal([
      "--take-over",
      "20261129000000",
    ]);
  });

  it("start the CronJob's Job once, and count as its run", () => {
    const [, restore] = backupCronJobs(settings) as unknown as V1CronJob[];
    if (!restore) throw new Error("there is no CronJob");
    const cronJob = { ...restore, metadata: { ...restore.metadata, uid: "some-uid" } };
    const job = manualJob(cronJob, new Date("2026-11-29T14:30:05Z"), ["20261129143005"]);
    expect(job.metadata?.name).to.equal("restore-manual-1795962605");
    expect(job.metadata?.ownerReferences?.[0]).to.include({
      kind: "CronJob",
      name: "restore",
      uid: "some-uid",
    });
    expect(job.spec?.backoffLimit).to.equal(0);
    const [container] = job.spec?.template.spec?.containers ?? [];
    expect(container?.args).to.deep.equal(["20261129143005"]);
    const [own] = restore.spec?.jobTemplate.spec?.template.spec?.containers ?? [];
    expect({ ...container, args: undefined }).to.deep.equal({ ...own, args: undefined });
    expect(job.metadata?.labels).to.deep.equal({ "app.kubernetes.io/name": "backup" });
  });

  it("print each part of a log once", () => {
    expect(added("", "a\n")).to.equal("a\n");
    expect(added("a\n", "a\nb\n")).to.equal("b\n");
    expect(added("a\nb\n", "c\n")).to.equal("c\n");
  });
});
