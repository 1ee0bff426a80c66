/** Values of components for traces: Tempo, Alloy for traces, the OpenTelemetry operator and its custom resources. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import pins from "../../charts.json";
import { jaegerBatch } from "../../cli/commands/smoke/jaeger";
import { samplingRatioAttribute, tenants, tracesReplicas } from "../../names";
import type { Settings } from "../../settings";
import { dev } from "../../settings/dev";
import { prod } from "../../settings/prod";
import {
  alloyTracesEnvironment,
  alloyTracesPipeline,
  alloyTracesReplicas,
  alloyTracesValues,
} from "../../values/alloy-traces";
import { collectorObject } from "../../values/collector";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import { instrumentationObject, instrumentationObjects } from "../../values/instrumentation";
import { openTelemetryOperatorValues } from "../../values/opentelemetry-operator";
import { sdkRatio } from "../../values/sampling";
import { tempoValues } from "../../values/tempo";
import { services } from "../support/names";
import { type Config, type Environment, externalS3, recordingOf, settingsOf } from "../support/stacks";

// Tests read nested values, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const tempoOf = (environment: Environment, config: Config = {}): Any =>
  tempoValues(settingsOf(environment, config));
const operatorOf = (config: Config = {}): Any => openTelemetryOperatorValues(settingsOf("dev", config));

/** Alloy samples, so it also generates span metrics. */
const byCollector = (sampling: Config = {}): Config => ({
  tracing: { sampling: { appliedBy: "collector", ...sampling }, metricsFrom: "alloy" },
});
const alloyCounts: Config = { tracing: { sampling: { ratio: 1 }, metricsFrom: "alloy" } };

