/** Mimir's own configuration and its tenants' limits: https://grafana.com/docs/mimir/latest/configure/configuration-parameters/ */
import { alertmanagerFile } from "../names";
import type { Settings } from "../settings";
import { deletionRetention } from "../settings/agents";
import { mimirPin, stepOf } from "../settings/mimir-steps";
import { mimirProtection } from "../settings/protection";
import { answerTimeout } from "../settings/queries";
import { longestQuery } from "../settings/retention";
import { goDuration } from "../settings/units";
import { memberlist } from "./gossip";
import { isIpv6, ringMember, serverNetwork } from "./ip-family";
import { azureBlob, s3, storageApi } from "./object-storage";
import { rollupOverrides } from "./rollups";
import { grpcServerKeepalive, type Values } from "./shared";

/** Folder in Alertmanager's pods with the configuration for tenants without their own. */
export const fallbackFolder = "/etc/alertmanager-fallback";

/**
 * Labels of OTLP metrics that scraped series also have: resource attributes, which Alloy copies to others. Mimir itself
 * sets `job` and `instance`.
 */
export const promotedAttributes = {
  cluster: "k8s.cluster.name",
  namespace: "k8s.namespace.name",
  pod: "k8s.pod.name",
  container: "k8s.container.name",
};

/** Limits in Mimir's format. */
const limits = (limit: Settings["mimir"]["tenants"][string]) => ({
  ...(limit.series && { max_global_series_per_user: limit.series }),
  ...(limit.samplesPerSecond && { ingestion_rate: limit.samplesPerSecond }),
  ...(limit.burst && { ingestion_burst_size: limit.burst }),
  ...(limit.retention && { compactor_blocks_retention_period: goDuration(limit.retention) }),
});

/**
 * When a ring stops using a lost member. The chart's timeout is 10 min, during which queries to it fail. This timeout
 * is longer than the chart's periods (1 and 2 min). Members with the chart's heartbeat therefore stay in the ring
 * during an update: https://github.com/grafana/mimir/blob/main/operations/helm/charts/mimir-distributed/values.yaml
 */
const heartbeat = { heartbeat_period: "15s", heartbeat_timeout: "3m" };

/**
 * When Mimir accepts another replica of a Prometheus. The samples of the other replicas are discarded until then; with
 * Mimir's defaults (15, 5 and 30 s) for up to 45 s, because the replica is checked only in each period of the updates.
 * https://github.com/grafana/mimir/blob/main/pkg/distributor/ha_tracker.go
 */
const failover = {
  ha_tracker_update_timeout: "5s",
  ha_tracker_update_timeout_jitter_max: "1s",
  ha_tracker_failover_timeout: "15s",
};

/** Mimir 2.16 has these settings in the distributor, later versions in the limits. */
const failoverOfTenants = (settings: Settings): boolean =>
  stepOf(mimirPin(settings).version) >= stepOf("5.8.0");

/** The object storage of all buckets. */
function storage(settings: Settings): Values {
  const backend = storageApi(settings);
  if (backend === "gcs") return { backend };
  if (backend === "azure") {
    const { account, suffix } = azureBlob(settings);
    return { backend, azure: { account_name: account, endpoint_suffix: suffix } };
  }
  const { endpoint, region, tls, pathStyle, keys, caFile } = s3(settings);
  return {
    backend,
    s3: {
      endpoint,
      region,
      ...(keys
        ? { access_key_id: keys.accessKey, secret_access_key: keys.secretKey }
        : { native_aws_auth_enabled: true }),
      insecure: !tls,
      ...(caFile && { http: { tls_ca_path: caFile } }),
      bucket_lookup_type: pathStyle ? "path" : "virtual-hosted",
    },
  };
}

/** A bucket in the format of its object storage. */
function bucket(settings: Settings, key: "mimirBlocks" | "mimirRuler" | "mimirAlertmanager"): Values {
  const api = storageApi(settings);
  const { name } = settings.objectStorage.buckets[key];
  return { [api]: api === "azure" ? { container_name: name } : { bucket_name: name } };
}

/** Seconds between two readings of the rules by rulers. */
export const rulerPoll = 120;

