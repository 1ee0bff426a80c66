/** Runs a page's commands as a reader's shell does, and checks their results. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { root } from "../../cli/lib/stack-config";
import { stages } from "./runbook";

/** The result of a command line. */
export interface Outcome {
  /** Exit code of each stage of the pipeline, in order. */
  codes: number[];
  stdout: string;
  stderr: string;
}

/** Runs a line, or a script, in bash in the project's folder, with a timeout in seconds: few commands on the pages wait. */
export function shell(text: string, within = 120): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn("bash", ["-c", `${text}\nprintf '%s ' "\${PIPESTATUS[@]}" >&3`], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      timeout: within * 1000,
    });
    const [, stdout, stderr, statuses] = child.stdio.map((stream) => {
      let heard = "";
      stream?.on("data", (part) => {
        heard += part;
      });
      return () => heard;
    });
    child.on("error", fail);
    child.on("close", (code) => {
      const codes = (statuses?.() ?? "").trim().split(" ").filter(Boolean).map(Number);
      done({
        codes: codes.length ? codes : [code ?? 1],
        stdout: stdout?.() ?? "",
        stderr: stderr?.() ?? "",
      });
    });
  });
}

/** Output of `kubectl logs --previous` for a container that never restarted: the command is valid, but there is no log. */
const neverRestarted = /previous terminated container .* not found/;

/** Exit codes of a stage that are not errors. `grep` exits with 1 if no line matches, as on a healthy stack. */
function allowed(stage: string): number[] {
  if (/^grep /.test(stage)) return [0, 1];
  if (/^\.\/obs (doctor|storage|size) /.test(stage)) return [0, 1, 2]; // their exit code reports findings
  return [0];
}

/**
 * The problem with a line's result.
 *
 * @param mayBeEmpty whether a healthy stack may have none of the queried objects
 * @returns undefined if there is none
 */
export function wrong(
  text: string,
  { codes, stdout, stderr }: Outcome,
  mayBeEmpty: boolean,
): string | undefined {
  const said = stderr.trim().split("\n").slice(-3).join(" ");
  if (/ --previous( |$)/.test(text) && neverRestarted.test(stderr)) return undefined;
  if (!mayBeEmpty && /No resources found/.test(stderr + stdout)) return "there are no such objects";
  const all = stages(text);
  for (const [index, code] of codes.entries()) {
    // 141: the next stage has read enough and closed the pipe.
    if (code === 141 && index < codes.length - 1) continue;
    if (!allowed(all[index] ?? "").includes(code)) return `${all[index] ?? text} ended with ${code}: ${said}`;
  }
  return undefined;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end();
      done(true);
    });
    socket.on("error", () => done(false));
  });

/** Starts a port-forward, on any local port instead of the one in the page, sends a request, and stops it. */
export function forward(text: string): Promise<string | undefined> {
  const args = text.replace(/(\s)(?:\d+:)?(\d+)$/, "$1:$2").split(/\s+/);
  return new Promise((done) => {
    const child = spawn(args[0] ?? "", args.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let told: string | undefined = "it did not begin to forward";
    const late = setTimeout(() => child.kill(), 20_000);
    child.stderr.on("data", (part) => {
      said += part;
    });
    child.stdout.on("data", async (part) => {
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(String(part))?.[1];
      if (!port) return;
      told = (await answers(Number(port))) ? undefined : `nothing answers on port ${port}`;
      child.kill();
    });
    child.on("error", (error) => done(error.message));
    child.on("close", () => {
      clearTimeout(late);
      done(told && `${told}: ${said.trim()}`);
    });
  });
}