describe("unit: values of tempo", () => {
  it("has the required numbers (R4)", () => {
    const values = tempoOf("prod");
    const names = ["distributor", "ingester", "querier", "queryFrontend", "compactor", "metricsGenerator"];
    // The HorizontalPodAutoscaler sets the number of queriers (R13).
    expect(names.map((name) => values[name].replicas)).to.deep.equal([2, 3, null, 1, 1, 1]);
    expect(values.ingester.config.replication_factor).to.equal(3);
    expect(values.compactor.config.compaction.block_retention).to.equal("720h");
    expect(values.storage.trace).to.deep.include({ backend: "s3" });
    expect(values.storage.trace.s3.bucket).to.equal("tempo-data");
    for (const name of names) expect(tempoOf("dev")[name].replicas, name).to.equal(1);
  });

  it("receives spans by OTLP, Jaeger and Zipkin (R4.3), without optional components", () => {
    const { traces, minio, rollout_operator, reportingEnabled } = tempoOf("prod");
    const on = { enabled: true };
    expect(traces).to.deep.equal({
      otlp: { grpc: on, http: on },
      jaeger: { grpc: on, thriftHttp: on, thriftCompact: on, thriftBinary: on },
      zipkin: on,
    });
    for (const off of [minio, rollout_operator]) expect(off).to.deep.equal({ enabled: false });
    expect(reportingEnabled).to.equal(false);
  });

  it("answers within the query timeout, with messages of one size between its components", () => {
    const { querier, server, tempo } = tempoValues(
      settingsOf("prod", { queries: { timeout: "2m" } }),
    ) as unknown as {
      querier: { config: Record<string, Record<string, unknown>> };
      server: Record<string, unknown>;
      tempo: { structuredConfig: Record<string, unknown> };
    };
    expect(querier.config).to.deep.include({
      trace_by_id: { query_timeout: "2m" },
      search: { query_timeout: "2m" },
      // Tempo's 16 MiB would refuse a trace within tempo.limits.traceSize.
      frontend_worker: { grpc_client_config: { max_send_msg_size: server["grpc_server_max_recv_msg_size"] } },
    });
    expect(tempo.structuredConfig).to.nested.include({ "query_frontend.api_timeout": "2m" });
    expect(server).to.include({ http_server_write_timeout: "135s" });
  });

  it("has a gateway with authentication, which restarts with other passwords", () => {
    const settings = settingsOf("prod", { access: { generations: [2, 1] } });
    const { gateway }: Any = tempoValues(settings);
    expect(gateway).to.deep.include({
      enabled: true,
      replicas: 2,
      nginxConfig: { file: gatewayConfiguration("tempo", settings) },
      podAnnotations: { "observability/password-generations": "2,1" },
      extraVolumes: [{ name: "gateway-users", secret: { secretName: "gateway-users" } }],
      extraVolumeMounts: [{ name: "gateway-users", mountPath: "/etc/gateway-users", readOnly: true }],
    });
    expect(tempoOf("dev").gateway.replicas).to.equal(1);
  });

  const retention = (limits: Any) => limits.compaction?.block_retention;
  const defaultsOf = (config: Config): Any => tempoOf("prod", config).overrides.defaults;

  it("applies the limits of the settings to every tenant", () => {
    const { multitenancyEnabled, overrides } = tempoOf("prod", {
      tempo: { limits: { rate: "3MB/s", burst: "4MB/s", traceSize: "7Mi" } },
    });
    expect(multitenancyEnabled).to.equal(true);
    expect(overrides.per_tenant_override_config).to.equal("/runtime-config/overrides.yaml");
    expect(overrides.defaults.ingestion).to.deep.include({
      rate_strategy: "global",
      rate_limit_bytes: 3 * 1024 ** 2,
      burst_size_bytes: 4 * 1024 ** 2,
    });
    expect(overrides.defaults.global).to.deep.equal({ max_bytes_per_trace: 7 * 1024 ** 2 });
    expect(retention(overrides.defaults)).to.equal(undefined);
  });

  it("merges a tenant's own limits into all defaults that they replace, and sets none for others", () => {
    const tenantsOf = (own: Config, more: Config = {}) => ({ tempo: { tenants: own }, ...more });
    expect(tempoOf("prod").per_tenant_overrides).to.deep.equal({});
    const own = {
      audit: { retention: "90d" },
      loud: { rate: "99MB/s" },
      long: { traceSize: "50Mi" },
      other: {},
    };
    for (const counting of [{}, alloyCounts]) {
      const defaults = defaultsOf(counting);
      const { per_tenant_overrides: overrides } = tempoOf("prod", tenantsOf(own, counting));
      expect(overrides).to.have.all.keys("audit", "loud", "long");
      expect(overrides.audit).to.deep.equal({ ...defaults, compaction: { block_retention: "2160h" } });
      expect(overrides.loud).to.deep.equal({
        ...defaults,
        ingestion: { ...defaults.ingestion, rate_limit_bytes: 99 * 1024 ** 2 },
      });
      expect(overrides.long).to.deep.equal({ ...defaults, global: { max_bytes_per_trace: 50 * 1024 ** 2 } });
    }
  });

  it("uses MinIO, or an external S3, with credentials from the environment in its Secret", () => {
    const common = { bucket: "tempo-data", access_key: "${S3_ACCESS_KEY}", secret_key: "${S3_SECRET_KEY}" };
    const s3Of = (config: Config) => tempoOf("dev", config).storage.trace.s3;
    const minio = {
      ...common,
      endpoint: "minio.minio.svc:9000",
      region: "us-east-1",
      insecure: true,
      forcepathstyle: true,
    };
    expect(s3Of({})).to.deep.equal(minio);
    expect(s3Of({ objectStorage: { external: externalS3 } }), "an S3 that is not in use").to.deep.equal(
      minio,
    );
    expect(s3Of({ objectStorage: { kind: "external", external: externalS3 } })).to.deep.equal({
      ...common,
      endpoint: "s3.example.com:443",
      region: "eu-west-3",
      insecure: false,
      forcepathstyle: false,
    });
    const renamed = s3Of({ objectStorage: { buckets: { tempo: { name: "team-traces" } } } });
    expect(renamed.bucket).to.equal("team-traces");
    const { global, memcached, ...rest } = tempoOf("prod");
    expect(global.extraArgs).to.include("-config.expand-env=true");
    const names = ["distributor", "ingester", "querier", "queryFrontend", "compactor", "metricsGenerator"];
    for (const name of names)
      expect(rest[name].extraEnvFrom, name).to.deep.equal([{ secretRef: { name: "tempo-s3" } }]);
    // A cache has no use for them.
    for (const other of [global, memcached]) expect(other).not.to.have.property("extraEnvFrom");
  });

  it("caches in memcached if it has replicas, with memory for memcached itself", () => {
    const none = tempoOf("dev");
    expect([none.memcached.enabled, none.cache]).to.deep.equal([false, { caches: [] }]);
    const some = tempoOf("prod", { tempo: { cache: { replicas: 2, memory: "100Mi" } } });
    expect(some).not.to.have.property("cache");
    expect(some.memcached).to.deep.include({ enabled: true, replicas: 2, extraArgs: ["-m 100"] });
    expect(some.memcached.resources.limits.memory).to.equal("120Mi");
  });

  it("uses the StorageClass of the cluster for volumes, and gives ingesters enough time to stop", () => {
    const { ingester } = tempoOf("prod", {
      cluster: { storageClass: "fast" },
      tempo: { shutdown: "7m", ingester: { disk: "9Gi" } },
    });
    expect(ingester.persistence).to.deep.equal({ enabled: true, size: "9Gi", storageClass: "fast" });
    expect(ingester.terminationGracePeriodSeconds).to.equal(420);
    expect(tempoOf("prod").ingester.persistence).not.to.have.property("storageClass");
  });

  it("spreads components with a template, which the chart reads affinity as", () => {
    const affinityOf = (antiAffinity: string) =>
      tempoOf("prod", { cluster: { antiAffinity } }).ingester.affinity;
    expect(affinityOf("none")).to.equal("");
    const { podAntiAffinity } = JSON.parse(affinityOf("required"));
    expect(
      podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels,
    ).to.include({
      "app.kubernetes.io/component": "ingester",
    });
  });

  it("generates span metrics for the applications tenant, with exemplars, corrected by the ratio", () => {
    const { config, extraVolumes, extraVolumeMounts } = tempoOf("prod", {
      cluster: { name: "paris" },
    }).metricsGenerator;
    expect(config.storage).to.deep.equal({
      remote_write_add_org_id_header: false,
      remote_write: [
        {
          url: "http://mimir-gateway.mimir.svc/api/v1/push",
          basic_auth: {
            username: "pods-write",
            password_file: "/etc/gateway/mimir-pods-write.password",
          },
          send_exemplars: true,
          queue_config: { min_shards: 10, max_shards: 10 },
        },
      ],
    });
    // It has only its own user's password of those in Tempo's namespace.
    const key = "mimir-pods-write.password";
    expect(extraVolumes).to.deep.equal([
      {
        name: "gateway-credentials",
        secret: { secretName: "gateway-credentials", items: [{ key, path: key }] },
      },
    ]);
    expect(extraVolumeMounts).to.deep.equal([
      { name: "gateway-credentials", mountPath: "/etc/gateway", readOnly: true },
    ]);
    expect(config.registry.external_labels).to.deep.equal({ cluster: "paris" });
    for (const processor of ["service_graphs", "span_metrics"])
      expect(config.processor[processor].span_multiplier_key, processor).to.equal(samplingRatioAttribute);
    // Both generators have room for the calls of 10,000 spans/s that wait for their other span.
    expect(config.processor.service_graphs.max_items).to.equal(100_000);
    const tracing = { metricsFrom: "alloy", sampling: { appliedBy: "collector" } };
    expect(alloyTracesPipeline(settingsOf("prod", { tracing }))).to.match(/max_items = 100000\n/);
    // The attribute that Alloy adds to every span.
    const receive = readFileSync("values/alloy/traces/receive.alloy", "utf8");
    expect(receive).to.include(
      `set(attributes["${samplingRatioAttribute}"], Double("\` + sys.env("SDK_RATIO")`,
    );
  });
});

