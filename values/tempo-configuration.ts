/**
 * Parts of Tempo's configuration: the storage of blocks, and the limits of tenants:
 * https://grafana.com/docs/tempo/latest/configuration/
 */
import type { Settings } from "../settings";
import { deletionRetention } from "../settings/agents";
import { tempoGeneratedSeries } from "../settings/protection";
import { goDuration } from "../settings/units";
import { azureBlob, s3, storageApi } from "./object-storage";
import type { Values } from "./shared";

/** Limits in Tempo's format: https://grafana.com/docs/tempo/latest/configuration/#overrides */
const limits = (limit: Settings["tempo"]["tenants"][string]) => ({
  ...((limit.rate || limit.burst) && {
    ingestion: {
      rate_strategy: "global",
      ...(limit.rate && { rate_limit_bytes: limit.rate }),
      ...(limit.burst && { burst_size_bytes: limit.burst }),
      ...(limit.liveTraces && { max_traces_per_user: limit.liveTraces }),
      retry_info_enabled: true,
    },
  }),
  ...(limit.traceSize && { global: { max_bytes_per_trace: limit.traceSize } }),
  ...(limit.retention && { compaction: { block_retention: goDuration(limit.retention) } }),
});

/** The metrics that Tempo generates from spans. A tenant's overrides replace the defaults, so both contain them. */
const metricsGenerator = (settings: Settings, processors: string[]) => ({
  metrics_generator: {
    processors,
    trace_id_label_name: "trace_id", // the label that Alloy uses in its exemplars
    max_active_series: tempoGeneratedSeries(settings),
  },
});

/** Overrides for tenants without their own. */
export const overrides = (settings: Settings) => ({
  defaults: { ...limits(settings.tempo.limits), ...ownMetrics(settings) },
  per_tenant_override_config: "/runtime-config/overrides.yaml",
});

const ownMetrics = (settings: Settings) =>
  metricsGenerator(
    settings,
    settings.tracing.metricsFrom === "tempo" ? ["service-graphs", "span-metrics"] : [],
  );

/**
 * Overrides of tenants, which repeat the other defaults. Agents generate span metrics themselves: Tempo would write
 * them to this cluster's tenant.
 */
export const tenantOverrides = (settings: Settings) => {
  const own = Object.entries(settings.tempo.tenants)
    .filter(([, tenant]) => Object.keys(tenant).length > 0)
    .map(([name, tenant]) => [name, tenant, ownMetrics(settings)] as const);
  const agents = Object.entries(settings.agents).map(
    ([name, { tempo = {}, removed }]) =>
      [
        name,
        { ...tempo, ...(removed === "deleteData" && { retention: deletionRetention }) },
        metricsGenerator(settings, []),
      ] as const,
  );
  return Object.fromEntries(
    [...own, ...agents].map(([name, tenant, metrics]) => [
      name,
      { ...limits({ ...settings.tempo.limits, ...tenant }), ...metrics },
    ]),
  );
};

/** The bucket of traces. */
export function storage(settings: Settings): Values {
  const { name } = settings.objectStorage.buckets.tempo;
  const backend = storageApi(settings);
  if (backend === "gcs") return { trace: { backend, gcs: { bucket_name: name } } };
  if (backend === "azure") {
    const { account, suffix } = azureBlob(settings);
    return {
      trace: {
        backend,
        azure: {
          container_name: name,
          storage_account_name: account,
          endpoint_suffix: suffix,
          use_federated_token: true,
        },
      },
    };
  }
  const { endpoint, region, tls, pathStyle, keys, caFile } = s3(settings);
  return {
    trace: {
      backend,
      s3: {
        bucket: name,
        endpoint,
        region,
        ...(keys && { access_key: keys.accessKey, secret_key: keys.secretKey }),
        insecure: !tls,
        ...(caFile && { tls_ca_path: caFile }),
        forcepathstyle: pathStyle,
      },
    },
  };
}
