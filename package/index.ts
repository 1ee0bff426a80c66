/** The components of the observability stack for other Pulumi programs: docs/guides/customizing.md#components-in-your-own-program */
export { AlloyLogs } from "../components/alloy-logs";
export { AlloyMetrics } from "../components/alloy-metrics";
export { AlloyTraces, type AlloyTracesArgs } from "../components/alloy-traces";
export type { ComponentArgs, NamespaceNames, Ready, TlsArgs } from "../components/args";
export { Certificates, type CertificatesArgs } from "../components/certificates";
export { GatewayAccess, type GatewayAccessArgs } from "../components/gateway-access";
export { Grafana, type GrafanaArgs } from "../components/grafana";
export { HubAccess, type HubAccessArgs } from "../components/hub";
export { KubePrometheusStack, type KubePrometheusStackArgs } from "../components/kube-prometheus-stack";
export { Loki, type LokiArgs } from "../components/loki";
export { Mimir, type MimirArgs } from "../components/mimir";
export { Namespaces, type NamespacesArgs } from "../components/namespaces";
export { ObjectStorage } from "../components/object-storage";
export type {
  ObjectStorageArgs,
  OwnS3Args,
  S3Args,
  StackStorageArgs,
} from "../components/object-storage/args";
export { openGate } from "../components/object-storage/gate";
export { Tempo, type TempoArgs } from "../components/tempo";
export type { NamespaceKey } from "../names";
export { defineSettings, type Settings, type SettingsChanges, SettingsError, UserError } from "../settings";