describe("unit: the source of span metrics", () => {
  const counters = (config: Config) => {
    const settings = settingsOf("prod", config);
    const values: Any = tempoValues(settings);
    const pipeline = alloyTracesPipeline(settings);
    return {
      tempo: values.overrides.defaults.metrics_generator.processors,
      alloy: [...pipeline.matchAll(/^\totelcol\.connector\.(\w+) /gm)].map(([, name]) => name),
      mimir: Object.keys(alloyTracesEnvironment(settings)).filter((name) => name.startsWith("MIMIR_USER")),
    };
  };
  const tempo = { tempo: ["service-graphs", "span-metrics"], alloy: [], mimir: [] };
  const alloy = {
    tempo: [],
    alloy: ["spanmetrics", "servicegraph"],
    mimir: ["MIMIR_USER"],
  };
  const cases: [string, Config, typeof tempo][] = [
    ["Tempo by default", {}, tempo],
    ["Tempo without sampling", { tracing: { sampling: { ratio: 1 } } }, tempo],
    ["Alloy without sampling, if configured", alloyCounts, alloy as unknown as typeof tempo],
    ["Alloy if it samples", byCollector(), alloy as unknown as typeof tempo],
  ];
  for (const [title, config, wanted] of cases)
    it(`is only ${title}`, () => {
      expect(counters(config)).to.deep.equal(wanted);
    });

  it("is in no tenant's own limits otherwise", () => {
    const own = { tempo: { tenants: { loud: { rate: "99MB/s" } } } };
    expect(tempoOf("prod", own).per_tenant_overrides.loud.metrics_generator.processors).to.have.length(2);
    const { per_tenant_overrides } = tempoOf("prod", { ...own, ...alloyCounts });
    expect(per_tenant_overrides.loud.metrics_generator.processors).to.deep.equal([]);
  });

  it("gives the same names: labels of the cluster, and the tenant of applications", () => {
    const environment = alloyTracesEnvironment(
      settingsOf("prod", { ...alloyCounts, cluster: { name: "paris" } }),
    );
    expect(environment).to.deep.include({
      CLUSTER: "paris",
      MIMIR_URL: "http://mimir-gateway.mimir.svc",
      MIMIR_USER: `${tenants.pods}-write`,
      MIMIR_PASSWORD_FILE: `/etc/gateway/mimir-${tenants.pods}-write.password`,
      SHARDS: "10",
    });
  });
});

