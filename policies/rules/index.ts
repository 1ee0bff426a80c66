/** All rules, in the order of the tables. */
import type { Rule } from "../rule";
import { alertsDelivered } from "./alerting";
import { disruptionBudgets, replicaMinimums, storageDistributed } from "./availability";
import { backupsScheduled } from "./backups";
import { bucketsEncrypted, bucketsLifecycle, bucketsOwned, bucketsPrivate, iamNoWildcards } from "./buckets";
import { apisServed, imagesMaintained, imagesSupported, lokiIndex } from "./deprecated";
import { imagesFromRegistries, imagesPinned } from "./images";
import { networkPolicies, podSecurityLabels } from "./namespaces";
import { noHostNamespaces, noHostPaths, nonRoot, noPrivilege, readOnlyRoot, seccomp } from "./pod-security";
import { livenessProbes, readinessProbes } from "./probes";
import { statefulProtected } from "./protection";
import { rbacNoAdmin, rbacNoWildcards, rbacSecrets, tokensNeeded } from "./rbac";
import { chartsPinned, releasesRecoverable } from "./releases";
import { resourcesSet } from "./resources";
import {
  noSecretsInConfigMaps,
  noSecretsInOutputs,
  noSecretsInValues,
  noSecretsInVariables,
} from "./secrets";
import { ingressTls, noAnonymousAccess, servicesInternal, tlsInside } from "./services";
import { agentCluster, retentionMinimums, retentionRuns, sampling, tenancy } from "./telemetry";

export const rules: Rule[] = [
  ...[chartsPinned, releasesRecoverable, imagesPinned, imagesFromRegistries],
  ...[resourcesSet, readinessProbes, livenessProbes],
  ...[noPrivilege, noHostNamespaces, noHostPaths, nonRoot, seccomp, readOnlyRoot],
  ...[podSecurityLabels, networkPolicies],
  ...[noSecretsInValues, noSecretsInConfigMaps, noSecretsInVariables, noSecretsInOutputs],
  ...[bucketsPrivate, bucketsEncrypted, bucketsLifecycle, bucketsOwned, iamNoWildcards, storageDistributed],
  ...[disruptionBudgets, replicaMinimums],
  ...[sampling, retentionMinimums, retentionRuns, tenancy, agentCluster],
  ...[alertsDelivered, backupsScheduled],
  ...[servicesInternal, ingressTls, tlsInside, noAnonymousAccess],
  ...[rbacNoWildcards, rbacNoAdmin, rbacSecrets, tokensNeeded],
  ...[statefulProtected],
  ...[lokiIndex, imagesMaintained, imagesSupported, apisServed],
];
