/** Values of the alloy chart for the collector of logs: https://github.com/grafana/alloy/tree/main/operations/helm/charts/alloy */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releases, tenants, urls } from "../names";
import type { Settings } from "../settings";
import { goDuration, quantity } from "../settings/units";
import { anyOf, goMemoryLimit, pullSecrets, resources, type Values } from "./shared";

const parts = ["discover", "process", "write"];

/** The pipeline as Alloy reads it: the files of `values/alloy/logs`, from the project's folder, one after the other. */
export const alloyLogsPipeline = (): string =>
  parts.map((part) => readFileSync(join("values", "alloy", "logs", `${part}.alloy`), "utf8")).join("\n");

/** What the pipeline reads from its environment. */
export const alloyLogsEnvironment = ({ alloyLogs, cluster }: Settings): Record<string, string> => ({
  LOKI_URL: urls.loki,
  LOKI_TENANT: tenants.logs,
  CLUSTER: cluster.name,
  BUFFER_AGE: goDuration(alloyLogs.bufferAge),
  ERRORS_ONLY_NAMESPACES: anyOf(alloyLogs.errorsOnly),
  HEALTH_CHECK_PATHS: anyOf(alloyLogs.healthCheckPaths),
});

/** The chart runs the pipeline through Helm's template engine; this keeps its own double braces as they are. */
const escapeTemplate = (text: string) => text.replaceAll("{{", '{{ "{{" }}');

export function alloyLogsValues(settings: Settings): Values {
  const { alloyLogs, images } = settings;
  const pipeline = alloyLogsPipeline();
  const environment = {
    ...alloyLogsEnvironment(settings),
    ...goMemoryLimit(alloyLogs),
  };
  return {
    fullnameOverride: releases.alloyLogs,
    global: {
      image: { ...(images.registry && { registry: images.registry }), pullSecrets: pullSecrets(settings) },
    },
    alloy: {
      configMap: { content: escapeTemplate(pipeline) },
      // The write-ahead log of loki.write is an experimental feature of Alloy.
      stabilityLevel: "experimental",
      enableReporting: false,
      storagePath: "/var/lib/alloy",
      extraEnv: Object.entries(environment).map(([name, value]) => ({ name, value })),
      mounts: { varlog: true, extra: [{ name: "storage", mountPath: "/var/lib/alloy" }] },
      resources: resources(alloyLogs),
      // Only root may read the kubelet's log files; nothing else of root's powers is left.
      securityContext: {
        runAsUser: 0,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
    },
    controller: {
      type: "daemonset",
      tolerations: [{ operator: "Exists" }],
      // The new pod is ready before the old one goes, and a release has to wait for every node.
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      // A changed pipeline rolls the pods; that spares every node the chart's reloader.
      podAnnotations: { "checksum/config": createHash("sha256").update(pipeline).digest("hex") },
      // Positions and write-ahead log share one volume on purpose: whoever loses the one loses the other and reads
      // the node's files again, and Loki drops what it has already.
      volumes: { extra: [{ name: "storage", emptyDir: { sizeLimit: quantity(alloyLogs.buffer) } }] },
    },
    configReloader: { enabled: false },
    // The chart asks for every Secret of the cluster; this pipeline only looks for pods.
    rbac: {
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
      clusterRules: [{ apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list", "watch"] }],
    },
    crds: { create: false },
  };
}