describe("unit: the sampling ratio", () => {
  // A number that does not occur elsewhere in the stack.
  const ratio = 0.0437;

  /** Paths of values in a tree that contain the ratio, as a number or within a text, or in percent. */
  const places = (node: unknown, path: string): string[] => {
    if (typeof node === "object" && node !== null)
      return Object.entries(node).flatMap(([key, child]) => places(child, `${path}.${key}`));
    return /(?<![\d.])(0?\.0437|4\.37)/.test(String(node)) ? [path] : [];
  };
  const holding = async (config: Config) => {
    const { resources, outputs } = await recordingOf("prod", config);
    return [
      ...resources.flatMap(({ type, name, inputs }) => places(inputs, `${type.split(":").at(-1)} ${name}`)),
      ...places(outputs, "outputs"),
    ];
  };
  const variable = (name: string) => {
    const values: Any = alloyTracesValues(settingsOf("prod"));
    const index = values.alloy.extraEnv.findIndex((one: { name: string }) => one.name === name);
    return `Release alloy-traces.values.alloy.extraEnv.${index}.value`;
  };

  it("applied by SDKs is only in the sampler, in Alloy's environment and in the outputs", async () => {
    const config = { tracing: { sampling: { ratio } } };
    expect(await holding(config)).to.have.members([
      "Instrumentation instrumentation-default.spec.sampler.argument",
      variable("SDK_RATIO"),
      "outputs.tracesSamplingRatio.value",
    ]);
    const { sampler } = instrumentationObject(settingsOf("prod", config)).spec;
    expect(sampler).to.deep.equal({ type: "parentbased_traceidratio", argument: String(ratio) });
    expect(alloyTracesEnvironment(settingsOf("prod", config))["SDK_RATIO"]).to.equal(String(ratio));
    expect(alloyTracesPipeline(settingsOf("prod", config))).not.to.match(/tail_sampling|probabilistic/);
  }).timeout(60_000);

  it("of a single service is an Instrumentation of its own, which passes the ratio to Alloy", async () => {
    const config = { tracing: { sampling: { services: { checkout: ratio } } } };
    expect(await holding(config)).to.have.members([
      "Instrumentation instrumentation-checkout.spec.sampler.argument",
      `Instrumentation instrumentation-checkout.spec.resource.resourceAttributes.${samplingRatioAttribute}`,
    ]);
    const [all, checkout] = instrumentationObjects(settingsOf("prod", config));
    expect(all).to.deep.equal(instrumentationObjects(settingsOf("prod"))[0]);
    expect(checkout?.metadata).to.deep.equal({ namespace: "opentelemetry", name: "checkout" });
    expect(
      instrumentationObjects(settingsOf("prod", byCollector({ services: { checkout: ratio } }))),
    ).to.have.length(1);
  }).timeout(60_000);

  it("applied by the collector is in its policies and in the outputs; SDKs send everything", async () => {
    const config = byCollector({ ratio });
    expect(await holding(config)).to.have.members([
      "Release alloy-traces.values.alloy.configMap.content",
      "outputs.tracesSamplingRatio.value",
    ]);
    const settings = settingsOf("prod", config);
    expect(instrumentationObject(settings).spec.sampler).to.deep.equal({
      type: "parentbased_always_on",
      argument: "1",
    });
    expect(alloyTracesEnvironment(settings)["SDK_RATIO"]).to.equal("1");
    expect(alloyTracesPipeline(settings).match(/sampling_percentage = .*/g)).to.deep.equal([
      "sampling_percentage = 4.37",
    ]);
  }).timeout(60_000);

  it("is 0.1 in prod and 1 in dev, and is in these profiles once (R9.3)", () => {
    expect([settingsOf("prod"), settingsOf("dev")].map(sdkRatio)).to.deep.equal([0.1, 1]);
    expect([prod, dev].map(({ tracing }) => tracing?.sampling?.ratio)).to.deep.equal([0.1, 1]);
    expect(settingsOf("prod").tracing.sampling.ratio).to.equal(0.1);
  });

  it("is written in full, whatever the number", () => {
    const percentOf = (given: number) =>
      /sampling_percentage = (.*)/.exec(
        alloyTracesPipeline(settingsOf("prod", byCollector({ ratio: given }))),
      )?.[1];
    for (const [given, percent] of [
      [0, "0"],
      [1, "100"],
      [0.29, "29"],
      [0.07, "7"],
      [0.0001, "0.01"],
    ] as const)
      expect(percentOf(given), String(given)).to.equal(percent);
    for (const given of [0, 1, 0.29, 0.07, 0.0001])
      expect(
        Number(
          instrumentationObject(settingsOf("prod", { tracing: { sampling: { ratio: given } } })).spec.sampler
            .argument,
        ),
      ).to.equal(given);
  });
});

