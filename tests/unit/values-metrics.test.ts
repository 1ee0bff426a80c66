/** Values of components for metrics and alerts: Mimir, kube-prometheus-stack, cAdvisor, Alloy for metrics. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { releasesOf } from "../../cli/lib/render";
import { alertmanagerFile, alertmanagerSecret, owner, ownNamespaces } from "../../names";
import { alertmanagerConfig } from "../../values/alertmanager";
import { alloyPipeline } from "../../values/alloy";
import {
  alloyMetricsEnvironment,
  alloyMetricsPipeline,
  alloyMetricsValues,
} from "../../values/alloy-metrics";
import { cadvisorDaemonSet, cadvisorMonitor, cadvisorService } from "../../values/cadvisor";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import { kubePrometheusStackValues, prometheusCrdsValues } from "../../values/kube-prometheus-stack";
import { mimirValues } from "../../values/mimir";
import { mimirConfiguration, mimirOverrides } from "../../values/mimir-configuration";
import { type Config, type Environment, externalS3, recordingOf, settingsOf } from "../support/stacks";

// Tests read nested values, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const configOf = (environment: Environment, mimir: Config = {}): Any =>
  mimirConfiguration(settingsOf(environment, { mimir }));
const mimirOf = (environment: Environment, config: Config = {}): Any =>
  mimirValues(settingsOf(environment, config));
const kpsOf = (environment: Environment, config: Config = {}): Any =>
  kubePrometheusStackValues(settingsOf(environment, config));

const webhookUrl = "https://hooks.example.com/of-the-user";
const receivers: Config = { alerting: { receivers: { oncall: { webhookUrl } } } };

describe("unit: values of mimir", () => {
  it("has the required numbers (R3)", () => {
    const prod = mimirOf("prod");
    const names = ["distributor", "ingester", "querier", "query_frontend"];
    const more = ["store_gateway", "compactor", "ruler", "alertmanager"];
    // The HorizontalPodAutoscaler sets the number of queriers (R13).
    expect([...names, ...more].map((name) => prod[name].replicas)).to.deep.equal([3, 3, null, 2, 2, 1, 2, 3]);
    expect(prod.ingester.resources).to.deep.equal({
      requests: { cpu: "2", memory: "4Gi" },
      limits: { memory: "4Gi" },
    });
    expect(prod.ingester.persistentVolume).to.deep.equal({ enabled: true, size: "50Gi" });
    const config = configOf("prod");
    expect(config.ingester.ring.replication_factor).to.equal(3);
    expect(config.compactor.compaction_interval).to.equal("2h");
    expect(config.limits).to.include({
      compactor_blocks_retention_period: "8760h",
      max_global_series_per_user: 1_000_000,
      ingestion_rate: 100_000,
      ingestion_burst_size: 100_000,
    });
  });

  it("has the classic architecture, without optional components of the chart", () => {
    const { kafka, minio, nginx, rollout_operator, ...rest } = mimirOf("prod");
    for (const off of [kafka, minio, nginx, rollout_operator]) expect(off).to.deep.equal({ enabled: false });
    for (const name of ["ingester", "store_gateway", "alertmanager"])
      expect(rest[name].zoneAwareReplication).to.deep.equal({ enabled: false });
    const { ingest_storage, ingester, usage_stats } = configOf("prod");
    expect(ingest_storage).to.deep.equal({ enabled: false });
    expect(ingester.push_grpc_method_enabled).to.equal(true);
    expect(usage_stats).to.deep.equal({ enabled: false });
  });

  it("separates tenants, and lets a query or a rule read several", () => {
    const config = configOf("dev");
    expect(config.multitenancy_enabled).to.equal(true);
    expect([config.tenant_federation, config.ruler.tenant_federation]).to.deep.equal([
      { enabled: true },
      { enabled: true },
    ]);
  });

  it("applies the limits of the settings to every tenant", () => {
    const { limits } = configOf("prod", {
      limits: { series: 5, samplesPerSecond: 6, burst: 7000, exemplars: 8, outOfOrder: "150m" },
      retention: "90d",
    });
    expect(limits).to.include({
      max_global_series_per_user: 5,
      ingestion_rate: 6,
      ingestion_burst_size: 7000,
      max_global_exemplars_per_user: 8,
      out_of_order_time_window: "150m",
      compactor_blocks_retention_period: "2160h",
    });
  });

  it("applies a tenant's own limits, and nothing else", () => {
    // The tenants of the rollups have their own test.
    const withoutRollups = ({ "rollup-5m": _, "rollup-1h": __, ...rest }: Any) => rest;
    const overrides = (tenants: Config) =>
      withoutRollups(mimirOverrides(settingsOf("prod", { mimir: { tenants } })));
    // It duplicates data that the other two keep for a year.
    const prometheus = { compactor_blocks_retention_period: "744h" };
    expect(overrides({})).to.deep.equal({ prometheus });
    const all = { series: 1, samplesPerSecond: 2, burst: 3000, retention: "30d" };
    const wanted = {
      prometheus,
      pods: {
        max_global_series_per_user: 1,
        ingestion_rate: 2,
        ingestion_burst_size: 3000,
        compactor_blocks_retention_period: "720h",
      },
      team: { max_global_series_per_user: 9 },
    };
    expect(overrides({ pods: all, team: { series: 9 }, other: {} })).to.deep.equal(wanted);
    const config = { mimir: { tenants: { pods: all, team: { series: 9 } } } };
    expect(withoutRollups(mimirOf("prod", config).runtimeConfig.overrides)).to.deep.equal(wanted);
  });

  it("accepts one of the replicas of a Prometheus, identified by the labels that Prometheus sends (R3.4)", () => {
    const { distributor, limits } = configOf("dev");
    expect(distributor.ha_tracker).to.deep.equal({
      enable_ha_tracker: true,
      kvstore: { store: "memberlist" },
    });
    expect(limits.accept_ha_samples).to.equal(true);
    const { prometheusSpec } = kpsOf("dev").prometheus;
    expect(Object.keys(prometheusSpec.externalLabels)).to.deep.equal([limits.ha_cluster_label]);
    expect(prometheusSpec.replicaExternalLabelName).to.equal(limits.ha_replica_label);
  });

  it("accepts another replica after 15 s, with settings in the place of each version of Mimir", () => {
    const failover = {
      ha_tracker_update_timeout: "5s",
      ha_tracker_update_timeout_jitter_max: "1s",
      ha_tracker_failover_timeout: "15s",
    };
    const keys = Object.keys(failover);
    for (const [chartVersion, has, lacks] of [
      ["5.7.0", "distributor.ha_tracker", "limits"], // Mimir 2.16
      ["5.8.0", "limits", "distributor.ha_tracker"], // Mimir 2.17
      [undefined, "limits", "distributor.ha_tracker"],
    ] as const) {
      const found = configOf("prod", chartVersion ? { chartVersion } : {});
      const at = (path: string) => path.split(".").reduce((node, key) => node[key], found);
      expect(at(has), `${chartVersion} ${has}`).to.deep.include(failover);
      expect(at(lacks), `${chartVersion} ${lacks}`).to.not.have.any.keys(keys);
    }
  });

  it("never requires more copies than there are replicas, and waits for no ring of one", () => {
    const shape = (config: Any) => ({
      copies: [
        config.ingester.ring.replication_factor,
        config.store_gateway.sharding_ring.replication_factor,
        config.alertmanager.sharding_ring.replication_factor,
      ],
      waits: [config.store_gateway, config.compactor].map(
        ({ sharding_ring }) => sharding_ring.wait_stability_min_duration,
      ),
    });
    expect(shape(configOf("prod"))).to.deep.equal({ copies: [3, 2, 3], waits: ["1m", "0s"] });
    expect(shape(configOf("dev"))).to.deep.equal({ copies: [1, 1, 1], waits: ["0s", "0s"] });
    const more = configOf("prod", { storeGateway: { replicas: 6 }, compactor: { replicas: 2 } });
    expect(shape(more)).to.deep.equal({ copies: [3, 3, 3], waits: ["1m", "1m"] });
  });

  it("uses MinIO, or an external S3, with credentials from the environment in its Secret", () => {
    const common = { access_key_id: "${S3_ACCESS_KEY}", secret_access_key: "${S3_SECRET_KEY}" };
    const s3Of = (config: Config): Any =>
      (mimirConfiguration(settingsOf("dev", config)) as Any).common.storage.s3;
    const minio = {
      ...common,
      endpoint: "minio.minio.svc:9000",
      region: "us-east-1",
      insecure: true,
      bucket_lookup_type: "path",
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
      bucket_lookup_type: "virtual-hosted",
    });
    expect(mimirOf("dev").ingester.extraEnvFrom).to.deep.equal([{ secretRef: { name: "mimir-s3" } }]);
  });

  it("keeps each kind of data in the bucket of the settings (R3.2)", () => {
    const buckets = {
      mimirBlocks: { name: "team-blocks" },
      mimirRuler: { name: "team-rules" },
      mimirAlertmanager: { name: "team-alerts" },
    };
    const config: Any = mimirConfiguration(settingsOf("dev", { objectStorage: { buckets } }));
    expect(
      [config.blocks_storage, config.ruler_storage, config.alertmanager_storage].map(
        ({ s3 }) => s3.bucket_name,
      ),
    ).to.deep.equal(["team-blocks", "team-rules", "team-alerts"]);
  });

  it("caches in memcached if it has replicas", () => {
    const caches = ["results-cache", "chunks-cache", "index-cache", "metadata-cache"];
    const shown = (values: Any) => caches.map((name) => values[name]);
    expect(shown(mimirOf("dev"))).to.deep.equal(Array(4).fill({ enabled: false }));
    const sizes = { 512: "615Mi", 2048: "2458Mi", 1024: "1229Mi", 128: "154Mi" };
    expect(shown(mimirOf("prod"))).to.have.deep.members(
      Object.entries(sizes).map(([items, memory]) => ({
        enabled: true,
        replicas: 1,
        nodeSelector: { "kubernetes.io/os": "linux" },
        tolerations: [],
        allocatedMemory: Number(items),
        resources: { requests: { cpu: "500m", memory }, limits: { memory } },
        ...(items === "512" && { maxItemMemory: 25 }),
      })),
    );
    // memcached does not start with a maximum item size above half of its memory.
    const small = mimirOf("prod", { mimir: { resultsCache: { memory: "48Mi" } } })["results-cache"];
    expect(small).to.include({ allocatedMemory: 48, maxItemMemory: 24 });
  });

  it("uses the StorageClass of the cluster for volumes", () => {
    const fast = mimirOf("dev", { cluster: { storageClass: "fast" } });
    for (const name of ["ingester", "store_gateway", "compactor", "alertmanager"]) {
      expect(fast[name].persistentVolume).to.include({ enabled: true, storageClass: "fast" });
      expect(mimirOf("dev")[name].persistentVolume).not.to.have.property("storageClass");
    }
  });

  it("has Alertmanager read the file in its Secret, and restart when that changes", () => {
    const { alertmanager, mimir } = mimirOf("prod", receivers);
    const { fallback_config_file: file } = mimir.structuredConfig.alertmanager;
    const [{ secret, name }] = alertmanager.extraVolumes;
    const [mount] = alertmanager.extraVolumeMounts;
    expect(secret).to.deep.equal({ secretName: alertmanagerSecret });
    expect(mount).to.deep.include({ name, readOnly: true });
    expect(file).to.equal(`${mount.mountPath}/${alertmanagerFile}`);
    expect(alertmanager.fallbackConfig).to.equal("");
    expect(alertmanager.podAnnotations).not.to.deep.equal(mimirOf("prod").alertmanager.podAnnotations);
  });

  it("has a gateway with authentication (R3.3), which restarts with other passwords", () => {
    const settings = settingsOf("dev", { access: { generations: [2, 1] } });
    const { gateway }: Any = mimirValues(settings);
    expect(gateway.nginx.config).to.deep.equal({ file: gatewayConfiguration("mimir", settings) });
    expect(gateway).to.deep.include({
      podAnnotations: { "observability/password-generations": "2,1" },
      extraVolumes: [{ name: "gateway-users", secret: { secretName: "gateway-users" } }],
      extraVolumeMounts: [{ name: "gateway-users", mountPath: "/etc/gateway-users", readOnly: true }],
    });
  });
});

describe("unit: values of kube-prometheus-stack", () => {
  it("keeps 7 days, and sends everything to Mimir as the tenant prometheus (R11)", () => {
    const { prometheusSpec } = kpsOf("prod", { cluster: { name: "paris" } }).prometheus;
    expect(prometheusSpec).to.deep.include({
      replicas: 2,
      retention: "168h",
      scrapeInterval: "30s",
      externalLabels: { cluster: "paris" },
      prometheusExternalLabelNameClear: true,
    });
    expect(prometheusSpec.remoteWrite).to.have.length(1);
    expect(prometheusSpec.remoteWrite[0]).to.deep.include({
      url: "http://mimir-gateway.mimir.svc/api/v1/push",
      basicAuth: {
        username: { name: "gateway-credentials", key: "mimir-prometheus-write.username" },
        password: { name: "gateway-credentials", key: "mimir-prometheus-write.password" },
      },
    });
    expect(prometheusSpec.remoteWrite[0]).not.to.have.property("headers");
    expect(prometheusSpec.remoteWrite[0].queueConfig).to.include({
      maxSamplesPerSend: 1000,
      minShards: 10,
      maxShards: 10,
    });
  });

  it("deletes the oldest blocks before the volume is full", () => {
    const sizes = ["5Gi", "50Gi", "1Ti"].map((disk) => {
      const { prometheusSpec } = kpsOf("prod", { kubePrometheusStack: { prometheus: { disk } } }).prometheus;
      expect(prometheusSpec.storageSpec.volumeClaimTemplate.spec.resources.requests.storage).to.equal(disk);
      return prometheusSpec.retentionSize;
    });
    expect(sizes).to.deep.equal(["4352MB", "43520MB", "891289MB"]);
  });

  it("evaluates no rules of tenants, and scrapes all targets except those only for Alloy", () => {
    const { prometheusSpec } = kpsOf("prod").prometheus;
    expect(prometheusSpec.ruleSelector).to.deep.equal({
      matchExpressions: [{ key: owner.ruleTenant, operator: "DoesNotExist" }],
    });
    for (const selector of [prometheusSpec.serviceMonitorSelector, prometheusSpec.podMonitorSelector])
      expect(selector).to.deep.equal({
        matchExpressions: [{ key: owner.scraper, operator: "NotIn", values: ["alloy"] }],
      });
    expect(prometheusSpec.probeSelectorNilUsesHelmValues).to.equal(false);
    expect(prometheusSpec.scrapeConfigSelectorNilUsesHelmValues).to.equal(false);
  });

  const monitors = {
    apiServer: "kubeApiServer",
    controllerManager: "kubeControllerManager",
    scheduler: "kubeScheduler",
    etcd: "kubeEtcd",
    proxy: "kubeProxy",
    dns: "coreDns",
  };
  const rules: Partial<Record<string, string[]>> = {
    apiServer: ["Availability", "Burnrate", "Histogram", "Slos"].map((group) => `kubeApiserver${group}`),
    controllerManager: ["kubeControllerManager"],
    scheduler: ["kubeSchedulerAlerting", "kubeSchedulerRecording"],
    etcd: ["etcd"],
    proxy: ["kubeProxy"],
  };
  const lists = [[], ...Object.keys(monitors).map((part) => [part]), Object.keys(monitors)];
  for (const controlPlane of lists)
    it(`monitors of the control plane: ${controlPlane.join(", ") || "nothing"}`, () => {
      const values = kpsOf("dev", { kubePrometheusStack: { controlPlane } });
      for (const [part, monitor] of Object.entries(monitors)) {
        const there = controlPlane.includes(part);
        expect(values[monitor].enabled, part).to.equal(there);
        for (const rule of rules[part] ?? []) expect(values.defaultRules.rules[rule], rule).to.equal(there);
      }
      expect(values.defaultRules.rules).to.have.all.keys(
        ...Object.values(rules).flatMap((r) => r ?? []),
        "windows",
      );
    });

  it("has Alertmanager's configuration from a Secret, and lets namespaces add theirs", () => {
    expect(kpsOf("prod").alertmanager.alertmanagerSpec).to.deep.include({
      replicas: 3,
      useExistingSecret: true,
      configSecret: alertmanagerSecret,
      alertmanagerConfigSelector: {},
      alertmanagerConfigNamespaceSelector: ownNamespaces(settingsOf("prod")),
    });
  });

  it("includes the dashboards but no Grafana, and no CRDs, which have their own release", () => {
    const { grafana, crds } = kpsOf("dev");
    expect(grafana).to.deep.equal({
      enabled: false,
      forceDeployDashboards: true,
      forceDeployDatasources: false,
      sidecar: { dashboards: { annotations: { grafana_folder: "Kubernetes" } } },
    });
    expect(crds).to.deep.equal({ enabled: false });
    const annotations = (protect: boolean) =>
      (prometheusCrdsValues(settingsOf("dev", { cluster: { protect } })) as Any).crds.annotations;
    expect(annotations(true)).to.deep.equal({ "helm.sh/resource-policy": "keep" });
    expect(annotations(false)).to.deep.equal({});
  });

  it("is not managed by another operator of the cluster, nor by that of another stack", () => {
    const id = (config: Config = {}) => {
      const { prometheus, alertmanager, prometheusOperator } = kpsOf("dev", config);
      const [flag] = prometheusOperator.extraArgs;
      for (const { annotations } of [prometheus, alertmanager])
        expect(`--controller-id=${annotations["operator.prometheus.io/controller-id"]}`).to.equal(flag);
      return flag;
    };
    expect(id()).to.equal("--controller-id=monitoring");
    expect(id({ namespaces: { prefix: "b-" } })).to.equal("--controller-id=b-monitoring");
  });

  it("has the metrics of each component once, although k3s serves all of them at each endpoint", () => {
    const { kubelet, kubeApiServer } = kpsOf("dev");
    const dropped = (monitor: Any, name: string, le = "") =>
      monitor.serviceMonitor.metricRelabelings.some(
        ({ sourceLabels, regex }: { sourceLabels: string[]; regex: string }) =>
          new RegExp(`^(?:${regex})$`).test(sourceLabels.length > 1 ? `${name};${le}` : name),
      );
    expect(dropped(kubelet, "apiserver_request_total")).to.equal(true);
    expect(dropped(kubelet, "kubelet_running_pods")).to.equal(false);
    expect(dropped(kubeApiServer, "kubelet_volume_stats_used_bytes")).to.equal(true);
    expect(dropped(kubeApiServer, "apiserver_request_total")).to.equal(false);
    // The chart's own rules, which these lists replace.
    expect(dropped(kubeApiServer, "apiserver_request_duration_seconds_bucket", "0.15")).to.equal(true);
    expect(dropped(kubeApiServer, "apiserver_request_duration_seconds_bucket", "0.1")).to.equal(false);
    expect(dropped(kubelet, "storage_operation_duration_seconds_bucket", "0.25")).to.equal(true);
  });

  it("scrapes no kubelets of virtual nodes", () => {
    expect(kpsOf("dev").prometheusOperator.kubeletService.selector).to.equal(
      "type!=virtual-kubelet,eks.amazonaws.com/compute-type!=fargate",
    );
  });

  it("has neither webhook nor certificate if admissionWebhook is off", () => {
    const operator = (admissionWebhook: boolean) =>
      kpsOf("dev", { kubePrometheusStack: { admissionWebhook } }).prometheusOperator;
    const { admissionWebhooks, tls } = operator(true);
    expect([admissionWebhooks.enabled, tls]).to.deep.equal([true, { enabled: true }]);
    expect(operator(false)).to.deep.include({
      admissionWebhooks: { enabled: false },
      tls: { enabled: false },
    });
  });

  it("separates replicas as cluster.antiAffinity requires, and uses its StorageClass for volumes", () => {
    for (const [antiAffinity, chart] of [
      ["none", ""],
      ["preferred", "soft"],
      ["quorum", "hard"],
      ["required", "hard"],
    ]) {
      const { prometheus, alertmanager } = kpsOf("dev", { cluster: { antiAffinity, storageClass: "fast" } });
      for (const spec of [prometheus.prometheusSpec, alertmanager.alertmanagerSpec]) {
        expect(spec.podAntiAffinity).to.equal(chart);
        const { volumeClaimTemplate } = spec.storageSpec ?? spec.storage;
        expect(volumeClaimTemplate.spec.storageClassName).to.equal("fast");
      }
    }
  });

  it("has a disruption budget for components with several replicas", () => {
    const budgets = (environment: Environment) => {
      const { prometheus, alertmanager } = kpsOf(environment);
      return [prometheus.podDisruptionBudget, alertmanager.podDisruptionBudget];
    };
    expect(budgets("dev")).to.deep.equal(Array(2).fill({ enabled: false }));
    // The chart sets a minimum of its own, with which a maximum is invalid.
    expect(budgets("prod")).to.deep.equal(
      Array(2).fill({ enabled: true, minAvailable: null, maxUnavailable: 1 }),
    );
  });
});

describe("unit: values of alertmanager", () => {
  const config = (alerting: Config): Any => alertmanagerConfig(settingsOf("dev", { alerting }));

  it("notifies no receiver if there is none", () => {
    const { route, receivers } = config({});
    expect(receivers.map(({ name }: Any) => name)).to.deep.equal([route.receiver, "(smoke test)"]);
    expect(route.routes.map(({ receiver }: Any) => receiver)).to.deep.equal(["(smoke test)", route.receiver]);
  });

  it("sends every alert to every receiver, except alerts that always fire", () => {
    const { route, receivers } = config({
      receivers: { oncall: { webhookUrl }, chat: { webhookUrl: `${webhookUrl}/2` } },
      groupWait: "10s",
      repeatInterval: "3h",
    });
    expect(route).to.include({ group_wait: "10s", repeat_interval: "3h" });
    const [, always, ...all] = route.routes;
    expect(always).to.deep.equal({
      receiver: route.receiver,
      matchers: ['alertname =~ "Watchdog|InfoInhibitor"'],
    });
    expect(all).to.deep.equal([
      { receiver: "oncall", continue: true },
      { receiver: "chat", continue: true },
    ]);
    expect(receivers.slice(2)).to.deep.equal([
      { name: "oncall", webhook_configs: [{ url: webhookUrl, send_resolved: true }] },
      { name: "chat", webhook_configs: [{ url: `${webhookUrl}/2`, send_resolved: true }] },
    ]);
  });

  it("has each receiver once, whatever its name", () => {
    for (const name of ["nobody", "null", "default"]) {
      const names = config({ receivers: { [name]: { webhookUrl } } }).receivers.map(
        (receiver: Any) => receiver.name,
      );
      expect(new Set(names).size).to.equal(3);
    }
  });

  it("shows a receiver's URL in no release", async () => {
    for (const environment of ["dev", "prod"] as const) {
      const { resources } = await recordingOf(environment, receivers);
      for (const { name, values } of releasesOf(resources))
        expect(JSON.stringify(values), name).not.to.include(webhookUrl);
    }
  }).timeout(60_000);
});

describe("unit: values of cadvisor", () => {
  const containerOf = (config: Config = {}): Any =>
    cadvisorDaemonSet(settingsOf("dev", config)).spec.template.spec.containers[0];
  const args = (flag: string): string[] =>
    containerOf()
      .args.flatMap((arg: string) => (arg.startsWith(`--${flag}=`) ? [arg.slice(flag.length + 3)] : []))
      .flatMap((value: string) => value.split(","));

  it("reads the four folders of the node, and writes none (R10)", () => {
    const { template } = cadvisorDaemonSet(settingsOf("dev")).spec;
    const folders = Object.fromEntries(
      template.spec.volumes.map(({ name, hostPath }) => [name, hostPath.path]),
    );
    const mounts = containerOf().volumeMounts.map(({ name, mountPath, readOnly }: Any) => [
      folders[name],
      mountPath,
      readOnly,
    ]);
    expect(mounts).to.have.deep.members([
      ["/", "/rootfs", true],
      ["/var/run", "/var/run", true],
      ["/sys", "/sys", true],
      ["/var/lib/docker", "/var/lib/docker", true],
    ]);
  });

  it("has no root capabilities", () => {
    expect(containerOf().securityContext).to.deep.equal({
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  it("runs the image of the settings, also by digest", () => {
    const digest = `gcr.io/cadvisor/cadvisor@sha256:${"0".repeat(64)}`;
    expect(containerOf({ cadvisor: { image: digest } }).image).to.equal(digest);
  });

  it("finds the socket of containerd through its mounts", () => {
    const socket = (containerdSocket: string) =>
      containerOf({ cadvisor: { containerdSocket } }).args.find((arg: string) => /^--containerd=/.test(arg));
    for (const [node, container] of [
      ["/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"],
      ["/var/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"],
      ["/run/k3s/containerd/containerd.sock", "/var/run/k3s/containerd/containerd.sock"],
      [
        "/var/snap/microk8s/common/run/containerd.sock",
        "/rootfs/var/snap/microk8s/common/run/containerd.sock",
      ],
    ] as const)
      expect(socket(node)).to.equal(`--containerd=${container}`);
  });

  it("opens a port on every node only if the settings enable it", () => {
    const service = (cadvisor: Config): Any => cadvisorService(settingsOf("dev", { cadvisor })).spec;
    expect(service({ nodePort: 30123 })).to.deep.include({
      type: "NodePort",
      externalTrafficPolicy: "Local",
    });
    expect(service({ nodePort: 30123 }).ports[0].nodePort).to.equal(30123);
    const closed = service({ expose: ["serviceMonitor"] });
    expect(closed.type).to.equal("ClusterIP");
    expect(closed).not.to.have.property("externalTrafficPolicy");
    expect(closed.ports[0]).not.to.have.property("nodePort");
  });

  it("is scraped only by Alloy", () => {
    expect(cadvisorMonitor(settingsOf("dev")).metadata.labels).to.include({ [owner.scraper]: "alloy" });
  });

  /** Prometheus' labels of a sample after relabeling; undefined if it drops the sample. */
  function relabelled(given: Record<string, string>): Record<string, string> | undefined {
    const labels = { ...given };
    const rules: Any[] = cadvisorMonitor(settingsOf("dev")).spec.endpoints[0]?.metricRelabelings ?? [];
    for (const { action = "replace", sourceLabels = [], regex = "(.*)", targetLabel } of rules) {
      const pattern = new RegExp(`^(?:${regex})$`, "s");
      const value = sourceLabels.map((label: string) => labels[label] ?? "").join(";");
      if (action === "drop" && pattern.test(value)) return undefined;
      if (action === "labeldrop")
        for (const name of Object.keys(labels)) if (pattern.test(name)) delete labels[name];
      if (action === "replace") labels[targetLabel] = value;
    }
    return labels;
  }
  const pod = {
    container_label_io_kubernetes_pod_namespace: "shop",
    container_label_io_kubernetes_pod_name: "cart-0",
  };
  const inPod = { ...pod, container_label_io_kubernetes_container_name: "cart" };

  it("uses the same label names as the kubelet", () => {
    const sample = { __name__: "container_cpu_usage_seconds_total", ...inPod, cpu: "total" };
    expect(relabelled(sample)).to.deep.equal({
      __name__: "container_cpu_usage_seconds_total",
      namespace: "shop",
      pod: "cart-0",
      container: "cart",
      cpu: "total",
    });
    const asked = args("whitelisted_container_labels").map((label) => label.replaceAll(".", "_"));
    expect(asked.map((label) => `container_label_${label}`)).to.have.members(Object.keys(inPod));
    expect(args("store_container_labels")).to.deep.equal(["false"]);
  });

  it("keeps CPU, memory and I/O of containers (R10), and the network of pods", () => {
    expect(args("enable_metrics")).to.include.members(["cpu", "memory", "diskIO", "disk", "network"]);
    for (const name of [
      "container_cpu_usage_seconds_total",
      "container_cpu_cfs_throttled_periods_total",
      "container_memory_working_set_bytes",
      "container_memory_usage_bytes",
      "container_memory_rss",
      "container_memory_cache",
      "container_fs_reads_bytes_total",
      "container_fs_writes_bytes_total",
      "container_fs_usage_bytes",
      "container_spec_memory_limit_bytes",
    ])
      expect(relabelled({ __name__: name, ...inPod }), name).to.include({ container: "cart" });
    for (const name of ["container_network_receive_bytes_total", "container_network_transmit_bytes_total"])
      expect(relabelled({ __name__: name, ...pod }), name).to.include({ pod: "cart-0" });
    expect(relabelled({ __name__: "machine_memory_bytes" })).to.have.property("__name__");
  });

  it("drops cgroups without a pod, redundant sandbox metrics, and unused ones", () => {
    const names = ["container_cpu_usage_seconds_total", "container_memory_rss", "container_fs_usage_bytes"];
    for (const __name__ of names) {
      expect(relabelled({ __name__, id: "/system.slice" }), __name__).to.equal(undefined);
      expect(relabelled({ __name__, ...pod }), __name__).to.equal(undefined);
    }
    for (const __name__ of ["container_fs_sector_reads_total", "container_memory_mapped_file"])
      expect(relabelled({ __name__, ...inPod }), __name__).to.equal(undefined);
  });
});

