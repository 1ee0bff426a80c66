import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parse } from "yaml";
import { minioResourcesOf, objectsOf, releasesOf } from "../../cli/lib/render";
import imagePins from "../../images.json";
import type { Settings } from "../../settings";
import { duration } from "../../settings/units";
import { alloyLogsPipeline, alloyLogsValues, nodeFolder } from "../../values/alloy-logs";
import { alloyMetricsValues } from "../../values/alloy-metrics";
import { alloyTracesPipeline, alloyTracesReplicas, alloyTracesValues } from "../../values/alloy-traces";
import { cadvisorDaemonSet, cadvisorMonitor, cadvisorService } from "../../values/cadvisor";
import { collectorObject } from "../../values/collector";
import { instrumentationObject } from "../../values/instrumentation";
import { kubePrometheusStackValues, prometheusCrdsValues } from "../../values/kube-prometheus-stack";
import { lokiValues } from "../../values/loki";
import { mimirValues } from "../../values/mimir";
import { minioClaims, minioValues } from "../../values/minio";
import { openTelemetryOperatorValues } from "../../values/opentelemetry-operator";
import { alloyGrace } from "../../values/rollout";
import {
  antiAffinity,
  anyOf,
  checksum,
  disruptionBudget,
  environment,
  goMemoryLimit,
  image,
  overZones,
  type Role,
  tagOf,
} from "../../values/shared";
import { tempoValues } from "../../values/tempo";
import { expectGolden } from "../support/golden";
import { type Config, externalS3, recordingOf, settingsOf } from "../support/stacks";

// Tests read nested values, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const all = (settings: Settings): Record<string, Any> => ({
  minio: minioValues(settings),
  loki: lokiValues(settings),
  mimir: mimirValues(settings),
  kps: kubePrometheusStackValues(settings),
  kpsCrds: prometheusCrdsValues(settings),
  cadvisor: [cadvisorDaemonSet(settings), cadvisorService(settings), cadvisorMonitor(settings)],
  alloyLogs: alloyLogsValues(settings),
  alloyMetrics: alloyMetricsValues(settings),
  tempo: tempoValues(settings),
  alloyTraces: [alloyTracesValues(settings), alloyTracesReplicas(settings)],
  operator: openTelemetryOperatorValues(settings),
  custom: [instrumentationObject(settings), collectorObject(settings)],
});
const lokiOf = (environment: "dev" | "prod", config: Config = {}): Any =>
  lokiValues(settingsOf(environment, config));

/** Every value in a tree with its path. */
const leaves = (node: unknown, path = ""): [string, unknown][] =>
  typeof node !== "object" || node === null
    ? [[path, node]]
    : Object.entries(node).flatMap(([key, child]) => leaves(child, `${path}.${key}`));