describe("unit: values of alloy for traces", () => {
  /** The policies of a pipeline: service names, whether they are included or excluded, and the ratio. */
  const policiesOf = (settings: Settings) => {
    const pipeline = alloyTracesPipeline(settings);
    const form =
      /name = ("(?:[^"\\]|\\.)*")\n {2}type = "and"[\s\S]*?values {7}= (\[.*\])\n {8}invert_match = (\w+)[\s\S]*?sampling_percentage = ([\d.e-]+)/g;
    return [...pipeline.matchAll(form)].map(([, name = "", values = "", none, share]) => ({
      name: JSON.parse(name),
      services: JSON.parse(values),
      none: none === "true",
      share: Number(share),
    }));
  };

  it("applies the general ratio to every service, or its own", () => {
    expect(policiesOf(settingsOf("prod"))).to.deep.equal([]);
    expect(policiesOf(settingsOf("prod", byCollector({ ratio: 0.25 })))).to.deep.equal([
      { name: "all others", services: [""], none: true, share: 25 },
    ]);
    const services = { billing: 1, search: 0.5, noise: 0 };
    expect(policiesOf(settingsOf("prod", byCollector({ services })))).to.deep.equal([
      { name: "service billing", services: ["billing"], none: false, share: 100 },
      { name: "service search", services: ["search"], none: false, share: 50 },
      { name: "service noise", services: ["noise"], none: false, share: 0 },
      { name: "all others", services: ["billing", "search", "noise"], none: true, share: 10 },
    ]);
  });

  it("matches a service's name literally", () => {
    const odd = ['a "quoted" one', "back\\slash", "$& $1 $`", "{shares}", "{{ .Values }}", "Ünï", "*"];
    const services = Object.fromEntries(odd.map((name) => [name, 0.5]));
    const policies = policiesOf(settingsOf("prod", byCollector({ services })));
    expect(policies.map(({ name }) => name)).to.deep.equal([
      ...odd.map((name) => `service ${name}`),
      "all others",
    ]);
    expect(policies.slice(0, -1).map((policy) => policy.services)).to.deep.equal(odd.map((name) => [name]));
    expect(policies.at(-1)?.services).to.deep.equal(odd);
    // Helm's template engine returns the braces, and evaluates none of them.
    const values: Any = alloyTracesValues(settingsOf("prod", byCollector({ services })));
    const content: string = values.alloy.configMap.content;
    expect(content.replaceAll('{{ "{{" }}', "")).not.to.include("{{");
    expect(content.replaceAll('{{ "{{" }}', "{{")).to.equal(
      alloyTracesPipeline(settingsOf("prod", byCollector({ services }))),
    );
  });

  it("keeps every failed and every slow trace if it samples, as configured", () => {
    const settings = settingsOf("prod", byCollector({ slow: "3s", decisionWait: "20s" }));
    const pipeline = alloyTracesPipeline(settings);
    expect(pipeline).to.match(/status_codes = \["ERROR"\]/);
    expect(pipeline).to.match(/threshold_ms = encoding\.from_json\(sys\.env\("SLOW_MS"\)\)/);
    expect(alloyTracesEnvironment(settings)).to.include({ SLOW_MS: "3000", DECISION_WAIT: "20s" });
    expect(alloyTracesEnvironment(settingsOf("prod"))).not.to.have.any.keys("SLOW_MS", "DECISION_WAIT");
  });

  it("routes all spans of a trace to one replica only if it samples traces or counts spans", () => {
    const routes = (config: Config = {}) => {
      const settings = settingsOf("prod", config);
      const { REPLICAS } = alloyTracesEnvironment(settings);
      return [/^\totelcol\.exporter\.loadbalancing/m.test(alloyTracesPipeline(settings)), REPLICAS];
    };
    const host = "alloy-traces-replicas.alloy-traces.svc";
    expect(routes(byCollector({}))).to.deep.equal([true, host]);
    expect(routes(alloyCounts)).to.deep.equal([true, host]);
    expect(routes()).to.deep.equal([false, undefined]);
  });

  it("configures destinations and users of signals", () => {
    const settings = settingsOf("prod", { cluster: { name: "paris" }, alloyTraces: { buffer: "1Gi" } });
    const environment = alloyTracesEnvironment(settings);
    expect(environment["RESOURCE_STATEMENTS"]).to.include("paris").and.to.include("prod");
    expect(environment).to.deep.include({
      CORS_ORIGINS: "[]",
      CORS_HEADERS: "[]",
      SDK_RATIO: "0.1",
      TEMPO_URL: "http://tempo-gateway.tempo.svc",
      TEMPO_USER: "traces-write",
      TEMPO_PASSWORD_FILE: "/etc/gateway/tempo-traces-write.password",
      STORAGE: "/var/lib/alloy",
      BUFFER: "1073741824",
      LOGS_BUFFER: "268435456",
      METRICS_BUFFER: "134217728",
      LOKI_URL: "http://loki-gateway.loki.svc",
      LOKI_USER: "logs-write",
      LOKI_PASSWORD_FILE: "/etc/gateway/loki-logs-write.password",
      MIMIR_URL: "http://mimir-gateway.mimir.svc",
      PASSWORDS: "/etc/gateway",
      WRITERS: '{"pods":"pods-write","nodes":"nodes-write"}',
    });
  });

  it("has the passwords of its own users, and no others", () => {
    for (const config of [{}, alloyCounts]) {
      const keys = ["tempo-traces-write", "mimir-pods-write", "mimir-nodes-write", "loki-logs-write"].map(
        (user) => `${user}.password`,
      );
      const { alloy, controller }: Any = alloyTracesValues(settingsOf("prod", config));
      expect(controller.volumes.extra[0]).to.deep.equal({
        name: "gateway-credentials",
        secret: { secretName: "gateway-credentials", items: keys.map((key) => ({ key, path: key })) },
      });
      expect(alloy.mounts.extra).to.deep.include({
        name: "gateway-credentials",
        mountPath: "/etc/gateway",
        readOnly: true,
      });
    }
  });

  it("keeps its queue on a volume of its own that its user can write to", () => {
    const { controller, global }: Any = alloyTracesValues(
      settingsOf("prod", { cluster: { storageClass: "fast" }, alloyTraces: { disk: "9Gi" } }),
    );
    expect(controller.type).to.equal("statefulset");
    expect(controller.volumeClaimTemplates).to.deep.equal([
      {
        metadata: { name: "storage" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "fast",
          resources: { requests: { storage: "9Gi" } },
        },
      },
    ]);
    expect(global.podSecurityContext).to.include({ fsGroup: 473 });
  });

  it("gets exactly the environment variables that it reads", () => {
    const cases: Config[] = [{}, alloyCounts, byCollector(), byCollector({ services: { shop: 1 } })];
    for (const config of cases) {
      const values: Any = alloyTracesValues(settingsOf("prod", config));
      const given: string[] = values.alloy.extraEnv.map(({ name }: { name: string }) => name);
      const read = [...alloyTracesPipeline(settingsOf("prod", config)).matchAll(/sys\.env\("(\w+)"\)/g)];
      expect(new Set(read.map(([, name]) => name))).to.deep.equal(
        new Set(given.filter((name) => name !== "GOMEMLIMIT")),
      );
    }
  });

  it("identifies its replicas by their own names, not by the node's", () => {
    const { extraEnv }: Any = (alloyTracesValues(settingsOf("prod", alloyCounts)) as Any).alloy;
    expect(alloyTracesPipeline(settingsOf("prod", alloyCounts))).to.match(
      /collector = sys\.env\("POD_NAME"\)/,
    );
    expect(extraEnv).to.deep.include({
      name: "POD_NAME",
      valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
    });
  });

  it("has a headless Service that publishes an unready replica only if it is the only one", () => {
    for (const [name, published] of [
      ["dev", true],
      ["prod", false],
    ] as const)
      expect(alloyTracesReplicas(settingsOf(name)).spec.publishNotReadyAddresses, name).to.equal(published);
  });

  it("has a headless Service with which its replicas find each other", () => {
    const { metadata, spec } = alloyTracesReplicas(settingsOf("dev"));
    expect(metadata).to.deep.equal({ name: tracesReplicas.name, namespace: "alloy-traces" });
    expect(spec.clusterIP).to.equal("None");
    const pipeline = alloyTracesPipeline(settingsOf("prod", byCollector({})));
    const { port } = tracesReplicas;
    expect(spec.ports.map((one) => one.port)).to.deep.equal([port]);
    expect(pipeline).to.include(`port     = "${port}"`);
    expect(pipeline).to.match(/routing_key = "traceID"/);
  });

  it("listens on each port of its Service", () => {
    const pipeline = alloyTracesPipeline(settingsOf("prod"));
    const values: Any = alloyTracesValues(settingsOf("prod"));
    const ports: number[] = values.alloy.extraPorts.map(({ port }: { port: number }) => port);
    expect(ports).to.include.members([services.otlpGrpc.port, services.otlpHttp.port]);
    const listening = [...pipeline.matchAll(/endpoint\s+= "0\.0\.0\.0:(\d+)"/g)].map(([, port]) =>
      Number(port),
    );
    expect(listening).to.have.members([...ports, tracesReplicas.port]);
  });

  it("may read pods and their owners, and nothing else", () => {
    const { rbac }: Any = alloyTracesValues(settingsOf("prod"));
    const rules = [...rbac.rules, ...rbac.clusterRules];
    expect(new Set(rules.flatMap(({ verbs }: Any) => verbs))).to.deep.equal(
      new Set(["get", "list", "watch"]),
    );
    expect(rules.flatMap(({ resources }: Any) => resources)).to.have.members([
      ...["pods", "namespaces", "nodes"],
      ...["replicasets", "deployments", "statefulsets", "daemonsets"],
      "jobs",
    ]);
  });
});

