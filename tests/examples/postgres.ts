/** A real PostgreSQL on a loopback port, with a folder of its own. */
import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

// Debian keeps the programs of each version in a folder that is not on PATH.
const debian = "/usr/lib/postgresql";
const nobody = 65534;

export interface Postgres {
  /** Environment variables for libpq, and libraries based on it. */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

const answers = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = connect(port, "127.0.0.1", () => done(socket.destroy() !== undefined));
    socket.once("error", () => done(false));
  });

/** A database for `user`; the suite is skipped if there is no PostgreSQL. */
export async function needsPostgres(context: Mocha.Context, user: string): Promise<Postgres> {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => join(debian, version, "bin"));
  process.env["PATH"] = [process.env["PATH"], ...folders].join(delimiter);
  const [initdb = "", postgres = ""] = needs(context, "initdb", "postgres");
  const isRoot = process.getuid?.() === 0;
  // It does not run as root.
  const [setpriv = ""] = isRoot ? needs(context, "setpriv") : [];
  const as = isRoot ? [setpriv, `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];

  const folder = mkdtempSync(join(tmpdir(), "observability-postgres-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (isRoot) chownSync(folder, nobody, nobody);
  const data = join(folder, "data");
  try {
    const init = [...as, initdb, "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"];
    const made = spawnSync(init[0] ?? "", init.slice(1), { cwd: folder, encoding: "utf8" });
    if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}`);
    const port = await freePort();
    const options = { listen_addresses: "127.0.0.1", unix_socket_directories: "", fsync: "off", port };
    const start = [
      ...as,
      postgres,
      "-D",
      data,
      ...Object.entries(options).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
    ];
    const server = await Server.start(start[0] ?? "", start.slice(1), { folder, ready: () => answers(port) });
    return {
      environment: { PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: user, PGDATABASE: "postgres" },
      stop: async () => {
        await server.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
