/** All checks of the preflight. */
import type { Check } from "../check";
import { check as addOns } from "./add-ons";
import { check as apiServerPorts } from "./api-server-ports";
import { check as backups } from "./backups";
import { check as capacity } from "./capacity";
import { check as certManager } from "./cert-manager";
import { check as containerRuntime } from "./container-runtime";
import { check as dnsMetrics } from "./dns-metrics";
import { check as domain } from "./domain";
import { check as eksNetwork } from "./eks-network";
import { check as gatewayUsers } from "./gateway-users";
import { check as gossip } from "./gossip";
import { check as grafanaDatabase } from "./grafana-database";
import { check as grafanaKey } from "./grafana-key";
import { check as ingress } from "./ingress";
import { check as instrumentation } from "./instrumentation";
import { check as ipFamily } from "./ip-family";
import { check as keda } from "./keda";
import { check as kubernetesVersion } from "./kubernetes-version";
import { check as lokiIndex } from "./loki-index";
import { check as lostNodes } from "./lost-nodes";
import { check as metricsServer } from "./metrics-server";
import { check as mimirVersion } from "./mimir-version";
import { check as namespaces } from "./namespaces";
import { check as nodeAgents } from "./node-agents";
import { check as nodeSelection } from "./node-selection";
import { check as objectStorage } from "./object-storage";
import { check as openTelemetryOperator } from "./opentelemetry-operator";
import { check as otherPrometheus } from "./other-prometheus";
import { check as placeholders } from "./placeholders";
import { check as platform } from "./platform";
import { check as ports } from "./ports";
import { check as priorityClasses } from "./priority-classes";
import { check as prometheusCrds } from "./prometheus-crds";
import { check as quotas } from "./quotas";
import { check as receivers } from "./receivers";
import { check as replicas } from "./replicas";
import { check as secrets } from "./secrets";
import { check as storageClass } from "./storage-class";
import { check as topology } from "./topology";
import { check as verticalPodAutoscaler } from "./vertical-pod-autoscaler";
import { check as volumePlacement } from "./volume-placement";
import { check as volumes } from "./volumes";

export const checks: Check[] = [
  placeholders,
  kubernetesVersion,
  platform,
  namespaces,
  domain,
  volumes,
  replicas,
  gatewayUsers,
  gossip,
  mimirVersion,
  lokiIndex,
  objectStorage,
  storageClass,
  nodeSelection,
  priorityClasses,
  topology,
  lostNodes,
  containerRuntime,
  nodeAgents,
  dnsMetrics,
  volumePlacement,
  secrets,
  addOns,
  prometheusCrds,
  keda,
  openTelemetryOperator,
  verticalPodAutoscaler,
  metricsServer,
  certManager,
  otherPrometheus,
  ports,
  capacity,
  quotas,
  apiServerPorts,
  ipFamily,
  eksNetwork,
  ingress,
  instrumentation,
  receivers,
  grafanaDatabase,
  grafanaKey,
  backups,
];