/** Mimir's own configuration, merged over the chart's. */
export function mimirConfiguration(settings: Settings): Values {
  const { mimir } = settings;
  const protection = mimirProtection(settings);
  const member = ringMember(settings);
  const copies = ({ replicas }: { replicas: number }) => Math.min(mimir.replicationFactor, replicas);
  // With one replica there is no ring to stabilize.
  const stability = ({ replicas }: { replicas: number }) => (replicas > 1 ? "1m" : "0s");
  return {
    multitenancy_enabled: true,
    tenant_federation: { enabled: true }, // one query over `pods|nodes`
    // Classic architecture: distributors write to ingesters directly, without Kafka.
    ingest_storage: { enabled: false },
    memberlist: memberlist("mimir", settings),
    common: {
      storage: storage(settings),
    },
    blocks_storage: {
      ...bucket(settings, "mimirBlocks"),
      // Ingesters and store-gateways overlap by two hours, in which a block is uploaded and discovered.
      bucket_store: {
        ignore_blocks_within: goDuration(Math.max(0, mimir.storeAfter - 7200)),
        series_hash_cache_max_size_bytes: protection.seriesHashCache,
        ...(mimir.indexCache.replicas === 0 && {
          index_cache: { inmemory: { max_size_bytes: protection.indexCache } },
        }),
      },
    },
    ruler_storage: bucket(settings, "mimirRuler"),
    alertmanager_storage: bucket(settings, "mimirAlertmanager"),
    distributor: {
      ...(isIpv6(settings) && { ring: member }),
      // The chart has 5 s, for Kafka; this is Mimir's own default.
      remote_timeout: "2s",
      // Accepts the samples of one of several replicas of a Prometheus.
      ha_tracker: {
        enable_ha_tracker: true,
        kvstore: { store: "memberlist" },
        ...(!failoverOfTenants(settings) && failover),
      },
      instance_limits: {
        max_inflight_push_requests: protection.distributorPushes,
        max_inflight_push_requests_bytes: protection.distributorInflight,
      },
      // Collectors wait for the time in this header. With Mimir's 96 s, samples arrive that much later after an outage.
      retry_after_header: { min_backoff: "1s", max_backoff: "10s" },
    },
    ingester: {
      push_grpc_method_enabled: true,
      ring: { replication_factor: mimir.replicationFactor, ...heartbeat, ...member },
      // Whatever the tenants' limits allow, an ingester rejects new series before its memory is full. After an OOM
      // kill, the replay of its write-ahead log would need the same memory again.
      instance_limits: {
        max_series: protection.series,
        max_inflight_push_requests_bytes: protection.ingesterInflight,
      },
    },
    store_gateway: {
      sharding_ring: {
        replication_factor: copies(mimir.storeGateway),
        wait_stability_min_duration: stability(mimir.storeGateway),
        ...heartbeat,
        ...member,
      },
    },
    compactor: {
      compaction_interval: goDuration(mimir.compactionInterval),
      block_ranges: ["2h", "12h", "24h"], // ingesters write blocks of two hours
      sharding_ring: { wait_stability_min_duration: stability(mimir.compactor), ...member },
    },
    server: {
      ...grpcServerKeepalive,
      ...serverNetwork(settings),
      http_server_write_timeout: goDuration(answerTimeout(settings)),
    },
    querier: {
      query_store_after: goDuration(mimir.storeAfter),
      timeout: goDuration(settings.queries.timeout),
      max_concurrent: protection.concurrentQueries,
      // A query contacts only as many ingesters as a quorum needs. If one does not respond, the next one is contacted
      // after this time. Mimir's default waits until the connection fails, which takes 10 s or more.
      minimize_ingester_requests_hedging_delay: "3s",
    },
    ruler: {
      tenant_federation: { enabled: true },
      // A ruler that missed heartbeats drops its rules at a poll, and others may not take them over before theirs. Mimir's default
      // of 10 min would leave them unevaluated for that long.
      poll_interval: goDuration(rulerPoll),
      ...(isIpv6(settings) && { ring: member }),
    },
    ...(isIpv6(settings) && { frontend: member }),
    query_scheduler: {
      ...(isIpv6(settings) && { ring: member }),
      // Beyond it, queries are rejected instead of delayed. A panel takes up to 16 places, or more if it shows several days:
      // the chart's 800 are two dashboards of 25 panels.
      max_outstanding_requests_per_tenant: 8000,
    },
    alertmanager: {
      fallback_config_file: `${fallbackFolder}/${alertmanagerFile}`,
      sharding_ring: { replication_factor: copies(mimir.alertmanager), ...member },
    },
    limits: {
      ...limits({ ...mimir.limits, retention: mimir.retention }),
      max_global_exemplars_per_user: mimir.limits.exemplars,
      max_global_series_per_metric: protection.metricSeries,
      max_label_names_per_series: mimir.limits.labelNames,
      max_estimated_memory_consumption_per_query: protection.queryMemory,
      max_fetched_chunk_bytes_per_query: protection.queryMemory,
      max_total_query_length: goDuration(longestQuery(settings).mimir),
      out_of_order_time_window: goDuration(mimir.limits.outOfOrder),
      native_histograms_ingestion_enabled: true,
      // OTLP metrics get the names of an application's Prometheus endpoint, and the labels of scraped series.
      otel_metric_suffixes_enabled: true,
      promote_otel_resource_attributes: Object.keys(promotedAttributes).join(),
      // `obs coverage` reports the series of each metric.
      cardinality_analysis_enabled: true,
      accept_ha_samples: true,
      ha_cluster_label: "cluster",
      ha_replica_label: "__replica__",
      ...(failoverOfTenants(settings) && failover),
      // As many rules as Prometheus would evaluate. Mimir's defaults, 20 in a group and 70 groups, reject groups of common
      // mixins, whose alerts would then never fire.
      ruler_max_rules_per_rule_group: 0,
      ruler_max_rule_groups_per_tenant: 0,
    },
    usage_stats: { enabled: false },
  };
}

/** Series of an agent always have its name as `cluster`, which overrides the label that it sends. */
const ofAgent = (cluster: string, { mimir = {}, removed }: Settings["agents"][string]) => ({
  ...limits({ ...mimir, ...(removed === "deleteData" && { retention: deletionRetention }) }),
  ...(removed && {
    ruler_recording_rules_evaluation_enabled: false,
    ruler_alerting_rules_evaluation_enabled: false,
  }),
  metric_relabel_configs: [{ target_label: "cluster", replacement: cluster }],
});

/** Overrides of tenants, including those of agents and downsampled series; Mimir reloads them without a restart. */
export const mimirOverrides = (settings: Settings): Record<string, Values> => ({
  ...Object.fromEntries(
    Object.entries(settings.mimir.tenants)
      .map(([tenant, own]) => [tenant, limits(own)] as const)
      .filter(([, own]) => Object.keys(own).length > 0),
  ),
  ...Object.fromEntries(Object.entries(settings.agents).map(([name, own]) => [name, ofAgent(name, own)])),
  ...rollupOverrides(settings),
});
