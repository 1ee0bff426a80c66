/** Values of the alloy chart for the collector of logs. */
import { gatewayUrls, logJobs, namespaces, prefixed, releases, tenants, writerOf } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { alloyFile, alloyPipeline, alloyValues, storagePath } from "./alloy";
import { gatewayClients, gatewayConnection, passwordFile } from "./gateway";
import { healthCheckStatements } from "./health-checks";
import { cutStatement, leftOut } from "./log-filters";
import { levelStatements } from "./log-levels";
import { nodeByNode, nodeReader, onEveryNode } from "./node-agents";
import { alloyGrace } from "./rollout";
import { readingAsRoot, type Values } from "./shared";

/** The kubelet's folder of container log files: https://kubernetes.io/docs/concepts/cluster-administration/logging/ */
const podLogs = "/var/log/pods";

/** Age of the oldest lines that Loki accepts: its default of `reject_old_samples_max_age`. */
const oldestLine = 7 * 24 * 3600;

/** Environment variables of the pipeline. */
export const alloyLogsEnvironment = (settings: Settings): Record<string, string> => {
  const { alloyLogs, cluster } = settings;
  const user = writerOf(tenants.logs, settings);
  return {
    LOG_FILES: podLogs,
    OLDEST: goDuration(oldestLine),
    STORAGE: storagePath,
    BUFFER: String(alloyLogs.buffer),
    LOKI_URL: gatewayUrls(settings).loki,
    LOKI_USER: user,
    LOKI_PASSWORD_FILE: passwordFile(["loki", user]),
    ...gatewayConnection(settings),
    CLUSTER: cluster.name,
    CUT_STATEMENTS: JSON.stringify([cutStatement]),
    LEFT_OUT: JSON.stringify(leftOut(settings)),
    HEALTH_CHECK_STATEMENTS: JSON.stringify(healthCheckStatements(alloyLogs.healthCheckPaths)),
    JOURNAL_JOB: logJobs.journal,
    LEVEL_STATEMENTS: JSON.stringify(levelStatements()),
  };
};

/** The pipeline, with the node's journal if it is collected. */
export const alloyLogsPipeline = ({ alloyLogs }: Settings): string =>
  [alloyPipeline("logs"), ...(alloyLogs.journal ? [alloyFile("logs/journal/journal.alloy")] : [])].join("\n");

/** A folder or file of the node, mounted at the same path in the pod. */
const fromNode = (name: string, path: string, type: "DirectoryOrCreate" | "FileOrCreate") => ({
  volume: { name, hostPath: { path, type } },
  mount: { name, mountPath: path, readOnly: true },
});

/** Folder of the node for positions and buffer. Two Alloys cannot share it, so its name follows from the namespace. */
export function nodeFolder(settings: Settings): string {
  const { alloyLogs: namespace } = namespaces(settings);
  const usual = prefixed(settings, releases.alloyLogs);
  return `/var/lib/${namespace === usual ? usual : `${releases.alloyLogs}-${namespace}`}`;
}

export const alloyLogsValues = (settings: Settings): Values =>
  alloyValues(settings, {
    release: releases.alloyLogs,
    pipeline: alloyLogsPipeline(settings),
    environment: alloyLogsEnvironment(settings),
    clientOf: gatewayClients(settings).alloyLogs,
    pod: settings.alloyLogs,
    // Positions and buffer are on the node, so they survive the pod.
    storage: {
      volume: {
        hostPath: { path: nodeFolder(settings), type: "DirectoryOrCreate" },
      },
    },
    volumes: [
      // Docker's log files are symbolic links to this folder.
      fromNode("docker", settings.alloyLogs.dockerContainers, "DirectoryOrCreate"),
      // A volatile journal is in this folder and is identified by the machine ID; a persistent one is below /var/log.
      ...(settings.alloyLogs.journal
        ? [
            fromNode("volatile-journal", "/run/log/journal", "DirectoryOrCreate"),
            fromNode("machine-id", "/etc/machine-id", "FileOrCreate"),
          ]
        : []),
    ],
    alloy: {
      // otelcol.receiver.filelog and otelcol.storage.file
      stabilityLevel: "public-preview",
      mounts: { varlog: true },
      securityContext: { ...readingAsRoot, ...nodeReader(settings) },
    },
    controller: {
      type: "daemonset",
      ...onEveryNode(settings, "alloy-logs"),
      // Two pods of a node must not open the same positions and buffer: the old pod terminates before the new one
      // starts.
      updateStrategy: nodeByNode,
      terminationGracePeriodSeconds: alloyGrace,
    },
    // The names of the files contain all required information about a pod.
    rbac: { create: false },
    serviceAccount: { automountServiceAccountToken: false },
  });
