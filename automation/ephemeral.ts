/** `withStack`: a stack that lives as long as an action, by Pulumi's Automation API. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import {
  LocalWorkspace,
  type LocalWorkspaceOptions,
  type OutputMap,
  type Stack,
} from "@pulumi/pulumi/automation";
import { stringify } from "yaml";
import { connect } from "../cli/lib/cluster";
import { backendEnvironment } from "../cli/lib/pulumi";
import { configFile, root } from "../cli/lib/stack-config";
import { project, type Settings, UserError } from "../settings";
import { pulumiApart, runApart } from "./command";
import { leftIn, presentNamespaces } from "./left";
import { type Life, liveThrough } from "./life";
import { progress } from "./progress";

export interface StackOptions {
  /** The stack's name. */
  stack: string;
  /** Its settings if there is no `Pulumi.<stack>.yaml`. The file exists as long as the stack. @default a dev stack */
  config?: Record<string, unknown>;
  /** For Pulumi's CLI, such as PULUMI_BACKEND_URL. @default the backend of `./obs` */
  environment?: Record<string, string>;
  /** Also takes a stack that exists; it is taken down, too. @default false */
  existing?: boolean;
  /** Leaves the stack there. @default false */
  keep?: boolean;
  /** Whether it is smoke-tested before the action. @default true */
  smoke?: boolean;
  /** Seconds that the smoke test has to pass; it is tried again until then. @default 900 */
  smokeWithin?: number;
  /** Breaks it off; what there is already is taken down. */
  stop?: AbortSignal;
  /** Told what happens, a line each. @default none */
  tell?: (line: string) => void;
}

/** A stack that runs and has passed its smoke test, where it was to. */
export interface Running {
  settings: Settings;
  /** Its cluster. */
  cluster: KubeConfig;
  /** Its outputs; secret ones are plain text here and say so. */
  outputs: OutputMap;
  /** For further updates; a refresh needs `{ runProgram: true }`. */
  stack: Stack;
  /** Says that it is to end. */
  stop: AbortSignal;
}

/**
 * Why a stack may not be a short-lived one; nothing where it may.
 *
 * @param found whether the backend knows it, and namespaces of a stack that the cluster has
 */
export function refusal(
  stack: string,
  { environment, cluster }: Pick<Settings, "environment" | "cluster">,
  found: { exists: boolean; namespaces: string[] },
  existing: boolean,
): string | undefined {
  if (environment !== "dev")
    return `environment: stack ${stack} is a ${environment} stack (must be dev, because the stack is deleted at the end)`;
  if (cluster.protect)
    return `cluster.protect: stack ${stack} is protected (must be false, because the stack is deleted at the end)`;
  if (existing) return undefined;
  if (found.exists)
    return `stack ${stack} exists already and would be deleted at the end; choose another name, or say --existing (existing: true)`;
  if (found.namespaces.length)
    return `the cluster has namespaces of a stack already: ${found.namespaces.join(", ")}; another cluster is needed`;
  return undefined;
}

/** The stack's config file while the stack exists: created if it is missing, and restored afterwards. */
function borrowedConfig(stack: string, config: Record<string, unknown>): () => void {
  const file = configFile(stack);
  const before = existsSync(file) ? readFileSync(file) : undefined;
  const keys = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]);
  if (!before) writeFileSync(file, stringify({ config: Object.fromEntries(keys) }));
  return () => (before ? writeFileSync(file, before) : rmSync(file, { force: true }));
}

/** The engine's part of a life. */
function engineLife(
  workspaceOptions: LocalWorkspaceOptions,
  found: { exists: boolean; settings: Settings; config: KubeConfig },
  { stack: name, tell = () => undefined }: StackOptions,
): Life<Running> {
  let stack: Stack;
  const watched = async (action: (onEvent: ReturnType<typeof progress>["onEvent"]) => Promise<unknown>) => {
    const { onEvent, errors, end } = progress(tell);
    try {
      await action(onEvent);
    } catch (error) {
      // Where the engine said what is wrong, its log says no more.
      throw errors.length ? new UserError(errors.join("\n")) : error;
    } finally {
      end();
    }
  };
  const lines = (text: string) => {
    for (const line of text.split("\n").filter((one) => one.trim())) tell(`  ${line}`);
  };
  return {
    make: async () => {
      const where = { stackName: name, workDir: root };
      stack = found.exists
        ? await LocalWorkspace.selectStack(where, workspaceOptions)
        : await LocalWorkspace.createStack(where, workspaceOptions);
    },
    up: (stop) => watched((onEvent) => stack.up({ onEvent, signal: stop, color: "never" })),
    smoke: async (stop) => {
      const streams = { onOutput: lines, onError: lines, stop, signal: "SIGTERM" as const };
      return (await runApart(join(root, "obs"), ["smoke", name], { cwd: root }, streams)).code === 0;
    },
    running: async (stop) => ({
      settings: found.settings,
      cluster: found.config,
      outputs: await stack.outputs(),
      stack,
      stop,
    }),
    cancel: () => stack.cancel(),
    down: () =>
      watched((onEvent) => stack.destroy({ onEvent, color: "never" })).catch((error: Error) => {
        throw new UserError(`${error.message}\nThe stack is still there: ./obs down ${name}`);
      }),
    remove: () => stack.workspace.removeStack(name, { preserveConfig: true }),
    left: () => leftIn(found.config, found.settings),
  };
}

/**
 * Brings a stack up, waits until its smoke test passes, hands it to an action, and takes it down again: also where
 * something failed, or `stop` said so.
 *
 * @returns what the action gave
 * @throws UserError before anything is touched where the stack is not a dev stack, is protected, or is there already;
 *   SettingsError where its settings are wrong; later what went wrong first
 */
export async function withStack<T>(
  options: StackOptions,
  action: (running: Running) => Promise<T>,
): Promise<T> {
  const {
    stack,
    existing = false,
    keep = false,
    smoke = true,
    smokeWithin = 900,
    tell = () => undefined,
  } = options;
  const giveBack = borrowedConfig(stack, options.config ?? { environment: "dev" });
  let kept = false;
  try {
    const { settings, config } = await connect(stack);
    const envVars = {
      ...backendEnvironment(stack, settings.environment),
      ...options.environment,
    };
    const early = refusal(stack, settings, { exists: false, namespaces: [] }, existing);
    if (early) throw new UserError(early);
    const workspaceOptions = { workDir: root, envVars, pulumiCommand: await pulumiApart() };
    const workspace = await LocalWorkspace.create(workspaceOptions);
    const exists = (await workspace.listStacks()).some(({ name }) => name.split("/").at(-1) === stack);
    const present = await presentNamespaces(config, settings);
    const why = refusal(stack, settings, { exists, namespaces: present }, existing);
    if (why) throw new UserError(why);
    const stop = options.stop ?? new AbortController().signal;
    kept = keep;
    const life = engineLife(workspaceOptions, { exists, settings, config }, options);
    return await liveThrough(life, { keep, stop, smoke, smokeWithin, tell }, action);
  } finally {
    if (!kept) giveBack();
  }
}