describe("unit: values", () => {
  describe("golden files", function () {
    // The first recording loads the program and the SDKs of Pulumi.
    this.timeout(60_000);

    for (const environment of ["dev", "prod"] as const) {
      it(`${environment}: the values of every release`, async () => {
        const { resources } = await recordingOf(environment);
        const releases = releasesOf(resources);
        // In prod also metrics-server and KEDA.
        expect(releases).to.have.length(environment === "dev" ? 11 : 13);
        for (const { name, values } of releases) {
          const shown: Any = structuredClone(values);
          // The pipeline is a readable file of its own.
          const [, pipeline] = /^alloy-(\w+)$/.exec(name) ?? [];
          if (pipeline) shown.alloy.configMap.content = `values/alloy/${pipeline}/*.alloy`;
          expectGolden(`${environment}/${name}.yaml`, [shown]);
        }
      });

      it(`${environment}: the program's own objects`, async () => {
        expectGolden(
          `${environment}/own-objects.yaml`,
          objectsOf((await recordingOf(environment)).resources).filter(
            // Dashboards are code, with tests of their own.
            ({ metadata }: Any) => !metadata.name.startsWith("dashboard-"),
          ),
        );
      });

      it(`${environment}: the MinIO resources`, async () => {
        const { resources } = await recordingOf(environment);
        expectGolden(`${environment}/minio-resources.yaml`, minioResourcesOf(resources));
      });
    }

    it("are the same in every run", () => {
      for (const environment of ["dev", "prod"] as const)
        expect(all(settingsOf(environment))).to.deep.equal(all(settingsOf(environment)));
    });
  });

  it("are plain data, as parsed from JSON", () => {
    for (const [name, values] of Object.entries(all(settingsOf("prod"))))
      expect(JSON.parse(JSON.stringify(values)), name).to.deep.equal(values);
  });

  describe("images", () => {
    const plain = settingsOf("dev");
    const mirrored = settingsOf("dev", {
      images: { registry: "registry.example.com:5000/mirror", pullSecret: "registry-login" },
    });
    const digest = `sha256:${"0".repeat(64)}`;
    const cases: [reference: string, repository: string, tag: string, mirrored: string][] = [
      ["docker.io/pgsty/minio:1.2", "docker.io/pgsty/minio", "1.2", "pgsty/minio"],
      ["quay.io/minio/minio:1.2", "quay.io/minio/minio", "1.2", "minio/minio"],
      ["localhost/minio:1.2", "localhost/minio", "1.2", "minio"],
      ["registry:5000/a/b/c:1.2", "registry:5000/a/b/c", "1.2", "a/b/c"],
      ["pgsty/minio:1.2", "pgsty/minio", "1.2", "pgsty/minio"],
      [`registry:5000/a/b:1.2@${digest}`, "registry:5000/a/b", `1.2@${digest}`, "a/b"],
      ["minio:1.2", "minio", "1.2", "minio"],
      // A chart joins the two parts with a colon, which results in the digest.
      [`quay.io/minio/minio@${digest}`, "quay.io/minio/minio@sha256", "0".repeat(64), "minio/minio@sha256"],
    ];
    for (const [reference, repository, tag, path] of cases)
      it(`${reference.slice(0, 40)}: the registry is its own, or the mirror`, () => {
        expect(image(plain, reference)).to.deep.equal({ repository, tag });
        expect(image(mirrored, reference)).to.deep.equal({
          repository: `registry.example.com:5000/mirror/${path}`,
          tag,
        });
      });

    it("all come from images.registry, with images.pullSecret", () => {
      const { minio, loki, mimir, kps, cadvisor, alloyLogs, alloyMetrics, tempo, alloyTraces } =
        all(mirrored);
      const registry = "registry.example.com:5000/mirror";
      expect(minio.image.repository).to.equal(`${registry}/pgsty/silo`);
      expect([loki.global.imageRegistry, kps.global.imageRegistry]).to.deep.equal([registry, registry]);
      expect(mimir.image.repository).to.equal(`${registry}/grafana/mimir`);
      expect(mimir.memcached.image.repository).to.equal(`${registry}/library/memcached`);
      expect(mimir.memcachedExporter.image.repository).to.equal(`${registry}/prom/memcached-exporter`);
      expect(mimir.gateway.nginx.image).to.deep.equal({ registry, tag: tagOf(imagePins.nginx) });
      const pod = cadvisor[0].spec.template.spec;
      expect(pod.containers[0].image).to.match(/^registry\.example\.com:5000\/mirror\/google\/cadvisor:v/);
      const secret = [{ name: "registry-login" }];
      for (const secrets of [minio.imagePullSecrets, loki.imagePullSecrets, kps.global.imagePullSecrets])
        expect(secrets).to.deep.equal(secret);
      expect(mimir.image.pullSecrets).to.deep.equal(["registry-login"]);
      expect(pod.imagePullSecrets).to.deep.equal(secret);
      for (const { global } of [alloyLogs, alloyMetrics, alloyTraces[0]])
        expect(global.image).to.deep.equal({ registry, pullSecrets: secret });
      expect(tempo.global.image).to.deep.equal({ registry, pullSecrets: ["registry-login"] });
      const { manager, imagePullSecrets } = all(mirrored)["operator"];
      expect(imagePullSecrets).to.deep.equal(secret);
      const injected = Object.values<Any>(manager.autoInstrumentationImage);
      expect(injected).to.have.length(7);
      for (const { repository } of [manager.image, manager.collectorImage, ...injected])
        expect(repository).to.match(/^registry\.example\.com:5000\/mirror\/open-telemetry\//);
      // No value bypasses the mirror.
      for (const [path, value] of leaves(all(mirrored)))
        if (/image|registry|repository/i.test(path) && typeof value === "string")
          expect(value, path).not.to.match(/docker\.io|quay\.io|ghcr\.io|gcr\.io|registry\.k8s\.io/);
    });

    it("come from their own registries without a setting", () => {
      const { minio, loki, mimir, kps, alloyLogs, alloyMetrics, tempo, alloyTraces } = all(plain);
      expect(minio.image.repository).to.equal("docker.io/pgsty/silo");
      expect(mimir.image.repository).to.equal("docker.io/grafana/mimir");
      expect(mimir.gateway.nginx.image).to.deep.equal({ tag: tagOf(imagePins.nginx) });
      expect(loki.global).not.to.have.property("imageRegistry");
      expect(kps.global).to.deep.equal({ imagePullSecrets: [] });
      for (const { global } of [alloyLogs, alloyMetrics, alloyTraces[0], tempo])
        expect(global.image).to.deep.equal({ pullSecrets: [] });
      const { manager } = all(plain)["operator"];
      for (const { repository } of [
        manager.image,
        manager.collectorImage,
        ...Object.values<Any>(manager.autoInstrumentationImage),
      ])
        expect(repository).to.match(/^ghcr\.io\/open-telemetry\//);
    });
  });

  describe("shared parts", () => {
    it("anyOf matches its texts and nothing else", () => {
      const texts = ["/healthz", "/-/ready", "/a.b", "/a+b*", "/(x)", "/$y", "kube-system"];
      const pattern = new RegExp(`^(?:${anyOf(texts)})$`);
      for (const text of texts) expect(text).to.match(pattern);
      for (const text of ["", "/", "/healthz/", "x/healthz", "/aXb", "/aab", "/x", "kube-systems"])
        expect(text).not.to.match(pattern);
    });

    it("anyOf of nothing matches nothing", () => {
      for (const pattern of [new RegExp(anyOf([])), new RegExp(`^(?:${anyOf([])})$`)])
        for (const text of ["", "a", "^", "a^", "anything", "\n", anyOf([])])
          expect(text).not.to.match(pattern);
    });

    it("anyOf is valid in a quoted string of LogQL", () => {
      const paths = [...settingsOf("prod").alloyLogs.healthCheckPaths, "/a.b(c)*"];
      expect(anyOf(paths) + anyOf([])).not.to.match(/["\\`\n]/);
    });

    it("cluster.antiAffinity separates members of a quorum, or all replicas", () => {
      const labels = { app: "minio" };
      const term = { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" };
      const apart = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      const rather = {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
        },
      };
      const rules = (rule: string, role: Role) =>
        antiAffinity(settingsOf("dev", { cluster: { antiAffinity: rule } }), labels, role);
      for (const [rule, quorum, interchangeable] of [
        ["none", null, null],
        ["preferred", rather, rather],
        ["quorum", apart, rather],
        ["required", apart, apart],
      ] as const) {
        expect(rules(rule, "quorum"), rule).to.deep.equal(quorum);
        expect(rules(rule, "interchangeable"), rule).to.deep.equal(interchangeable);
      }
    });

    it("overZones makes an even spread a condition only for quorums, and only if there are zones", () => {
      const spread = (rule: string, role: Role, zones = true) =>
        overZones(settingsOf("dev", { cluster: { antiAffinity: rule, zones } }), { app: "minio" }, role).map(
          ({ whenUnsatisfiable }) => whenUnsatisfiable,
        );
      for (const [rule, quorum, interchangeable] of [
        ["none", [], []],
        ["preferred", ["ScheduleAnyway"], ["ScheduleAnyway"]],
        ["quorum", ["DoNotSchedule"], ["ScheduleAnyway"]],
        ["required", ["DoNotSchedule"], ["ScheduleAnyway"]],
      ] as const) {
        expect(spread(rule, "quorum"), rule).to.deep.equal(quorum);
        expect(spread(rule, "interchangeable"), rule).to.deep.equal(interchangeable);
        expect(spread(rule, "quorum", false), rule).to.deep.equal([]);
      }
    });

    it("separate all members of quorums in prod, and nothing else", () => {
      const { minio, loki, mimir, tempo, kps } = all(settingsOf("prod"));
      const hard = (name: string, values: Record<string, Any>) =>
        Object.entries(values).flatMap(([key, part]) =>
          /requiredDuringScheduling.*DoNotSchedule/.test(
            JSON.stringify([part?.affinity, part?.topologySpreadConstraints]),
          )
            ? [`${name}.${key}`]
            : [],
        );
      const charts = { minio: { server: minio }, loki, mimir, tempo };
      expect(Object.entries(charts).flatMap(([name, values]) => hard(name, values))).to.have.members([
        "minio.server",
        "loki.ingester",
        "mimir.ingester",
        "mimir.store_gateway",
        "mimir.alertmanager",
        "tempo.ingester",
      ]);
      for (const { podAntiAffinity, topologySpreadConstraints } of [
        kps.prometheus.prometheusSpec,
        kps.alertmanager.alertmanagerSpec,
      ]) {
        expect(podAntiAffinity).to.equal("hard");
        expect(topologySpreadConstraints[0].whenUnsatisfiable).to.equal("DoNotSchedule");
      }
    });

    it("disruptionBudget allows the eviction of one of several, and does not block a single one", () => {
      expect(disruptionBudget({ replicas: 1 })).to.deep.equal({ enabled: false });
      expect(disruptionBudget({ replicas: 3 })).to.deep.equal({ enabled: true, maxUnavailable: 1 });
    });

    it("goMemoryLimit stays below the limit", () => {
      expect(Number(goMemoryLimit({ memoryLimit: 1000 }).GOMEMLIMIT)).to.be.within(800, 900);
    });

    it("environment writes variables in the form of a container", () => {
      expect(environment({ A: "1", B: "" })).to.deep.equal([
        { name: "A", value: "1" },
        { name: "B", value: "" },
      ]);
    });

    it("checksum changes with the data, and does not show it", () => {
      const sums = [{ a: 1 }, { a: 2 }, { b: 1 }].map(checksum);
      expect(new Set(sums).size).to.equal(3);
      expect(checksum({ a: 1 })).to.equal(sums[0]);
      for (const sum of sums) expect(sum).to.match(/^[0-9a-f]{32}$/);
    });
  });

  describe("minio", () => {
    it("has a PVC for each server, under the names that its workload uses", () => {
      expect(minioClaims(settingsOf("dev"))).to.deep.equal([{ name: "minio-data", size: "50Gi" }]);
      expect(minioClaims(settingsOf("prod", { objectStorage: { minio: { disk: "1Ti" } } }))).to.deep.equal(
        [0, 1, 2, 3, 4, 5].map((server) => ({ name: `export-minio-${server}`, size: "1Ti" })),
      );
    });

    it("creates no volumes of its own, so that they can grow", () => {
      const standalone: Any = minioValues(settingsOf("dev"));
      expect(standalone.persistence.existingClaim).to.equal("minio-data");
      const grown = (disk: string): Any =>
        minioValues(settingsOf("prod", { objectStorage: { minio: { disk } } }));
      expect(grown("1Ti")).to.deep.equal(grown("50Gi"));
    });

    it("sets the server's container probes through the only key of the chart for them", () => {
      const probes = (environment: "dev" | "prod", config: Config = {}): Any => {
        const { extraContainers } = minioValues(settingsOf(environment, config));
        // The chart puts eight spaces before each line, and the container's own keys have ten.
        expect(
          String(extraContainers)
            .split("\n")
            .every((line) => line.startsWith("  ")),
        ).to.equal(true);
        return parse(String(extraContainers));
      };
      const prod = probes("prod");
      expect(prod).to.have.all.keys("startupProbe", "readinessProbe", "livenessProbe");
      // A server with another image joins only after others have restarted with it, so an update that waited for this
      // server's quorum would never end.
      for (const probe of [prod.startupProbe, prod.readinessProbe])
        expect(probe.httpGet.path).to.match(/^\/minio\/health\/(live|ready)$/);
      // An update waits for the peers; a single server has none.
      const { periodSeconds, successThreshold } = prod.readinessProbe;
      expect(periodSeconds * (successThreshold - 1)).to.equal(120);
      const dev = probes("dev");
      expect(dev.readinessProbe.successThreshold).to.equal(1);
      expect(dev.startupProbe.httpGet).to.deep.equal({
        path: "/minio/health/cluster/read",
        port: 9000,
        scheme: "HTTP",
      });
      const tls = probes("prod", { network: { tls: { certificates: "ownCa" } } });
      expect(Object.values<Any>(tls).map(({ httpGet }) => httpGet.scheme)).to.deep.equal(
        Array(3).fill("HTTPS"),
      );
    });

    it("creates no bucket, user or policy with the chart", () => {
      for (const environment of ["dev", "prod"] as const) {
        const { users, buckets, policies } = minioValues(settingsOf(environment));
        expect([users, buckets, policies]).to.deep.equal([[], [], []]);
      }
    });
  });

  describe("loki", () => {
    it("ingesters keep a flushed chunk until queries find it in the index of boltdb-shipper", () => {
      const { ingester, storage_config } = lokiOf("prod").loki;
      const seconds = (text: string) => duration().parse(text);
      const [snapshot, margin] = [60, 60];
      expect(seconds(ingester.chunk_retain_period)).to.be.at.least(
        snapshot + seconds(storage_config.index_cache_validity) + margin,
      );
      // Loki subtracts a minute for ingesters, and would use a default of an hour for none.
      expect(seconds(storage_config.index_cache_validity)).to.be.above(60);
    });

    it("finds lines that arrive late: in ingesters for a day, and behind cached results after an hour", () => {
      const { loki, resultsCache } = lokiOf("prod");
      expect(loki.querier.query_ingesters_within).to.equal("24h");
      expect(resultsCache.defaultValidity).to.equal("1h");
    });

    it("has the required numbers (R2)", () => {
      const { loki, ...components } = lokiOf("prod");
      const names = ["distributor", "ingester", "querier", "queryFrontend", "compactor"];
      // The HorizontalPodAutoscaler sets the number of queriers (R13).
      expect(names.map((name) => components[name].replicas)).to.deep.equal([3, 3, null, 2, 1]);
      expect(loki.commonConfig.replication_factor).to.equal(3);
      expect(components.resultsCache).to.include({ enabled: true });
      expect(loki.ingester.chunk_encoding).to.equal("snappy");
      expect(loki.limits_config).to.deep.include({ retention_period: "720h", ingestion_rate_mb: 10 });
      expect(loki.storage).to.deep.include({ type: "s3" });
      expect(loki.storage.bucketNames.chunks).to.equal("loki-data");
    });

    it("connects queriers and query-frontends through the query-schedulers, or to each other", () => {
      const [dev, prod] = [lokiOf("dev"), lokiOf("prod")];
      const scheduler = "loki-query-scheduler-headless.loki.svc:9095";
      expect(prod.queryScheduler).to.deep.include({
        enabled: true,
        replicas: 2,
        podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
      });
      expect([prod.loki.frontend, prod.loki.frontend_worker]).to.deep.equal([
        { scheduler_address: scheduler },
        { scheduler_address: scheduler },
      ]);
      expect(dev.queryScheduler).to.include({ enabled: false, replicas: 0 });
      // Loki rejects both addresses together; an empty one replaces the chart's.
      expect([dev.loki.frontend, dev.loki.frontend_worker]).to.deep.equal([
        { scheduler_address: "" },
        { scheduler_address: "", frontend_address: "loki-query-frontend-headless.loki.svc:9095" },
      ]);
    });

    it("has index gateways that queriers wait for, or queriers that download the index", () => {
      const [dev, prod] = [lokiOf("dev"), lokiOf("prod")];
      const address = "loki-index-gateway-headless.loki.svc:9095";
      const addresses = ({ loki: { storage_config } }: typeof prod) =>
        ["boltdb_shipper", "tsdb_shipper"].map(
          (shipper) => storage_config[shipper].index_gateway_client.server_address,
        );
      expect(addresses(prod)).to.deep.equal([`dns+${address}`, `dns+${address}`]);
      expect(prod.indexGateway).to.deep.include({
        enabled: true,
        replicas: 2,
        podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
        service: { publishNotReadyAddresses: false },
        podManagementPolicy: "Parallel",
      });
      expect(prod.indexGateway.persistence.claims[0]).to.include({ name: "data", size: "10Gi" });
      expect(prod.querier.initContainers[0].command.at(-1)).to.include(address.replace(":", " "));
      expect(dev.indexGateway).to.include({ enabled: false, replicas: 0 });
      // An empty address replaces the chart's.
      expect(addresses(dev)).to.deep.equal(["", ""]);
      expect(dev.querier).not.to.have.property("initContainers");
    });

    it("replaces query-frontends sooner than queriers in an update, so that an old one has a querier", () => {
      const { queryFrontend, querier } = lokiOf("prod");
      const latest = ({ readinessProbe: { initialDelaySeconds, periodSeconds } }: typeof querier) =>
        initialDelaySeconds + periodSeconds;
      expect(querier.readinessProbe.initialDelaySeconds).to.be.at.least(latest(queryFrontend) + 15);
    });

    it("keeps logs by kind and by namespace, which takes precedence", () => {
      const { limits_config } = lokiOf("dev", {
        cluster: { systemNamespaces: ["kube-system", "loki"] },
        loki: {
          retention: {
            application: "60d",
            system: "10d",
            debug: "2d",
            namespaces: { payments: "90d", scratch: "1d" },
          },
        },
      }).loki;
      expect(limits_config.retention_period).to.equal("1440h");
      expect(limits_config.retention_stream).to.deep.equal([
        { selector: '{namespace=~"kube-system|loki"}', priority: 1, period: "240h" },
        { selector: '{job="systemd-journal"}', priority: 2, period: "360h" },
        { selector: '{job="kubernetes-events"}', priority: 2, period: "360h" },
        { selector: '{level="debug"}', priority: 3, period: "48h" },
        { selector: '{namespace="payments"}', priority: 4, period: "2160h" },
        { selector: '{namespace="scratch"}', priority: 4, period: "24h" },
        { selector: '{namespace="obs-smoke"}', priority: 5, period: "24h" },
      ]);
    });

    it("writes boltdb-shipper without structured metadata", () => {
      const { schemaConfig, limits_config } = lokiOf("prod").loki;
      expect(schemaConfig.configs).to.deep.equal([
        {
          from: "2024-01-01",
          store: "boltdb-shipper",
          object_store: "s3",
          schema: "v13",
          index: { prefix: "loki_index_", period: "24h" },
        },
      ]);
      expect(limits_config.allow_structured_metadata).to.equal(false);
    });

    it("switches to tsdb on a day, and keeps existing data", () => {
      const before = lokiOf("prod").loki;
      const after = lokiOf("prod", {
        loki: {
          schema: [
            { from: "2024-01-01", store: "boltdb-shipper" },
            { from: "2026-10-01", store: "tsdb" },
          ],
        },
      }).loki;
      const [first, second] = after.schemaConfig.configs;
      expect(first).to.deep.equal(before.schemaConfig.configs[0]);
      expect(second).to.deep.equal({ ...first, from: "2026-10-01", store: "tsdb" });
      expect(after.storage_config).to.include.keys("boltdb_shipper", "tsdb_shipper");
      expect(after.limits_config.allow_structured_metadata).to.equal(false);
      const tsdb = { loki: { schema: [{ from: "2024-01-01", store: "tsdb" }] } };
      expect(lokiOf("prod", tsdb).loki.limits_config.allow_structured_metadata).to.equal(true);
    });

    it("reads its credentials from the environment in its Secret", () => {
      const { loki, defaults } = lokiOf("prod");
      expect(loki.storage.s3).to.deep.include({
        accessKeyId: "${S3_ACCESS_KEY}",
        secretAccessKey: "${S3_SECRET_KEY}",
      });
      expect(defaults.extraEnvFrom).to.deep.equal([{ secretRef: { name: "loki-s3" } }]);
    });

    it("uses MinIO, or an external S3", () => {
      const common = { accessKeyId: "${S3_ACCESS_KEY}", secretAccessKey: "${S3_SECRET_KEY}" };
      const minio = {
        ...common,
        endpoint: "http://minio.minio.svc:9000",
        region: "us-east-1",
        s3ForcePathStyle: true,
        insecure: true,
      };
      expect(lokiOf("dev").loki.storage.s3).to.deep.equal(minio);
      expect(
        lokiOf("dev", { objectStorage: { external: externalS3 } }).loki.storage.s3,
        "an external S3 that is not in use",
      ).to.deep.equal(minio);
      const external = { ...externalS3, endpoint: "s3.example.com" };
      expect(lokiOf("dev", { objectStorage: { kind: "external", external } }).loki.storage.s3).to.deep.equal({
        ...common,
        endpoint: "https://s3.example.com",
        region: "eu-west-3",
        s3ForcePathStyle: false,
        insecure: false,
      });
      const plainHttp = { ...external, tls: false };
      expect(
        lokiOf("dev", { objectStorage: { kind: "external", external: plainHttp } }).loki.storage.s3,
      ).to.deep.include({ endpoint: "http://s3.example.com", insecure: true });
    });

    it("caches in memcached, or otherwise in the query-frontend", () => {
      const { loki: dev, ...devRest } = lokiOf("dev");
      expect([devRest.resultsCache, devRest.chunksCache]).to.deep.equal([
        { enabled: false },
        { enabled: false },
      ]);
      expect(devRest.memcachedExporter.enabled).to.equal(false);
      expect(dev.query_range.results_cache.cache.embedded_cache).to.deep.equal({
        enabled: true,
        max_size_mb: 32,
      });
      const { loki: prod, ...prodRest } = lokiOf("prod");
      expect(prodRest.chunksCache).to.deep.include({ enabled: true, replicas: 1, allocatedMemory: 2048 });
      expect(prodRest.memcachedExporter.enabled).to.equal(true);
      expect(prod.query_range).not.to.have.property("results_cache");
    });

    it("shards queries if the index contains the size of their data", () => {
      const shards = (...stores: string[]) =>
        lokiOf("prod", {
          loki: { schema: stores.map((store, index) => ({ from: `202${4 + index}-01-01`, store })) },
        }).loki.query_range.parallelise_shardable_queries;
      expect(shards("boltdb-shipper")).to.equal(false);
      expect(shards("tsdb")).to.equal(true);
      expect(shards("boltdb-shipper", "tsdb")).to.equal(true);
    });

    it("uses the StorageClass of the cluster for volumes", () => {
      const claim = (config: Config) => lokiOf("dev", config).ingester.persistence.claims[0];
      expect(claim({})).to.include({ size: "5Gi", storageClass: null });
      expect(claim({ cluster: { storageClass: "fast" } })).to.include({ storageClass: "fast" });
    });
  });

  describe("alloy for logs", () => {
    it("runs the pipeline from its files, with the journal if that is collected", () => {
      const files = ["collect", "process", "write"].map((part) =>
        readFileSync(`values/alloy/logs/${part}.alloy`, "utf8"),
      );
      const journal = readFileSync("values/alloy/logs/journal/journal.alloy", "utf8");
      const content = (journal: boolean) =>
        (alloyLogsValues(settingsOf("dev", { alloyLogs: { journal } })) as Any).alloy.configMap.content;
      expect(content(false)).to.equal(files.join("\n"));
      expect(content(true)).to.equal([...files, journal].join("\n"));
      // Helm's template engine would evaluate them.
      expect(content(true)).not.to.include("{{");
    });

    it("sets every variable that the pipeline reads, and no other", () => {
      const settings = settingsOf("dev");
      const { alloy }: Any = alloyLogsValues(settings);
      const given = alloy.extraEnv.map(({ name }: { name: string }) => name);
      const read = [...alloyLogsPipeline(settings).matchAll(/sys\.env\("(\w+)"\)/g)].map(([, name]) => name);
      // HOSTNAME comes from the chart, GOMEMLIMIT is for Go.
      expect(new Set([...given, "HOSTNAME"])).to.deep.equal(new Set([...read, "GOMEMLIMIT"]));
    });

    it("keeps positions and buffer on the node, and prevents two pods of a node from sharing them", () => {
      const { controller, rbac, serviceAccount }: Any = alloyLogsValues(settingsOf("prod"));
      const [storage] = controller.volumes.extra;
      expect(storage).to.deep.equal({
        name: "storage",
        hostPath: { path: "/var/lib/alloy-logs", type: "DirectoryOrCreate" },
      });
      expect(controller.updateStrategy.rollingUpdate).to.deep.equal({ maxSurge: 0, maxUnavailable: "10%" });
      expect(rbac).to.deep.equal({ create: false });
      expect(serviceAccount.automountServiceAccountToken).to.equal(false);
    });

    it("has a folder of its own on each node, whatever the namespace", () => {
      expect(nodeFolder(settingsOf("dev"))).to.equal("/var/lib/alloy-logs");
      expect(nodeFolder(settingsOf("dev", { namespaces: { prefix: "b-" } }))).to.equal(
        "/var/lib/b-alloy-logs",
      );
      // A program that uses the component names the namespace.
      const names = { alloyLogs: "collectors" };
      const settings = { ...settingsOf("dev"), namespaces: { prefix: "", names } };
      expect(nodeFolder(settings)).to.equal("/var/lib/alloy-logs-collectors");
    });

    it("waits for files that a pod may hold after a forced deletion, as Alloy for traces does", () => {
      const pipelines = [alloyLogsPipeline(settingsOf("dev")), alloyTracesPipeline(settingsOf("dev"))];
      const blocks = pipelines.flatMap((text) => text.split(/otelcol\.storage\.file "\w+" \{/).slice(1));
      expect(blocks).to.have.length(4);
      for (const block of blocks)
        expect(60 * Number(/timeout\s+= "(\d+)m"/.exec(block)?.[1])).to.be.above(alloyGrace);
    });

    it("reads what a node wrote to its journal before an outage", () => {
      expect(alloyLogsPipeline(settingsOf("prod"))).to.match(
        /loki\.source\.journal "node" \{[^}]*max_age\s+= "24h"/,
      );
    });

    it("bounds its buffer, and configures what it collects", () => {
      const { alloy, controller }: Any = alloyLogsValues(
        settingsOf("dev", {
          cluster: { name: "paris" },
          alloyLogs: {
            buffer: "2Gi",
            errorsOnly: ["a", "b"],
            healthCheckPaths: ["/up"],
            dockerContainers: "/data/docker/containers",
            journal: false,
          },
        }),
      );
      const key = "loki-logs-write.password";
      expect(controller.volumes.extra.slice(1)).to.deep.equal([
        {
          name: "gateway-credentials",
          secret: { secretName: "gateway-credentials", items: [{ key, path: key }] },
        },
        { name: "docker", hostPath: { path: "/data/docker/containers", type: "DirectoryOrCreate" } },
      ]);
      expect(alloy.mounts.extra).to.deep.include({
        name: "gateway-credentials",
        mountPath: "/etc/gateway",
        readOnly: true,
      });
      const environment = Object.fromEntries(
        alloy.extraEnv.map(({ name, value }: { name: string; value: string }) => [name, value]),
      );
      expect(environment).to.deep.include({
        LOKI_URL: "http://loki-gateway.loki.svc",
        LOKI_USER: "logs-write",
        LOKI_PASSWORD_FILE: "/etc/gateway/loki-logs-write.password",
        CLUSTER: "paris",
        BUFFER: String(2 * 1024 ** 3),
      });
      expect(environment["LEFT_OUT"]).to.include("^(a|b)$");
    });
  });
});
