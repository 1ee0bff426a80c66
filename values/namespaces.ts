/** The namespaces of a stack. */
import { type NamespaceKey, namespaceKeys } from "../names";
import type { Settings } from "../settings";
import { backupDestination } from "./backup-rclone";
import { hasAutoscaling } from "./scaling";

/** Namespaces of collectors and exporters, which agents also have. */
const ofAgents: NamespaceKey[] = ["monitoring", "alloyLogs", "alloyMetrics", "alloyTraces", "opentelemetry"];

/** The namespaces that a stack with these settings uses. */
export const wantedNamespaces = (settings: Settings): NamespaceKey[] =>
  namespaceKeys.filter(
    (key) =>
      (!settings.hub || ofAgents.includes(key)) &&
      (key !== "minio" || settings.objectStorage.kind === "minio") &&
      (key !== "autoscaling" || hasAutoscaling(settings)) &&
      (key !== "backup" || backupDestination(settings) !== undefined),
  );
