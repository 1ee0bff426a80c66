/** Values of the alloy chart for the collector of logs. */
import { gatewayUser, releases, tenants, urls } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { alloyPipeline, alloyValues } from "./alloy";
import { gatewayClients, passwordFile } from "./gateway";
import { nodeByNode, onEveryNode } from "./node-agents";
import { alloyGrace } from "./rollout";
import { anyOf, readingAsRoot, type Values } from "./shared";

/** What the pipeline reads from its environment. */
export const alloyLogsEnvironment = ({ alloyLogs, cluster }: Settings): Record<string, string> => ({
  LOKI_URL: urls.loki,
  LOKI_USER: gatewayUser(tenants.logs, "write"),
  LOKI_PASSWORD_FILE: passwordFile(["loki", gatewayUser(tenants.logs, "write")]),
  CLUSTER: cluster.name,
  BUFFER_AGE: goDuration(alloyLogs.bufferAge),
  ERRORS_ONLY_NAMESPACES: anyOf(alloyLogs.errorsOnly),
  HEALTH_CHECK_PATHS: anyOf(alloyLogs.healthCheckPaths),
});

// Positions and write-ahead log share one volume on purpose: whoever loses the one loses the other and reads the node's
// files again, and Loki drops what it has already.
export const alloyLogsValues = (settings: Settings): Values =>
  alloyValues(settings, {
    release: releases.alloyLogs,
    pipeline: alloyPipeline("logs"),
    environment: alloyLogsEnvironment(settings),
    clientOf: gatewayClients(settings).alloyLogs,
    pod: settings.alloyLogs,
    alloy: {
      // The write-ahead log of loki.write is an experimental feature of Alloy.
      stabilityLevel: "experimental",
      mounts: { varlog: true },
      securityContext: readingAsRoot,
    },
    controller: {
      type: "daemonset",
      ...onEveryNode,
      updateStrategy: nodeByNode,
      terminationGracePeriodSeconds: alloyGrace,
    },
    // The chart asks for every Secret of the cluster; this pipeline only looks for pods.
    rbac: {
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
      clusterRules: [{ apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list", "watch"] }],
    },
  });