describe("unit: values of the OpenTelemetry operator", () => {
  const languages = ["python", "java", "nodejs", "dotnet", "go", "apacheHttpd", "nginx"];
  const lists = [[], ["python"], ["go"], ["java", "nodejs"], languages];
  for (const wanted of lists)
    it(`instruments: ${wanted.join(", ") || "nothing"}`, () => {
      const { manager } = operatorOf({ tracing: { languages: wanted } });
      // The chart has a value for Go.
      expect(manager.extraArgs).to.have.members(
        ["python", "java", "nodejs", "dotnet", "apache-httpd", "nginx"].map(
          (flag) =>
            `--enable-${flag}-instrumentation=${wanted.includes(flag === "apache-httpd" ? "apacheHttpd" : flag)}`,
        ),
      );
      expect(manager.autoInstrumentation.go.enabled).to.equal(wanted.includes("go"));
      expect(manager.autoInstrumentationImage).to.have.all.keys(...languages);
    });

  it("has a certificate of its own, or one from cert-manager (R7.5)", () => {
    expect(operatorOf().admissionWebhooks).to.deep.equal({
      certManager: { enabled: false },
      autoGenerateCert: { enabled: true, recreate: false, certPeriodDays: 3650 },
    });
    expect(operatorOf({ openTelemetryOperator: { certManager: true } }).admissionWebhooks).to.deep.equal({
      certManager: { enabled: true },
    });
  });

  it("in prod, a drain or a lost node leaves a replica that instruments new pods", () => {
    const values: Any = openTelemetryOperatorValues(settingsOf("prod"));
    expect(values.replicaCount).to.equal(2);
    expect(values.pdb).to.deep.equal({ create: true, minAvailable: "", maxUnavailable: 1 });
    const { podAntiAffinity } = values.affinity;
    expect(JSON.stringify(podAntiAffinity)).to.include("controller-manager").and.include("hostname");
    const dev = operatorOf();
    expect([dev.replicaCount, dev.pdb.create]).to.deep.equal([1, false]);
  });

  it("has images in the versions of charts.json, none of them latest", () => {
    const { manager } = operatorOf();
    expect(manager.collectorImage.tag).to.equal(manager.image.tag);
    for (const { tag } of [manager.image, ...Object.values<Any>(manager.autoInstrumentationImage)])
      expect(tag).to.match(/^v?\d+\.\d+(\.\d+|b\d+)$/);
  });

  it("instruments applications as required (R9)", () => {
    const { spec } = instrumentationObject(settingsOf("prod"));
    expect(spec.exporter.endpoint).to.equal("http://alloy-traces.alloy-traces.svc:4318");
    expect(spec.propagators).to.deep.equal(["tracecontext", "baggage"]);
    const withB3 = settingsOf("prod", { tracing: { propagators: ["tracecontext", "b3multi"] } });
    expect(instrumentationObject(withB3).spec.propagators).to.deep.equal(["tracecontext", "b3multi"]);
    expect(spec.resource.resourceAttributes).to.deep.equal({ "deployment.environment": "prod" });
    expect(spec.env).to.deep.include({ name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" });
    expect(spec.python.env).to.deep.equal([{ name: "OTEL_PYTHON_LOG_CORRELATION", value: "true" }]);
  });

  it("allows browsers of the configured origins to send, to Alloy and to the collector", () => {
    const httpOf = (allowedOrigins: string[]): Any => {
      const settings = settingsOf("prod", { otlp: { cors: { allowedOrigins } } });
      const { CORS_ORIGINS, CORS_HEADERS } = alloyTracesEnvironment(settings);
      const { http }: Any = collectorObject(settings).spec.config.receivers.otlp.protocols;
      return [CORS_ORIGINS, CORS_HEADERS, http.cors?.allowed_origins];
    };
    expect(httpOf([])).to.deep.equal(["[]", "[]", undefined]);
    const origins = ["https://shop.example.com"];
    expect(httpOf(origins)).to.deep.equal([JSON.stringify(origins), '["*"]', origins]);
    for (const origin of ["shop.example.com", "https://shop.example.com/"])
      expect(() => httpOf([origin])).to.throw("otlp.cors.allowedOrigins");
  });

  it("has an Ingress for OTLP over HTTP if it is set", () => {
    const ingressOf = (config: Config = {}): Any => alloyTracesValues(settingsOf("prod", config))["ingress"];
    expect(ingressOf()).to.deep.equal({ enabled: false });
    const host = "otlp.example.com";
    expect(ingressOf({ otlp: { ingress: { host, className: "nginx", tlsSecret: "otlp" } } })).to.deep.equal({
      enabled: true,
      ingressClassName: "nginx",
      // What the receiver accepts.
      annotations: { "nginx.ingress.kubernetes.io/proxy-body-size": "16m" },
      faroPort: 4318,
      hosts: [host],
      tls: [{ hosts: [host], secretName: "otlp" }],
    });
    expect(alloyTracesPipeline(settingsOf("prod"))).to.match(/max_request_body_size = "16MiB"/);
    const network = { ingressNamespaces: ["ingress-nginx"], tls: { certificates: "ownCa" } };
    const { annotations } = ingressOf({ network, otlp: { ingress: { host, tlsSecret: "otlp" } } });
    expect(annotations).to.include({ "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" });
  });

  it("runs the collector in the version of its configuration, whichever operator the cluster has", () => {
    const imageOf = (config: Config): unknown => collectorObject(settingsOf("prod", config)).spec.image;
    const name = `open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s:${pins["opentelemetry-operator"].appVersion}`;
    expect(imageOf({ openTelemetryOperator: { install: "existing" } })).to.equal(`ghcr.io/${name}`);
    expect(imageOf({ images: { registry: "registry.test/m" } })).to.equal(`registry.test/m/${name}`);
  });

  it("runs a collector that forwards to Alloy, within its memory", () => {
    const collector = (environment: Environment): Any => collectorObject(settingsOf(environment)).spec;
    const { config, replicas } = collector("prod");
    expect(config.exporters.otlp.endpoint).to.equal("alloy-traces.alloy-traces.svc:4317");
    const pipeline = { receivers: ["otlp"], processors: ["memory_limiter"], exporters: ["otlp"] };
    expect(config.service.pipelines).to.deep.equal({ traces: pipeline, metrics: pipeline, logs: pipeline });
    expect([replicas, collector("prod").podDisruptionBudget]).to.deep.equal([2, { maxUnavailable: 1 }]);
    expect([collector("dev").replicas, collector("dev").podDisruptionBudget]).to.deep.equal([1, undefined]);
  });
});

describe("unit: a span in Jaeger's Thrift", () => {
  /** Reads a struct of Thrift's binary protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md */
  const decode = (bytes: Buffer): { read: Any; rest: number } => {
    let at = 0;
    const value = (kind: number): unknown => {
      if (kind === 2) return bytes.readUInt8(at++) === 1;
      if (kind === 8) {
        at += 4;
        return bytes.readInt32BE(at - 4);
      }
      if (kind === 10) {
        at += 8;
        return bytes.readBigInt64BE(at - 8);
      }
      if (kind === 11) {
        const size = value(8) as number;
        at += size;
        return bytes.toString("utf8", at - size, at);
      }
      if (kind === 15) {
        const of = bytes.readUInt8(at++);
        return Array.from({ length: value(8) as number }, () => value(of));
      }
      if (kind !== 12) throw new Error(`there is no type ${kind}`);
      const fields: Record<string, unknown> = {};
      for (let of = bytes.readUInt8(at++); of !== 0; of = bytes.readUInt8(at++)) {
        const id = bytes.readInt16BE(at);
        at += 2;
        expect(fields, "a field that comes twice").not.to.have.property(`${id}`);
        fields[id] = value(of);
      }
      return fields;
    };
    const read = value(12);
    return { read, rest: bytes.length - at };
  };

  it("matches Jaeger's definitions: a process, and one span that failed", () => {
    const before = BigInt(Date.now()) * 1000n;
    const { read, rest } = decode(
      jaegerBatch("shöp", "smoke", "ffeeddccbbaa99880123456789abcdef", "8000000000000001", "run-1"),
    );
    const after = BigInt(Date.now()) * 1000n;
    expect(rest).to.equal(0);
    // Batch: process, spans. Process: serviceName.
    expect(read[1]).to.deep.equal({ 1: "shöp" });
    expect(read[2]).to.have.length(1);
    const { 8: startTime, ...span } = read[2][0];
    // traceIdLow, traceIdHigh, spanId, parentSpanId, operationName, flags (sampled), duration, tags.
    expect(span).to.deep.equal({
      1: 0x0123456789abcdefn,
      2: BigInt.asIntN(64, 0xffeeddccbbaa9988n),
      3: BigInt.asIntN(64, 0x8000000000000001n),
      4: 0n,
      5: "smoke",
      7: 1,
      9: 1000n,
      // A tag: key, type (0 text, 2 boolean), and the value in the field of its type.
      10: [
        { 1: "run", 2: 0, 3: "run-1" },
        { 1: "error", 2: 2, 5: true },
      ],
    });
    expect(startTime >= before && startTime <= after).to.equal(true);
  });
});
