/** Values of the loki chart: https://github.com/grafana-community/helm-charts/tree/main/charts/loki */
import pins from "../charts.json";
import imagePins from "../images.json";
import { lokiIndexGatewayAddress, releases } from "../names";
import type { Settings, Workload } from "../settings";
import { quantity } from "../settings/units";
import { gatewayPods } from "./gateway";
import { gatewayConfiguration } from "./gateway-nginx";
import { lokiConfiguration } from "./loki-configuration";
import { cloudIdentity, s3Credentials, storeTrust, untilStorageAnswers } from "./object-storage";
import { releaseReplicas } from "./scaling";
import { scheduling, statelessScheduling } from "./scheduling";
import {
  disruptionBudget,
  dnsConfig,
  leavesEndpoints,
  memcached,
  placement,
  pullSecrets,
  resources,
  tagOf,
  type Values,
  watchedByPrometheus,
} from "./shared";

export function lokiValues(settings: Settings): Values {
  const { loki, images } = settings;
  const component = (name: string, workload: Workload) => {
    const { affinity, topologySpreadConstraints } = placement(
      settings,
      {
        "app.kubernetes.io/name": "loki",
        "app.kubernetes.io/instance": releases.loki,
        "app.kubernetes.io/component": name,
      },
      name === "ingester" ? "quorum" : "interchangeable",
    );
    return {
      replicas: workload.replicas,
      resources: resources(workload),
      podDisruptionBudget: disruptionBudget(workload),
      // Helm merges maps: without `null`, the chart's default would still require different nodes.
      affinity: affinity && {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: null,
          ...affinity.podAntiAffinity,
        },
      },
      topologySpreadConstraints,
    };
  };
  const stateless: typeof component = (...of) => ({
    ...component(...of),
    ...statelessScheduling(settings, "loki"),
  });
  /** An update replaces a query-frontend before the last querier that it may depend on, because it is ready sooner. */
  const readyAfter = (initialDelaySeconds: number) => ({
    readinessProbe: {
      httpGet: { path: "/ready", port: "http-metrics" },
      initialDelaySeconds,
      periodSeconds: 5,
      failureThreshold: 6,
    },
  });
  const volume = (size: number) => ({
    persistence: {
      enabled: true,
      claims: [
        {
          name: "data",
          accessModes: ["ReadWriteOnce"],
          size: quantity(size),
          storageClass: settings.cluster.storageClass ?? null,
        },
      ],
    },
  });
  const hasIndexGateways = loki.indexGateway.replicas > 0;
  const users = gatewayPods(settings);
  const placed = scheduling(settings, "loki");
  const identity = cloudIdentity(settings, "loki");
  const off = { enabled: false };
  const none = { replicas: 0 };
  return {
    fullnameOverride: releases.loki,
    rbac: { namespaced: true }, // no sidecar needs to read ConfigMaps and Secrets of the cluster
    deploymentMode: "Distributed",
    global: {
      clusterDomain: settings.cluster.domain,
      ...(images.registry && { imageRegistry: images.registry }),
    },
    imagePullSecrets: pullSecrets(settings),
    defaults: {
      extraEnvFrom: s3Credentials(settings, "loki"),
      ...storeTrust(settings),
      ...placed,
      ...identity.pods,
      automountServiceAccountToken: false,
      dnsConfig,
    },
    serviceAccount: { automountServiceAccountToken: false, ...identity.serviceAccount },
    loki: { ...lokiConfiguration(settings), image: { tag: tagOf(pins.loki.image) } },
    distributor: {
      ...stateless("distributor", loki.distributor),
      ...leavesEndpoints,
    },
    ingester: {
      ...component("ingester", loki.ingester),
      ...volume(loki.ingester.disk),
      zoneAwareReplication: off,
      terminationGracePeriodSeconds: loki.shutdown,
    },
    querier: {
      ...stateless("querier", loki.querier),
      replicas: releaseReplicas(loki.querier),
      ...readyAfter(30),
      persistence: { dataVolumeParameters: { emptyDir: { sizeLimit: quantity(loki.indexDisk) } } },
      // Queries of a querier without an index gateway fail. An update keeps the old queriers meanwhile.
      ...(hasIndexGateways && {
        initContainers: [untilStorageAnswers(settings, lokiIndexGatewayAddress(settings))],
      }),
    },
    queryFrontend: { ...stateless("query-frontend", loki.queryFrontend), ...readyAfter(5) },
    queryScheduler: {
      enabled: loki.queryScheduler.replicas > 0,
      ...stateless("query-scheduler", loki.queryScheduler),
    },
    indexGateway: {
      enabled: hasIndexGateways,
      ...component("index-gateway", loki.indexGateway),
      ...volume(loki.indexGateway.disk),
      // Before it is ready, it compares the index on its volume with the bucket.
      initContainers: [untilStorageAnswers(settings)],
      // As for the chart's other StatefulSets: pods start together, and an update replaces a pod that never became ready.
      podManagementPolicy: "Parallel",
      // Queriers would connect to the address of a pod on a lost node until the pod is deleted.
      service: { publishNotReadyAddresses: false },
    },
    compactor: {
      ...component("compactor", loki.compactor),
      ...volume(loki.compactor.disk),
      initContainers: [untilStorageAnswers(settings)],
    },
    gateway: {
      ...stateless("gateway", loki.gateway),
      image: { tag: tagOf(imagePins.nginx) },
      metrics: off,
      podAnnotations: users.annotations,
      extraVolumes: users.volumes,
      extraVolumeMounts: users.mounts,
      nginxConfig: { file: gatewayConfiguration("loki", settings) },
      // nginx closes its port immediately on SIGTERM, while clients still resolve to it.
      lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
      readinessProbe: { initialDelaySeconds: 1, periodSeconds: 5 },
    },
    resultsCache: memcached(loki.resultsCache, {
      // A cached result lacks lines that arrived later. The chart's 12 h would hide them for that long; Loki's own default is 1 h.
      defaultValidity: "1h",
      podDisruptionBudget: off,
      ...placed,
    }),
    chunksCache: memcached(loki.chunksCache, { podDisruptionBudget: off, ...placed }),
    memcached: { image: { tag: tagOf(imagePins.memcached) } },
    memcachedExporter: {
      image: { tag: tagOf(imagePins.memcachedExporter) },
      enabled: loki.resultsCache.replicas + loki.chunksCache.replicas > 0,
      resources: resources({ cpu: 10, memory: 32 * 1024 ** 2, memoryLimit: 64 * 1024 ** 2 }),
    },
    monitoring: { serviceMonitor: { enabled: true, labels: watchedByPrometheus } },
    // Parts of the chart that this topology does not use.
    singleBinary: none,
    read: none,
    write: none,
    backend: none,
    ruler: { ...off, ...none },
    sidecar: { rules: off },
    minio: off,
    rollout_operator: off,
    lokiCanary: off,
    test: off,
  };
}
