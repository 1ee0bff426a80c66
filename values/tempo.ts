/**
 * Values of the tempo-distributed chart:
 * https://github.com/grafana-community/helm-charts/tree/main/charts/tempo-distributed
 *
 * The 2.x line is the last one with ingesters and a compactor; 3.x requires Kafka.
 */
import pins from "../charts.json";
import imagePins from "../images.json";
import { gatewayUser, releases, samplingRatioAttribute, tenants, urls } from "../names";
import type { Settings, Workload } from "../settings";
import { tempoConcurrentQueries } from "../settings/protection";
import { answerTimeout } from "../settings/queries";
import { longestQuery } from "../settings/retention";
import { goDuration, megabytes, quantity } from "../settings/units";
import { clientPasswords, gatewayClients, gatewayPods, passwordFile } from "./gateway";
import { gatewayConfiguration } from "./gateway-nginx";
import { memberlist } from "./gossip";
import { everyInterface, isIpv6, serverNetwork, tempoRingMember } from "./ip-family";
import { cloudIdentity, s3Credentials, storeTrust, untilStorageAnswers } from "./object-storage";
import { releaseReplicas } from "./scaling";
import { scheduling, statelessScheduling } from "./scheduling";
import {
  antiAffinity,
  cacheResources,
  disruptionBudget,
  dnsConfig,
  grpcServerKeepalive,
  leavesEndpoints,
  overZones,
  pullSecrets,
  type Role,
  resources,
  tagOf,
  type Values,
  watchedByPrometheus,
} from "./shared";
import { overrides, storage, tenantOverrides } from "./tempo-configuration";

/** Data as the text of a template; JSON is a valid template. */
const asText = (data: unknown) => (data ? JSON.stringify(data) : "");

/** Labels of a component's pods. */
const labels = (name: string) => ({
  "app.kubernetes.io/name": "tempo",
  "app.kubernetes.io/instance": releases.tempo,
  "app.kubernetes.io/component": name,
});

/** Maximum bytes of an attribute. */
export const attributeBytes = 16 * 1024;

/**
 * Maximum lateness of spans that a search finds; later ones are found only by their trace ID. Tempo's 2 min are shorter
 * than an outage that Alloy buffers: https://grafana.com/docs/tempo/latest/configuration/#storage
 */
const lateness = "24h";

/**
 * The largest message between Tempo's components: https://grafana.com/docs/tempo/latest/configuration/#ingester_client
 */
const messageSize = 100 * 1024 ** 2;

/**
 * Searches that wait instead of being rejected, and the jobs of each in the queue. Tempo's 1000 jobs in a queue for 2000 reject the
 * third search over many blocks: https://grafana.com/docs/tempo/latest/operations/backend_search/
 */
const searches = { atOnce: 50, jobs: 200 };

/**
 * Calls of which Tempo or Alloy has seen one span and waits 10 s for the other: the spans of 10,000 spans/s. Beyond the default of
 * 10,000, they are missing in the service graph.
 */
const edges = 100_000;

/** Each processor counts a span as many times as it represents: the reciprocal of its sampling ratio. */
const byRatio = { span_multiplier_key: samplingRatioAttribute };

