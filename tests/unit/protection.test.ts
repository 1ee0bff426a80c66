/** Limits that follow from memory: a component rejects requests before it runs out of memory. */
import { expect } from "chai";
import { capacityText } from "../../cli/commands/size";
import {
  lokiStreams,
  mimirProtection,
  tempoConcurrentQueries,
  tempoGeneratedSeries,
} from "../../settings/protection";
import { longestQuery } from "../../settings/retention";
import { limitProblems, sizingWarnings } from "../../settings/sizing-problems";
import { day } from "../../settings/units";
import { alertRules } from "../../values/alerts";
import { lokiConfiguration } from "../../values/loki-configuration";
import { mimirValues } from "../../values/mimir";
import { mimirConfiguration } from "../../values/mimir-configuration";
import { bucketLifecycles } from "../../values/minio-access";
import { goMemoryLimit } from "../../values/shared";
import { tempoValues } from "../../values/tempo";
import { type Config, settingsOf } from "../support/stacks";

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
const prod = (config: Config = {}) => settingsOf("prod", config);
const mimir = (config: Config = {}) => mimirProtection(prod({ mimir: config }));

describe("unit: limits that follow from memory", () => {
  it("an ingester's series fit into its soft memory limit, at 2.5 GB for 300,000", () => {
    const { series, carried } = mimir();
    expect(series).to.equal(430_000);
    // Each of three ingesters has each series.
    expect(carried).to.equal(430_000);
    const soft = Number(goMemoryLimit({ memoryLimit: 4 * GiB }).GOMEMLIMIT);
    expect((series / 300_000) * 2.5e9).to.be.within(soft * 0.9, soft);
    const twice = { memory: "8Gi", memoryLimit: "8Gi" };
    expect(mimir({ ingester: twice }).series).to.equal(870_000);
    expect(mimir({ ingester: { replicas: 6 } })).to.include({ series: 430_000, carried: 860_000 });
  });

  it("one metric of a tenant takes a fifth of them, so that an explosion leaves room for the rest", () => {
    expect(mimir().metricSeries).to.equal(86_000);
  });

  it("the queries that a querier runs at a time fit into its memory", () => {
    for (const [memoryLimit, concurrentQueries] of [
      ["512Mi", 2],
      ["1Gi", 4],
      ["2Gi", 8],
      ["16Gi", 8],
    ] as const) {
      const found = mimir({ querier: { memory: "512Mi", memoryLimit } });
      expect(found.concurrentQueries, memoryLimit).to.equal(concurrentQueries);
      const bytes = Number.parseInt(memoryLimit, 10) * (memoryLimit.endsWith("Gi") ? GiB : MiB);
      expect(found.queryMemory * concurrentQueries).to.be.within(bytes * 0.84, bytes * 0.85);
    }
    expect(tempoConcurrentQueries(prod())).to.equal(10);
    expect(tempoConcurrentQueries(settingsOf("dev"))).to.equal(2);
    expect(
      tempoConcurrentQueries(prod({ tempo: { querier: { memory: "8Gi", memoryLimit: "8Gi" } } })),
    ).to.equal(20);
  });

  it("the series that Tempo generates fit into the metrics-generator's memory, for every tenant with metrics", () => {
    expect(tempoGeneratedSeries(prod())).to.equal(1_200_000);
    expect(
      tempoGeneratedSeries(prod({ tempo: { metricsGenerator: { memory: "1Gi", memoryLimit: "4Gi" } } })),
    ).to.equal(2_400_000);
    const { overrides, per_tenant_overrides } = tempoValues(
      prod({ tempo: { tenants: { traces: {}, team: { retention: "7d" } } } }),
    ) as Record<string, Record<string, { metrics_generator: { max_active_series: number } }>>;
    for (const limits of [overrides?.["defaults"], per_tenant_overrides?.["team"]])
      expect(limits?.metrics_generator.max_active_series).to.equal(1_200_000);
  });

  it("the rules of a tenant are not limited: alerts in larger groups than Mimir's 20 would never fire", () => {
    const { limits } = mimirConfiguration(prod()) as { limits: object };
    expect(limits).to.include({ ruler_max_rules_per_rule_group: 0, ruler_max_rule_groups_per_tenant: 0 });
  });

  it("as many pushes at a time as a distributor's memory holds, at 2 kB a sample", () => {
    expect(mimir().distributorPushes).to.equal(228);
    const dev = settingsOf("dev");
    expect(mimirProtection(dev).distributorPushes).to.equal(28);
    // Dev's own senders: two tenants of Alloy, and Prometheus, with room for agents.
    expect(3 * dev.alloyMetrics.shards).to.be.below(28 / 2);
  });

  it("are in the stores' configurations", () => {
    const protection = mimir();
    expect(mimirConfiguration(prod())).to.deep.nested.include({
      "ingester.instance_limits": {
        max_series: 430_000,
        max_inflight_push_requests_bytes: protection.ingesterInflight,
      },
      "distributor.instance_limits": {
        max_inflight_push_requests: protection.distributorPushes,
        max_inflight_push_requests_bytes: protection.distributorInflight,
      },
      "limits.max_global_series_per_metric": 86_000,
      "limits.max_label_names_per_series": 45,
      "limits.max_estimated_memory_consumption_per_query": protection.queryMemory,
      "limits.max_fetched_chunk_bytes_per_query": protection.queryMemory,
      "querier.max_concurrent": 8,
      // The tenants' own limits do not change.
      "limits.max_global_series_per_user": 1_000_000,
      "limits.ingestion_rate": 100_000,
    });
    expect(lokiConfiguration(prod())).to.nested.include({
      "limits_config.max_global_streams_per_user": lokiStreams(prod()),
      "limits_config.per_stream_rate_limit": `${10 * MiB}B`,
      "limits_config.per_stream_rate_limit_burst": `${20 * MiB}B`,
    });
    expect(tempoValues(prod())).to.nested.include({ "querier.config.max_concurrent_queries": 10 });
  });

  it("of memory that Go may use follow from the memory limit, also after obs size --write", () => {
    const storeGateway = { cpu: "150m", memory: "192Mi", memoryLimit: "1Gi" };
    const env = (more = {}) => {
      const { store_gateway, ...values } = mimirValues(
        settingsOf("prod", { mimir: { storeGateway, ...more } }),
      );
      expect(values).to.have.nested.property("querier.env[0].name", "GOMEMLIMIT");
      return (store_gateway as { env: { name: string; value: string }[] }).env;
    };
    expect(env()).to.deep.equal([{ name: "GOMEMLIMIT", value: String(Math.floor(1024 ** 3 * 0.85)) }]);
    // Older charts would set the variable twice.
    for (const chartVersion of ["5.7.0", "5.8.0"])
      expect(env({ chartVersion }), chartVersion).to.deep.equal([]);
    expect(env({ chartVersion: "6.0.6" })).to.have.length(1);
  });

  it("of a store-gateway's caches follow from its memory limit", () => {
    const caches = (settings: ReturnType<typeof prod>) => {
      const { blocks_storage } = mimirConfiguration(settings) as {
        blocks_storage: { bucket_store: Record<string, unknown> };
      };
      const { series_hash_cache_max_size_bytes, index_cache } = blocks_storage.bucket_store;
      return { series_hash_cache_max_size_bytes, index_cache };
    };
    // With memcached, the index cache is not in the memory of store-gateways.
    expect(caches(prod())).to.deep.equal({
      series_hash_cache_max_size_bytes: 256 * MiB,
      index_cache: undefined,
    });
    expect(caches(settingsOf("dev"))).to.deep.equal({
      series_hash_cache_max_size_bytes: 32 * MiB,
      index_cache: { inmemory: { max_size_bytes: 64 * MiB } },
    });
  });

  it("of queues delay the queries of 50 people instead of rejecting them", () => {
    const { queryFrontend } = tempoValues(prod()) as unknown as {
      queryFrontend: {
        config: Record<"search" | "metrics", { concurrent_jobs: number }> & {
          max_outstanding_per_tenant: number;
        };
      };
    };
    const { max_outstanding_per_tenant, search, metrics } = queryFrontend.config;
    for (const { concurrent_jobs } of [search, metrics])
      expect(concurrent_jobs * 50).to.be.at.most(max_outstanding_per_tenant);
    // 20 panels of each, in 16 shards, in the queues of two schedulers.
    expect(mimirConfiguration(prod()))
      .to.have.nested.property("query_scheduler.max_outstanding_requests_per_tenant")
      .at.least((50 * 20 * 16) / 2);
    expect(lokiConfiguration(prod()))
      .to.have.nested.property("limits_config.max_concurrent_tail_requests")
      .at.least(50);
  });

  it("Loki's is recorded for its alert", () => {
    const [rule] = alertRules(prod()).filter(({ metadata }) => metadata.name === "observability-settings");
    expect(rule?.spec.groups[0]?.rules).to.deep.equal([
      {
        record: "observability:loki_streams:limit",
        expr: `vector(${lokiStreams(prod())})`,
        labels: { namespace: "loki", tenant: "logs" },
      },
    ]);
  });

  it("one agent uses at most half of Loki's streams, unless it has its own limit", () => {
    const agents = { "eu-1": {}, "us-1": { loki: { streams: 50_000 } } };
    const hub = prod({ access: { ingress: { domain: "hub.test" } }, agents });
    const { overrides } = lokiConfiguration(hub)["runtimeConfig"] as {
      overrides: Record<string, { max_global_streams_per_user: number }>;
    };
    const { "eu-1": eu, "us-1": us } = overrides;
    expect(lokiStreams(hub)).to.equal(55_000);
    expect(eu?.max_global_streams_per_user).to.equal(27_000);
    expect(us?.max_global_streams_per_user).to.equal(50_000);
    const [rule] = alertRules(hub).filter(({ metadata }) => metadata.name === "observability-settings");
    const recorded = (rule?.spec.groups[0]?.rules ?? []).filter(({ record }) => record?.includes("streams"));
    expect(recorded.map(({ labels, expr }) => [labels?.["tenant"], expr])).to.deep.equal([
      ["logs", "vector(55000)"],
      ["all.clusters", "vector(55000)"],
      ["eu-1", "vector(27000)"],
      ["us-1", "vector(50000)"],
    ]);
  });

  it("a preview of prod warns if a tenant may have more series than fit, also without a load", () => {
    const [first = "", ...more] = sizingWarnings("test", prod({ load: { logs: "1GB/day" } }));
    expect(more).to.deep.equal([]);
    expect(first).to.match(
      /^mimir\.limits\.series: "1M" is too large \(the ingesters' memory fits 430k: .* mimir\.ingester\.memoryLimit to 10Gi\)/,
    );
    expect(capacityText("prod", prod())).to.include("Limits that exceed the memory:");
    const paths = (config: Config) => limitProblems(prod({ mimir: config })).map(({ path }) => path);
    expect(paths({ limits: { series: 400_000 } })).to.deep.equal([]);
    expect(paths({ ingester: { memory: "10Gi", memoryLimit: "10Gi" } })).to.deep.equal([]);
    expect(paths({ limits: { series: 400_000 }, tenants: { team: { series: 500_000 } } })).to.deep.equal([
      "mimir.tenants.team.series",
    ]);
    expect(limitProblems(settingsOf("dev"))).to.deep.equal([]);
    const hub = {
      access: { ingress: { domain: "hub.test" } },
      agents: { "eu-1": { mimir: { series: 500_000 } } },
    };
    const lower = { mimir: { limits: { series: 400_000 } } };
    expect(limitProblems(prod({ ...lower, ...hub })).map(({ path }) => path)).to.deep.equal([
      "agents.eu-1.mimir.series",
    ]);
  });
});

describe("unit: ranges of queries", () => {
  it("cover all data in a store", () => {
    const settings = prod({ loki: { retention: { namespaces: { payments: "90d" } } } });
    const hour = 3600;
    expect(longestQuery(settings)).to.deep.equal({
      loki: 90 * day + hour,
      mimir: 730 * day + hour, // the rollup of an hour
      tempo: 30 * day + hour,
    });
    const agents = { "eu-1": { mimir: { retention: "800d" }, tempo: { retention: "90d" } } };
    const hub = prod({ access: { ingress: { domain: "hub.test" } }, agents });
    expect(longestQuery(hub)).to.include({ mimir: 800 * day + hour, tempo: 90 * day + hour });
    // The lifecycles of the buckets, with their margin of a week, do not delete what an agent's tenant keeps.
    expect(bucketLifecycles(hub)).to.nested.include({
      "mimirBlocks.expireAfterDays": 807,
      "tempo.expireAfterDays": 97,
    });
    for (const kind of ["journal", "events"])
      expect(longestQuery(prod({ loki: { retention: { [kind]: "60d" } } })).loki).to.equal(60 * day + hour);
    expect(lokiConfiguration(settings)).to.nested.include({ "limits_config.max_query_length": "2161h" });
    expect(mimirConfiguration(settings)).to.nested.include({ "limits.max_total_query_length": "17521h" });
    expect(tempoValues(settings)).to.nested.include({
      "tempo.structuredConfig.query_frontend.search.max_duration": "721h",
    });
  });
});