describe("unit: values of alloy for metrics", () => {
  it("runs the pipeline from its files without changes", () => {
    const files = ["rules", "scrape", "tenants"].map((part) =>
      readFileSync(`values/alloy/metrics/${part}.alloy`, "utf8"),
    );
    const events = readFileSync("values/alloy/metrics/events/events.alloy", "utf8");
    for (const kubernetesEvents of [true, false]) {
      const { alloy, rbac }: Any = alloyMetricsValues(
        settingsOf("dev", { alloyMetrics: { kubernetesEvents } }),
      );
      const wanted = [...files, ...(kubernetesEvents ? [events] : [])].join("\n");
      // Helm's result for an action that is a string.
      expect(alloy.configMap.content.replaceAll('{{ "{{" }}', "{{")).to.equal(wanted);
      expect(alloy.configMap.content.replaceAll('{{ "{{" }}', "")).not.to.include("{{");
      const resources = rbac.rules.flatMap((rule: Any) => rule.resources);
      expect(resources.includes("events")).to.equal(kubernetesEvents);
    }
  });

  it("sets every variable that the pipeline reads, and no other", () => {
    const settings = settingsOf("dev");
    const { alloy }: Any = alloyMetricsValues(settings);
    const given = alloy.extraEnv.map(({ name }: { name: string }) => name);
    const read = [...alloyMetricsPipeline(settings).matchAll(/sys\.env\("(\w+)"\)/g)].map(([, name]) => name);
    // GOMEMLIMIT is for Go.
    expect(new Set(given)).to.deep.equal(new Set([...read, "GOMEMLIMIT"]));
    expect(new Set(given).size).to.equal(given.length);
  });

  it("waits for an API server that is unavailable at the start", () => {
    const operators = [
      ...alloyPipeline("metrics").matchAll(/prometheus\.operator\.\w+ "all" \{\n[\s\S]*?\n\t\}/g),
    ];
    expect(operators).to.have.length(4);
    for (const [operator] of operators) expect(operator).to.match(/informer_sync_timeout\s+= "24h"/);
  });

  it("loads rules and ignores monitors by the labels in names.ts", () => {
    const pipeline = alloyPipeline("metrics");
    const { LOADED_RULES } = alloyMetricsEnvironment(settingsOf("dev"));
    expect(JSON.parse(LOADED_RULES ?? "")).to.deep.include({
      tenant: "nodes",
      user: "nodes-rules",
      selector: { [owner.ruleTenant]: "nodes" },
      labels: {},
    });
    const selectors = [...pipeline.matchAll(/match_expression \{(.*?)\}/gs)].map(([, text = ""]) =>
      text
        .trim()
        .split(/\s*\n\s*/)
        .map((line) => line.replace(/\s+/g, " ")),
    );
    const [first, second, ...monitors] = selectors;
    expect([first?.[0], second?.[0]]).to.deep.equal(
      [0, 1].map((index) => `key = encoding.from_json(sys.env("RULES"))[${index}].key`),
    );
    for (const prefix of ["", "b-"])
      expect(ownNamespaces(settingsOf("dev", { namespaces: { prefix } })).matchExpressions).to.have.length(2);
    expect(monitors).to.deep.equal(
      Array(4).fill([`key = "${owner.scraper}"`, 'operator = "NotIn"', 'values = ["prometheus"]']),
    );
  });

  it("configures targets, scrape interval and destination", () => {
    const environment = alloyMetricsEnvironment(
      settingsOf("dev", {
        cluster: { name: "paris", systemNamespaces: ["kube-system", "shop"] },
        mimir: { tenants: { team: {} } },
        alloyMetrics: {
          scrapeInterval: "1m",
          samplesPerSend: 500,
          shards: 7,
          bufferAge: "90m",
          kubernetesEvents: false,
        },
        metrics: { infrastructure: "all" },
      }),
    );
    expect(environment).to.deep.equal({
      MIMIR_URL: "http://mimir-gateway.mimir.svc",
      PASSWORDS: "/etc/gateway",
      CLUSTER: "paris",
      RULES: JSON.stringify([
        { key: "observability/prefix", operator: "DoesNotExist", values: [] },
        { key: "openshift.io/cluster-monitoring", operator: "NotIn", values: ["true"] },
      ]),
      WRITERS: '{"pods":"pods-write","nodes":"nodes-write"}',
      LOADED_RULES: JSON.stringify(
        ["pods", "nodes", "prometheus", "team", "rollup-5m", "rollup-1h"].map((tenant) => ({
          tenant,
          user: `${tenant}-rules`,
          selector: { "observability/mimir-tenant": tenant },
          labels: {},
        })),
      ),
      SYSTEM_NAMESPACES: "kube-system|shop",
      SYSTEM_SERVICES: "(kube-system|shop)/.*|default/kubernetes",
      OMITTED_PATHS: "/metrics/cadvisor",
      GATEWAY_CERTIFICATE: "",
      GATEWAY_KEY: "",
      GATEWAY_PROXY: "",
      KEPT_METRICS: "a^",
      DROPPED_METRICS: "a^",
      ANNOTATED: "(?i)\\s*true\\s*",
      MONITORED_PODS: "kube-system/kube-dns",
      PLATFORM_NAMESPACES: "a^",
      SCRAPE_INTERVAL: "1m",
      SCRAPE_TIMEOUT: "10s",
      SAMPLES_PER_SEND: "500",
      SHARDS: "7",
      SAMPLE_LIMIT: "50000",
      BUFFER_AGE: "90m",
    });
  });

  it("truncates the write-ahead log, also of samples that are not sent yet, not before the buffer's age", () => {
    const [, frequency] = /truncate_frequency = (.+)/.exec(alloyMetricsPipeline(settingsOf("prod"))) ?? [];
    expect(frequency).to.equal('sys.env("BUFFER_AGE")');
  });

  it("leaves the targets of OpenShift to its own Prometheus", () => {
    const { PLATFORM_NAMESPACES } = alloyMetricsEnvironment(
      settingsOf("prod", { network: {}, cluster: { platform: "openshift" } }),
    );
    const namespaces = ["openshift-monitoring", "openshift-dns", "monitoring", "default", "my-openshift"];
    expect(namespaces.filter((name) => matches(PLATFORM_NAMESPACES, name))).to.deep.equal(
      namespaces.slice(0, 2),
    );
    for (const kind of ["service", "pod"]) {
      const [, monitors = ""] = alloyPipeline("metrics").split(`prometheus.operator.${kind}monitors "all"`);
      expect(monitors.split("prometheus.operator.")[0]).to.contain('sys.env("PLATFORM_NAMESPACES")');
    }
  });

  it("has a scrape timeout not longer than the interval", () => {
    const timeouts = ["5s", "10s", "15s"].map(
      (scrapeInterval) =>
        alloyMetricsEnvironment(settingsOf("dev", { alloyMetrics: { scrapeInterval } }))["SCRAPE_TIMEOUT"],
    );
    expect(timeouts).to.deep.equal(["5s", "10s", "10s"]);
  });

  const matches = (pattern = "", text = "") => new RegExp(`^(?:${pattern})$`).test(text);

  it("drops no metric of containers that dashboards of the community read", () => {
    const { kubelet } = kubePrometheusStackValues(settingsOf("dev")) as {
      kubelet: { serviceMonitor: { cAdvisorMetricRelabelings: { sourceLabels: string[]; regex: string }[] } };
    };
    const dropped = kubelet.serviceMonitor.cAdvisorMetricRelabelings.filter(
      ({ sourceLabels }) => `${sourceLabels}` === "__name__",
    );
    // Resources of the mixins of Loki, Mimir and Tempo, swap of kubernetes-mixin, throttling of awesome-prometheus-alerts.
    const read = [
      ...["container_spec_memory_limit_bytes", "container_spec_cpu_quota", "container_spec_cpu_period"],
      ...["container_memory_swap", "container_cpu_cfs_throttled_seconds_total"],
    ];
    for (const { regex } of dropped)
      expect(read.filter((name) => new RegExp(`^(?:${regex})$`).test(name))).to.deep.equal([]);
    expect(dropped).to.have.length(2);
  });

  it("reads containers from the kubelet if it cannot read cAdvisor", () => {
    for (const [cadvisor, omitted] of [
      [{}, true],
      [{ expose: ["serviceMonitor"] }, true],
      [{ expose: ["nodePort"] }, false],
      [{ enabled: false }, false],
    ] as const) {
      const { OMITTED_PATHS } = alloyMetricsEnvironment(settingsOf("dev", { cadvisor }));
      expect(matches(OMITTED_PATHS, "/metrics/cadvisor"), JSON.stringify(cadvisor)).to.equal(omitted);
      expect(matches(OMITTED_PATHS, "/metrics")).to.equal(false);
    }
  });

  it("ignores annotated pods if the setting is off", () => {
    const { ANNOTATED } = alloyMetricsEnvironment(
      settingsOf("dev", { alloyMetrics: { annotatedPods: false } }),
    );
    for (const text of ["", "true", "false"]) expect(matches(ANNOTATED, text)).to.equal(false);
  });

  it("counts the API server as infrastructure even if no namespace is", () => {
    const { SYSTEM_SERVICES, SYSTEM_NAMESPACES } = alloyMetricsEnvironment(
      settingsOf("dev", { cluster: { systemNamespaces: [] } }),
    );
    expect(matches(SYSTEM_SERVICES, "default/kubernetes")).to.equal(true);
    expect(matches(SYSTEM_SERVICES, "kube-system/kube-dns")).to.equal(false);
    expect(matches(SYSTEM_NAMESPACES, "")).to.equal(false);
  });

  it("is a cluster of replicas, each with a bounded buffer, with access to its targets but not to Secrets", () => {
    const { alloy, controller, rbac }: Any = alloyMetricsValues(
      settingsOf("prod", {
        mimir: { tenants: { team: {} } },
        alloyMetrics: { replicas: 5, buffer: "20Gi" },
      }),
    );
    expect(alloy.clustering).to.deep.equal({ enabled: true });
    expect(controller).to.deep.include({
      type: "statefulset",
      replicas: 5,
      podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
    });
    // It loads the rules of all tenants; the reader's password is only for KEDA.
    const tenants = ["pods", "nodes", "prometheus", "team", "rollup-5m", "rollup-1h"];
    // Events are logs.
    const writers = ["mimir-pods-write", "mimir-nodes-write"];
    const users = [...writers, ...tenants.map((tenant) => `mimir-${tenant}-rules`), "loki-logs-write"];
    const items = users.map((user) => ({ key: `${user}.password`, path: `${user}.password` }));
    expect(controller.volumes.extra).to.deep.equal([
      { name: "storage", emptyDir: { sizeLimit: "20Gi" } },
      { name: "gateway-credentials", secret: { secretName: "gateway-credentials", items } },
    ]);
    expect(alloy.mounts.extra).to.deep.include({
      name: "gateway-credentials",
      mountPath: "/etc/gateway",
      readOnly: true,
    });
    expect(alloy.securityContext).to.include({ runAsNonRoot: true, runAsUser: 473 });
    for (const { verbs, resources = [] } of [...rbac.rules, ...rbac.clusterRules]) {
      expect(["get", "list", "watch"]).to.include.members(verbs);
      expect(resources).not.to.include.oneOf(["secrets", "configmaps", "*"]);
    }
    // Without the last two, Probes of Ingresses and monitors with `attachMetadata` have no targets.
    for (const discovered of ["pods", "services", "endpointslices", "ingresses", "nodes"])
      expect(
        [...rbac.rules, ...rbac.clusterRules].filter(({ resources = [] }) => resources.includes(discovered)),
        discovered,
      ).to.have.nested.property("[0].verbs[1]", "list");
  });
});