export function tempoValues(settings: Settings): Values {
  const { alloyMetrics, tempo, images, cluster } = settings;
  const pods = (name: string, workload: { replicas: number }, role: Role = "interchangeable") => ({
    replicas: workload.replicas,
    podDisruptionBudget: { enabled: disruptionBudget(workload).enabled },
    maxUnavailable: 1,
    ...statelessScheduling(settings, "tempo"),
    minReadySeconds: 0,
    // The chart expects both as templates; an empty one removes its default.
    affinity: asText(antiAffinity(settings, labels(name), role)),
    topologySpreadConstraints: asText(overZones(settings, labels(name), role)),
  });
  /** Pods of Tempo itself, which reads its credentials from its environment. */
  const component = (name: string, workload: Workload, role?: Role) => ({
    ...pods(name, workload, role),
    resources: resources(workload),
    extraEnvFrom: s3Credentials(settings, "tempo"),
  });
  /** Pods that open the object storage at startup. */
  const withStorage: typeof component = (...of) => ({
    ...component(...of),
    initContainers: [untilStorageAnswers(settings)],
  });
  const users = gatewayPods(settings);
  const asClient = clientPasswords(gatewayClients(settings).tempo);
  const trust = storeTrust(settings);
  const identity = cloudIdentity(settings, "tempo");
  const on = { enabled: true };
  const off = { enabled: false };
  const receiver = (port: number) => ({
    ...on,
    ...(isIpv6(settings) && { receiverConfig: { endpoint: `${everyInterface(settings)}:${port}` } }),
  });
  return {
    fullnameOverride: releases.tempo,
    global: {
      clusterDomain: settings.cluster.domain,
      ...identity.pods,
      image: {
        ...(images.registry && { registry: images.registry }),
        pullSecrets: pullSecrets(settings).map(({ name }) => name),
      },
      extraArgs: ["-config.expand-env=true"],
    },
    defaults: { ...trust, dnsConfig },
    reportingEnabled: false,
    multitenancyEnabled: true,
    serviceAccount: { automountServiceAccountToken: false, ...identity.serviceAccount },
    tempo: {
      image: { tag: tagOf(pins["tempo-distributed"].image) },
      podSecurityContext: { fsGroup: 1000, seccompProfile: { type: "RuntimeDefault" } },
      readinessProbe: { initialDelaySeconds: 5, periodSeconds: 5 },
      // The chart's /ready fails while another ingester is dead, no querier is connected, or the WAL is replayed. A
      // restart would fix none of these.
      livenessProbe: { httpGet: { path: "/api/status/buildinfo" } },
      ...(isIpv6(settings) && { service: { ipFamilies: ["IPv6"] } }),
      // Clients that send too fast get a retryable error. Otherwise a collector would drop the spans that it buffered
      // while Tempo was unavailable.
      structuredConfig: {
        ...(isIpv6(settings) && {
          ingester: { lifecycler: tempoRingMember(settings) },
          compactor: { ring: tempoRingMember(settings) },
          metrics_generator: { ring: tempoRingMember(settings) },
        }),
        distributor: { retry_after_on_resource_exhausted: "5s" },
        server: { ...grpcServerKeepalive, ...serverNetwork(settings) },
        query_frontend: {
          api_timeout: goDuration(settings.queries.timeout),
          search: { max_duration: goDuration(longestQuery(settings).tempo) },
        },
        storage: { trace: { wal: { ingestion_time_range_slack: lateness } } },
      },
    },
    // Tempo's components accept messages as large as they send; the chart's 4 MiB are less than the size of a large
    // trace.
    server: {
      grpc_server_max_recv_msg_size: messageSize,
      grpc_server_max_send_msg_size: messageSize,
      http_server_read_timeout: goDuration(answerTimeout(settings)),
      http_server_write_timeout: goDuration(answerTimeout(settings)),
    },
    memberlist: memberlist("tempo", settings),
    storage: storage(settings),
    overrides: overrides(settings),
    per_tenant_overrides: tenantOverrides(settings),
    traces: {
      otlp: { grpc: receiver(4317), http: receiver(4318) },
      jaeger: {
        grpc: receiver(14250),
        thriftHttp: receiver(14268),
        thriftCompact: receiver(6831),
        thriftBinary: receiver(6832),
      },
      zipkin: receiver(9411),
    },
    distributor: {
      ...component("distributor", tempo.distributor),
      ...leavesEndpoints,
      // A stack trace is one attribute; Tempo's default truncates it at 2 KiB.
      config: { max_attribute_bytes: attributeBytes },
    },
    ingester: {
      ...withStorage("ingester", tempo.ingester, "quorum"),
      ...scheduling(settings, "tempo"),
      persistence: {
        enabled: true,
        size: quantity(tempo.ingester.disk),
        ...(cluster.storageClass && { storageClass: cluster.storageClass }),
      },
      terminationGracePeriodSeconds: tempo.shutdown,
      config: {
        replication_factor: tempo.replicationFactor,
        // A block is written as a whole, which needs several times its size in memory: Tempo's 500 MB would cause an
        // OOM kill of a small ingester.
        max_block_bytes: Math.min(500e6, Math.floor(tempo.ingester.memoryLimit / 20)),
        // A search finds a trace when it has received no span for the idle period and the ingester has checked it
        // since: with 50 spans/s, after 4.3 s (p95) instead of 10.4 s with Tempo's defaults.
        trace_idle_period: "2s",
        flush_check_period: "4s",
        // A search opens every file of the newest block, one for each flush check of its age: with Tempo's 30 min,
        // searches take several times as long.
        max_block_duration: "3m",
      },
    },
    querier: {
      ...withStorage("querier", tempo.querier),
      replicas: releaseReplicas(tempo.querier),
      config: {
        max_concurrent_queries: tempoConcurrentQueries(settings),
        frontend_worker: { grpc_client_config: { max_send_msg_size: messageSize } },
        trace_by_id: { query_timeout: goDuration(settings.queries.timeout) },
        search: { query_timeout: goDuration(settings.queries.timeout) },
      },
    },
    queryFrontend: {
      ...withStorage("query-frontend", tempo.queryFrontend),
      config: {
        max_outstanding_per_tenant: searches.atOnce * searches.jobs,
        search: { concurrent_jobs: searches.jobs },
        metrics: { concurrent_jobs: searches.jobs },
      },
    },
    compactor: {
      ...withStorage("compactor", tempo.compactor),
      config: { compaction: { block_retention: goDuration(tempo.retention) } },
    },
    metricsGenerator: {
      enabled: true,
      ...withStorage("metrics-generator", tempo.metricsGenerator),
      terminationGracePeriodSeconds: Math.min(60, tempo.shutdown),
      extraVolumes: [asClient.volume],
      extraVolumeMounts: [asClient.mount],
      config: {
        registry: {
          external_labels: { cluster: cluster.name },
          // Otherwise services of the same name in two tenants would share series.
          ...(Object.keys(tempo.tenants).length > 1 && { inject_tenant_id_as: "tenant" }),
        },
        processor: {
          service_graphs: { ...byRatio, max_items: edges, enable_messaging_system_latency_histogram: true },
          span_metrics: { ...byRatio, dimensions: ["service.namespace", "deployment.environment"] },
        },
        storage: {
          // Metrics of applications, whatever the tenant of their traces.
          remote_write_add_org_id_header: false,
          remote_write: [
            {
              url: `${urls(settings).mimir}/api/v1/push`,
              basic_auth: {
                username: gatewayUser(tenants.pods, "write"),
                password_file: passwordFile(["mimir", gatewayUser(tenants.pods, "write")]),
              },
              send_exemplars: true,
              // A change of the number drops what is not sent within a minute.
              queue_config: { min_shards: alloyMetrics.shards, max_shards: alloyMetrics.shards },
            },
          ],
        },
      },
    },
    memcached: {
      enabled: tempo.cache.replicas > 0,
      // The full path, as in the other charts: a mirror has the image once.
      image: { repository: "library/memcached", tag: tagOf(imagePins.memcached) },
      ...pods("memcached", tempo.cache),
      ...scheduling(settings, "tempo"),
      resources: cacheResources(tempo.cache),
      extraArgs: [`-m ${megabytes(tempo.cache.memory)}`],
    },
    ...(tempo.cache.replicas === 0 && { cache: { caches: [] } }),
    metaMonitoring: { serviceMonitor: { enabled: true, labels: watchedByPrometheus } },
    gateway: {
      ...on,
      image: { tag: tagOf(imagePins.nginx) },
      ...pods("gateway", tempo.gateway),
      resources: resources(tempo.gateway),
      podAnnotations: users.annotations,
      extraVolumes: users.volumes,
      extraVolumeMounts: users.mounts,
      nginxConfig: { file: gatewayConfiguration("tempo", settings) },
      readinessProbe: { initialDelaySeconds: 1, periodSeconds: 5 },
    },
    minio: off,
    rollout_operator: off,
  };
}
