/** Pulumi's state of a stack, with encrypted secrets. */
import { spawnSync } from "node:child_process";
import { pulumiProgram } from "./pulumi";
import { root } from "./stack-config";

export interface Resource {
  urn: string;
  type: string;
  custom?: boolean;
  parent?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
  deletedWith?: string;
  created?: string;
}

export interface Deployment {
  version: number;
  deployment: {
    resources?: Resource[];
    pending_operations?: unknown[];
    secrets_providers?: { type?: string };
  };
}

/** The state; undefined if the backend has no such stack. */
export function exported(stack: string, environment: Record<string, string>): Deployment | undefined {
  const { status, stdout } = spawnSync(pulumiProgram(), ["stack", "export", "--stack", stack], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...environment },
    maxBuffer: 1024 ** 3,
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}
