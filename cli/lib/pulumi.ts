/** The Pulumi CLI on this machine, and its backend. */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { UserError } from "../../settings";
import { configFile, root } from "./stack-config";

/** A program's path on PATH, without this project's `node_modules`. */
export function onPath(program: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder && !folder.endsWith(join("node_modules", ".bin")))
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** The Pulumi CLI on PATH, else the npm launcher, which downloads the pinned version on its first run. */
export const pulumiProgram = (): string => onPath("pulumi") ?? join(root, "node_modules", ".bin", "pulumi");

/** The backend of the environment, or of `pulumi login`. */
export function chosenBackend(): string | undefined {
  if (process.env["PULUMI_BACKEND_URL"]) return process.env["PULUMI_BACKEND_URL"];
  const file = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "credentials.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).current || undefined : undefined;
}

const hasBackend = (): boolean => Boolean(process.env["PULUMI_ACCESS_TOKEN"] || chosenBackend());

/**
 * The environment for the Pulumi CLI. Without a backend, a dev stack gets one in `.obs/`, with a generated passphrase.
 *
 * @throws UserError if a prod stack has no backend
 */
export function backendEnvironment(stack: string, environment: string): Record<string, string> {
  const common = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  if (hasBackend()) return common;
  if (environment !== "dev")
    throw new UserError(
      `stack ${stack} has no backend for its state. Log in to one:\n` +
        "  pulumi login                      Pulumi Cloud\n" +
        "  pulumi login s3://<bucket>        your own bucket; also azblob://, gs://\n" +
        "  pulumi login file://<folder>      a folder",
    );
  const home = join(root, ".obs");
  const passphrase = join(home, "passphrase");
  if (!existsSync(passphrase) && !process.env["PULUMI_CONFIG_PASSPHRASE"]) {
    if (existsSync(configFile(stack)) && parse(readFileSync(configFile(stack), "utf8"))?.encryptionsalt)
      throw new UserError(
        `Pulumi.${stack}.yaml is encrypted with a passphrase that is not on this machine. Set PULUMI_CONFIG_PASSPHRASE to it, ` +
          "log in to the stack's backend, or remove the line encryptionsalt to start again",
      );
    mkdirSync(home, { recursive: true });
    writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  mkdirSync(join(home, "state"), { recursive: true });
  return {
    ...common,
    PULUMI_BACKEND_URL: `file://${join(home, "state")}`,
    ...(existsSync(passphrase) && { PULUMI_CONFIG_PASSPHRASE_FILE: passphrase }),
  };
}

/** Runs the Pulumi CLI in the project's folder and this terminal. @param input its stdin @returns its exit code */
export function pulumi(args: string[], environment: Record<string, string>, input?: string): Promise<number> {
  const child = spawn(pulumiProgram(), args, {
    cwd: root,
    stdio: [input === undefined ? "inherit" : "pipe", "inherit", "inherit"],
    env: { ...process.env, ...environment },
  });
  // It may exit before it has read everything; its exit code says so.
  child.stdin?.on("error", () => undefined).end(input);
  // The terminal sends Ctrl-C to Pulumi too; this process waits until Pulumi has handled it.
  const stay = () => undefined;
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", stay).on("SIGTERM", pass);
  return new Promise<number>((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => done(code ?? 1));
  }).finally(() => process.off("SIGINT", stay).off("SIGTERM", pass));
}

/** The JSON that a command of Pulumi prints. @throws UserError with Pulumi's message if it fails */
function jsonOf(args: string[], environment: Record<string, string>) {
  const { status, stdout, stderr, error } = spawnSync(pulumiProgram(), args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...environment },
    maxBuffer: 1024 ** 3,
  });
  if (status !== 0) throw new UserError(`pulumi ${args.join(" ")}: ${(error?.message ?? stderr).trim()}`);
  return JSON.parse(stdout);
}

/** The outputs of a stack. @throws UserError if Pulumi cannot read them */
export const outputsOf = (stack: string, environment: Record<string, string>): Record<string, unknown> =>
  jsonOf(["stack", "output", "--stack", stack, "--json"], environment);

export interface Resource {
  urn: string;
  type: string;
  parent?: string;
  dependencies?: string[];
  created?: string;
  outputs?: Record<string, unknown>;
}

export interface Deployment {
  version: number;
  deployment: { resources?: Resource[]; pending_operations?: unknown[] };
}

/** A stack's state, with encrypted secrets; undefined if the backend has no such stack. @throws UserError if it cannot be read */
export function exported(stack: string, environment: Record<string, string>): Deployment | undefined {
  try {
    return jsonOf(["stack", "export", "--stack", stack], environment);
  } catch (error) {
    if ((error as Error).message.includes("no stack named")) return undefined;
    throw error;
  }
}
