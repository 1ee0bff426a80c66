/** Starts programs so that Ctrl-C reaches only this process, which then stops them in order, and once. */
import { type SpawnOptions, spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { pulumiProgram } from "../cli/lib/pulumi";

export interface Started {
  /** Called with output as it arrives. */
  onOutput?: ((text: string) => void) | undefined;
  onError?: ((text: string) => void) | undefined;
  /** Stops the program with `signal`. */
  stop?: AbortSignal | undefined;
  /** @default SIGINT */
  signal?: NodeJS.Signals;
}

/**
 * Runs a program in its own process group. In the terminal's group it would receive Ctrl-C a second time from the
 * terminal. Pulumi treats that as a request to exit at once, regardless of the state.
 *
 * @returns its exit code and all of its output
 */
export function runApart(
  program: string,
  args: string[],
  options: Pick<SpawnOptions, "cwd" | "env">,
  { onOutput, onError, stop, signal = "SIGINT" }: Started = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  const collect = (stream: "stdout" | "stderr", tell?: (text: string) => void) =>
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      texts[stream] += text;
      tell?.(text);
    });
  collect("stdout", onOutput);
  collect("stderr", onError);
  const kill = () => child.kill(signal);
  if (stop?.aborted) kill();
  stop?.addEventListener("abort", kill, { once: true });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      stop?.removeEventListener("abort", kill);
      done({ code: code ?? 1, ...texts });
    });
  });
}

/** Pulumi's CLI for the Automation API, each call in its own process group. */
export async function pulumiApart(): Promise<PulumiCommand> {
  const program = pulumiProgram();
  // The Automation API searches only PATH, where npm puts its own launcher first.
  process.env["PATH"] = `${dirname(program)}${delimiter}${process.env["PATH"]}`;
  const run = async (
    args: string[],
    cwd: string,
    environment: Record<string, string>,
    onOutput?: (text: string) => void,
    onError?: (text: string) => void,
    stop?: AbortSignal,
  ) => {
    const result = await runApart(
      program,
      args.includes("--non-interactive") ? args : [...args, "--non-interactive"],
      { cwd, env: { ...process.env, ...environment, PULUMI_AUTOMATION_API: "true" } },
      { onOutput, onError, stop },
    );
    if (result.code === 0) return result;
    throw new Error(`pulumi ${args[0]} ended with ${result.code}\n${result.stderr || result.stdout}`.trim());
  };
  // Its own `run` shares the terminal's process group.
  return Object.assign(await PulumiCommand.get(), { run });
}
