/** The decisions of the scripts of backups and restores, with an rclone whose remotes are folders. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect } from "chai";
import {
  backupDestination,
  backupScript,
  backupVariables,
  destinationSecrets,
} from "../../values/backup-rclone";
import { backedUp, settingsOf } from "../support/stacks";

const settings = settingsOf("prod", backedUp);
const destination = backupDestination(settings);
if (!destination) throw new Error("there is no destination");
const buckets = Object.values(settings.objectStorage.buckets).map(({ name }) => name);
const rclone = join(__dirname, "..", "support", "rclone");

describe("unit: scripts of backups and restores", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-backup-scripts-"));
    newBuckets("2026-11-01");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const read = (path: string) => readFileSync(join(folder, path), "utf8");

  /** Empty buckets that were created at a time. */
  function newBuckets(created: string) {
    rmSync(join(folder, "store"), { recursive: true, force: true });
    for (const bucket of buckets) mkdirSync(join(folder, "store", bucket), { recursive: true });
    write("created", created);
  }

  /** Runs a script as its Job does. @returns its exit code and output */
  const run = (
    job: "backup" | "restore",
    args: string[] = [],
    { script = "buckets.sh", ...more }: { script?: string; [variable: string]: string } = {},
  ) => {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", backupScript(script, job), job, ...args], {
      encoding: "utf8",
      env: {
        PATH: [rclone, process.env["PATH"]].join(delimiter),
        JOB: job,
        ...backupVariables(settings, destination),
        ...destinationSecrets(destination),
        REMOTES: folder,
        ...more,
      },
    });
    return { status, log: stdout + stderr };
  };
  const succeeded = ({ status, log }: ReturnType<typeof run>) => {
    expect(status, log).to.equal(0);
    return log;
  };
  const failed = ({ status, log }: ReturnType<typeof run>) => {
    expect(status, log).to.equal(1);
    return log;
  };

  describe("of the buckets", () => {
    it("restore the copy of other buckets only on request, and leave it to them otherwise", () => {
      write("store/loki-data/chunk", "a chunk");
      succeeded(run("backup"));
      succeeded(run("restore"));
      const owner = read("copy/installation");
      newBuckets("2026-11-02");
      expect(failed(run("backup")))
        .to.include("is of other buckets")
        .and.to.include("--take-over");
      const refused = failed(run("restore"));
      expect(refused)
        .to.include("2026-11-01;loki-data/")
        .and.to.include("2026-11-02;loki-data/")
        .and.to.include("If those are lost, run ./obs restore with --take-over");
      expect(read("copy/installation")).to.equal(owner);
      succeeded(run("restore", ["--take-over"]));
      expect(read("store/loki-data/chunk")).to.equal("a chunk");
      succeeded(run("backup"));
    });

    it("continue an interrupted restore into the same buckets, and reject it into others", () => {
      succeeded(run("backup"));
      write(
        "copy/installation",
        `a restore that began at 20261101 and is not complete\n${read("copy/installation")}`,
      );
      expect(failed(run("backup"))).to.include("a restore that began at");
      newBuckets("2026-11-02");
      expect(failed(run("restore"))).to.include("is of other buckets");
      newBuckets("2026-11-01");
      succeeded(run("restore"));
      succeeded(run("backup"));
    });

    it("fail if the deleted objects cannot be listed", () => {
      succeeded(run("backup"));
      const broken = { BROKEN: "copy:deleted/" };
      expect(failed(run("backup", [], broken))).to.include("/deleted/ cannot be listed");
      expect(failed(run("restore", ["20261101000000"], broken))).to.include("/deleted/ cannot be listed");
    });

    it("do not list the buckets of an account, and recognize an external S3 by its data", () => {
      const external = { RCLONE_CONFIG_STORE_PROVIDER: "Other", BROKEN: "store:" };
      const again = (job: "backup" | "restore", args: string[] = []) => run(job, args, external);
      write("store/loki-data/chunk", "a chunk");
      write("store/mimir-ruler/rules/pods/group", "a rule");
      // An earlier release recorded creation times.
      succeeded(again("backup"));
      expect(read("copy/installation")).to.include(";loki-data/\n").and.not.to.include("2026");
      write("copy/installation", read("copy/installation").replaceAll(";", "2026-11-01 00:00:00;"));
      // The last rule was removed: a bucket of mutable objects may be empty.
      rmSync(join(folder, "store", "mimir-ruler", "rules"), { recursive: true });
      succeeded(again("backup"));
      newBuckets("2026-11-02");
      expect(failed(again("backup"))).to.include("is of other buckets");
      expect(failed(again("restore"))).to.include("is of other buckets");
      succeeded(again("restore", ["--take-over"]));
      succeeded(again("backup"));
      rmSync(join(folder, "store", "loki-data"), { recursive: true });
      expect(failed(again("backup"))).to.include("bucket loki-data cannot be listed");
    });

    it("report blocks with a mark of their deletion that is newer than the restored state", () => {
      write("store/mimir-blocks/pods/01BLOCK/meta.json", "{}");
      succeeded(run("backup"));
      write("store/mimir-blocks/pods/01BLOCK/deletion-mark.json", "{}");
      write("store/tempo-data/traces/02BLOCK/meta.compacted.json", "{}");
      write("store/tempo-data/traces/03BLOCK/meta.compacted.json", "{}");
      write("store/tempo-data/traces/03BLOCK/meta.json", "{}");
      const log = succeeded(run("restore", ["20261101000000"]));
      expect(log).to.include(
        "may delete 1 blocks of bucket mimir-blocks again, which it marked after 20261101000000",
      );
      expect(log).to.include("may delete 2 blocks of bucket tempo-data");
      expect(succeeded(run("restore", ["20991101000000"]))).not.to.include("may delete");
      expect(succeeded(run("restore"))).not.to.include("may delete");
    });
  });

  describe("of Grafana's database", () => {
    const grafana = (job: "backup" | "restore", ...args: string[]) => {
      mkdirSync(join(folder, "volume", "backup"), { recursive: true });
      return run(job, args, {
        script: "grafana.sh",
        DATABASE: join(folder, "volume", "grafana.db"),
        MARK: join(folder, "volume", "backup", "volume"),
        GRAFANA_SECRET_KEY: "the same key",
      });
    };

    it("do not copy the database of a new volume until a restore", () => {
      write("volume/grafana.db", "SQLite format 3 with dashboards");
      succeeded(grafana("backup"));
      succeeded(grafana("backup"));
      succeeded(grafana("restore"));
      rmSync(join(folder, "volume"), { recursive: true });
      write("volume/grafana.db", "SQLite format 3, empty");
      expect(failed(grafana("backup"))).to.include("of the database on another volume");
      expect(failed(grafana("restore"))).to.include("run ./obs restore with --take-over");
      expect(read("volume/grafana.db")).to.include("empty");
      succeeded(grafana("restore", "--take-over"));
      expect(read("volume/grafana.db")).to.include("with dashboards");
      succeeded(grafana("backup"));
    });

    it("restore the newest database before a time", () => {
      write("volume/grafana.db", "SQLite format 3 of today");
      succeeded(grafana("backup"));
      write("copy/grafana/20261101000000.db", "SQLite format 3 of November 1");
      write("copy/grafana/20261102000000.db", "SQLite format 3 of November 2");
      succeeded(grafana("restore", "20261102000000"));
      expect(read("volume/grafana.db")).to.include("November 1");
      expect(failed(grafana("restore", "20261101000000"))).to.include("from before 20261101000000");
      succeeded(grafana("restore"));
      expect(read("volume/grafana.db")).to.include("today");
    });
  });
});
