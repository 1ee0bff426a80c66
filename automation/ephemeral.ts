/** `withStack`: a stack for the duration of an action, through Pulumi's Automation API. */
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
import { requireSameCluster } from "../cli/lib/same-cluster";
import { configFile, root } from "../cli/lib/stack-config";
import { kubeConfig } from "../components/kube-config";
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
  /** Environment variables of Pulumi's CLI, such as PULUMI_BACKEND_URL. @default the backend of `./obs` */
  environment?: Record<string, string>;
  /** Accepts an existing stack, which is then deleted, too. @default false */
  existing?: boolean;
  /** Keeps the stack. @default false */
  keep?: boolean;
  /** Whether it is smoke-tested before the action. @default true */
  smoke?: boolean;
  /** Timeout of the smoke test, including retries, in seconds. @default 900 */
  smokeWithin?: number;
  /** Interrupts it and deletes the resources so far. */
  stop?: AbortSignal;
  /** Receives progress, a line at a time. @default none */
  tell?: (line: string) => void;
}

/** A running stack that has passed its smoke test, unless that is disabled. */
export interface Running {
  settings: Settings;
  /** Its cluster. */
  cluster: KubeConfig;
  /** Its outputs; secret ones are in plain text and marked as secret. */
  outputs: OutputMap;
  /** For further updates; a refresh needs `{ runProgram: true }`. */
  stack: Stack;
  /** Signals that the action must end. */
  stop: AbortSignal;
}

/**
 * Why a stack must not be ephemeral; undefined if it may be.
 *
 * @param found whether the backend has it, and namespaces of a stack in the cluster
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
    return `stack ${stack} exists already and would be deleted at the end; choose another name, or pass --existing (existing: true)`;
  if (found.namespaces.length)
    return `the cluster already has namespaces of a stack: ${found.namespaces.join(", ")}; use another cluster`;
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

/** The engine's part of the lifecycle. */
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
      // If the engine reported errors, its log adds nothing.
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
      watched(async (onEvent) => {
        // Read again: another context may have been selected in the kubeconfig since.
        const connection = { settings: found.settings, config: kubeConfig(found.settings) };
        await requireSameCluster(name, connection, await stack.exportStack(), true);
        return stack.destroy({ onEvent, color: "never" });
      }).catch((error: Error) => {
        throw new UserError(`${error.message}\nThe stack still exists: ./obs down ${name}`);
      }),
    remove: () => stack.workspace.removeStack(name, { preserveConfig: true }),
    left: () => leftIn(found.config, found.settings),
  };
}

/**
 * Creates a stack, waits until its smoke test passes, runs an action with it, and deletes it again, even after a
 * failure or an interruption.
 *
 * @returns the action's result
 * @throws UserError before any change if the stack is not a dev stack, is protected, or exists already; SettingsError
 * if its settings are invalid; later the first error
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
    const life = engineLife(workspaceOptions, { exists, settings, config }, options);
    const make = async () => {
      await life.make();
      kept = true;
    };
    // After a failed deletion, ./obs down needs the file.
    const remove = async () => {
      await life.remove();
      kept = false;
    };
    return await liveThrough({ ...life, make, remove }, { keep, stop, smoke, smokeWithin, tell }, action);
  } finally {
    if (!kept) giveBack();
  }
}
