/**
 * Values of the mimir-distributed chart:
 * https://github.com/grafana/mimir/tree/main/operations/helm/charts/mimir-distributed
 *
 * They are valid for every step of charts.json: a chart ignores unknown keys.
 */
import imagePins from "../images.json";
import { alertmanagerSecret, mimirGossipAddress, releases } from "../names";
import type { Settings, Workload } from "../settings";
import { mimirPin, stepOf } from "../settings/mimir-steps";
import { goDuration, quantity } from "../settings/units";
import { alertmanagerConfig } from "./alertmanager";
import { gatewayPods } from "./gateway";
import { gatewayConfiguration } from "./gateway-nginx";
import { cacheArguments, cacheServices, cacheValues } from "./mimir-caches";
import { fallbackFolder, mimirConfiguration, mimirOverrides } from "./mimir-configuration";
import { cloudIdentity, s3Credentials, storeTrust, untilStorageAnswers } from "./object-storage";
import { releaseReplicas } from "./scaling";
import { scheduling, statelessScheduling } from "./scheduling";
import {
  checksum,
  dnsConfig,
  environment,
  goMemoryLimit,
  image,
  placement,
  pullSecrets,
  type Role,
  resources,
  tagOf,
  type Values,
  watchedByPrometheus,
} from "./shared";

export function mimirValues(settings: Settings): Values {
  const { mimir } = settings;
  const pods = (name: string, workload: Workload, role: Role = "interchangeable") => ({
    replicas: workload.replicas,
    resources: resources(workload),
    ...statelessScheduling(settings, "mimir"),
    // The chart creates a budget for a single replica too, which must not block a drain.
    podDisruptionBudget: { maxUnavailable: 1 },
    ...placement(
      settings,
      {
        "app.kubernetes.io/name": "mimir",
        "app.kubernetes.io/instance": releases.mimir,
        "app.kubernetes.io/component": name,
      },
      role,
    ),
    // The chart waits 45 to 60 s before it first probes a pod.
    readinessProbe: { initialDelaySeconds: 5, periodSeconds: 5 },
    terminationGracePeriodSeconds: mimir.shutdown,
  });
  /** Pods of Mimir itself, which reads its credentials from its environment; gateway and caches have none. */
  const component = (name: string, workload: Workload, role?: Role) => ({
    ...pods(name, workload, role),
    env: environment(goMemoryLimit(workload)),
    dnsConfig,
    extraEnvFrom: s3Credentials(settings, "mimir"),
  });
  /** A component that still serves for a while after SIGTERM, until its clients have noticed. */
  const lingering = (name: string, workload: Workload) => ({
    ...component(name, workload),
    extraArgs: { "shutdown-delay": goDuration(Math.min(90, Math.floor(mimir.shutdown / 3))) },
  });
  const stateful = (name: string, workload: Workload & { disk: number }, role: Role = "quorum") => ({
    ...component(name, workload, role),
    ...scheduling(settings, "mimir"),
    initContainers: [untilStorageAnswers(settings)],
    zoneAwareReplication: { enabled: false },
    persistentVolume: {
      enabled: true,
      size: quantity(workload.disk),
      ...(settings.cluster.storageClass && { storageClass: settings.cluster.storageClass }),
    },
  });
  const fallback = { name: "fallback", mountPath: fallbackFolder, readOnly: true };
  const queryFrontend = lingering("query-frontend", mimir.queryFrontend);
  const caches = cacheArguments(settings);
  const users = gatewayPods(settings);
  const trust = storeTrust(settings);
  const identity = cloudIdentity(settings, "mimir");
  const off = { enabled: false };
  return {
    fullnameOverride: releases.mimir,
    global: { clusterDomain: `${settings.cluster.domain}.`, ...trust, ...identity.pods },
    ...(Object.keys(identity.serviceAccount).length > 0 && { serviceAccount: identity.serviceAccount }),
    image: {
      ...image(settings, mimirPin(settings).image),
      pullSecrets: pullSecrets(settings).map(({ name }) => name),
    },
    mimir: { structuredConfig: mimirConfiguration(settings) },
    runtimeConfig: { overrides: mimirOverrides(settings) },
    distributor: lingering("distributor", mimir.distributor),
    ingester: {
      ...stateful("ingester", mimir.ingester),
      // It exits if it does not reach another member at once: on a first start, the DNS name may not exist yet, and
      // NetworkPolicies prevent connections of a new pod for some seconds.
      initContainers: [untilStorageAnswers(settings, mimirGossipAddress(settings))],
    },
    querier: {
      ...component("querier", mimir.querier),
      replicas: releaseReplicas(mimir.querier),
      extraArgs: caches,
    },
    query_frontend: { ...queryFrontend, extraArgs: { ...queryFrontend.extraArgs, ...caches } },
    query_scheduler: { enabled: true, ...component("query-scheduler", mimir.queryScheduler) },
    store_gateway: {
      ...stateful("store-gateway", mimir.storeGateway),
      // The chart sets the soft memory limit of this component to its memory request. Only the charts from 6.0 accept another value.
      ...(stepOf(mimirPin(settings).version) < stepOf("6.0.6") && { env: [] }),
      extraArgs: caches,
    },
    compactor: stateful("compactor", mimir.compactor, "interchangeable"),
    // A ballast above Go's soft memory limit keeps the garbage collector running all the time.
    ruler: { ...component("ruler", mimir.ruler), extraArgs: { ...caches, "mem-ballast-size-bytes": "0" } },
    alertmanager: {
      ...stateful("alertmanager", mimir.alertmanager),
      // The fallback of the tenants is the stack's file, in a Secret, because it contains receivers.
      fallbackConfig: "",
      // Read only at startup, so that a change has to roll the pods.
      podAnnotations: { "checksum/alerting": checksum(alertmanagerConfig(settings)) },
      extraVolumes: [{ name: fallback.name, secret: { secretName: alertmanagerSecret } }],
      extraVolumeMounts: [fallback],
    },
    gateway: {
      ...pods("gateway", mimir.gateway),
      podAnnotations: users.annotations,
      extraVolumes: users.volumes,
      extraVolumeMounts: users.mounts,
      enabledNonEnterprise: true, // chart 5.x; the separate `nginx` does not exist in 6.x
      nginx: {
        config: { file: gatewayConfiguration("mimir", settings) },
        image: {
          tag: tagOf(imagePins.nginx),
          ...(settings.images.registry && { registry: settings.images.registry }),
        },
      },
    },
    // By default the chart sets the label `cluster` to the release's name.
    metaMonitoring: { serviceMonitor: { enabled: true, labels: watchedByPrometheus, clusterLabel: null } },
    memcached: { image: image(settings, imagePins.memcached) },
    memcachedExporter: {
      image: image(settings, imagePins.memcachedExporter),
      resources: resources({ cpu: 10, memory: 32 * 1024 ** 2, memoryLimit: 64 * 1024 ** 2 }),
    },
    ...cacheValues(settings),
    extraObjects: cacheServices(settings),
    nginx: off,
    kafka: off, // chart 6.x
    overrides_exporter: off,
    rollout_operator: off,
    minio: off,
  };
}
