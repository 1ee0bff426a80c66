/** The machine of a benchmark, without which figures cannot be interpreted. */
import { execFileSync } from "node:child_process";
import { availableParallelism, loadavg, totalmem } from "node:os";
import { CoreV1Api, type KubeConfig, VersionApi } from "@kubernetes/client-node";
import { pulumiProgram } from "../cli/lib/pulumi";
import { bytesOf, sizeText } from "../settings/units";

/** A machine, or the nodes of a cluster together. */
interface Size {
  cores: number;
  /** Bytes. */
  memory: number;
}

/** The machines of a benchmark. */
export interface Machine {
  /** The machine that runs the commands. */
  here: Size & {
    /** Load average of the minute before the start, which shows the load of other processes. */
    load: number;
  };
  /** Undefined if no cluster is available. */
  cluster?: Size & { nodes: number; kubernetes: string };
  /** By program; missing programs are omitted. */
  versions: Record<string, string>;
}

/** The version that a program reports; undefined if it is not installed. */
function versionOf(program: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** The cluster of a kubeconfig; undefined if it is unavailable. */
async function clusterOf(config: KubeConfig): Promise<Machine["cluster"]> {
  try {
    const { gitVersion } = await config.makeApiClient(VersionApi).getCode();
    const { items } = await config.makeApiClient(CoreV1Api).listNode();
    const sum = (of: (capacity: Record<string, string>) => number) =>
      items.reduce((total, { status }) => total + of(status?.capacity ?? {}), 0);
    return {
      kubernetes: gitVersion,
      nodes: items.length,
      cores: sum(({ cpu }) => Number(cpu)),
      memory: sum(({ memory }) => bytesOf(memory ?? "0")),
    };
  } catch {
    return undefined;
  }
}

/** Describes this machine and the cluster. */
export async function machine(config: KubeConfig | undefined): Promise<Machine> {
  const cluster = config && (await clusterOf(config));
  const versions = {
    Pulumi: versionOf(pulumiProgram(), "version"),
    Helm: versionOf("helm", "version", "--short"),
    Node: process.version,
  };
  return {
    here: { cores: availableParallelism(), memory: totalmem(), load: loadavg()[0] ?? 0 },
    ...(cluster && { cluster }),
    versions: Object.fromEntries(
      Object.entries(versions).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

const sizeOf = ({ cores, memory }: Size) => `${cores} cores, ${sizeText(memory)}`;

/** The same in a sentence. */
export function machineText({ here, cluster, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const where = cluster
    ? `Kubernetes ${cluster.kubernetes} on ${cluster.nodes} node${cluster.nodes === 1 ? "" : "s"} with ${sizeOf(cluster)}`
    : "no cluster";
  return `${sizeOf(here)}, load average ${here.load.toFixed(1)} at the start; ${where}; ${programs.join(", ")}`;
}
