import type { SettingsInput } from "./schema";

/** Production: the numbers of the requirements. Change one for a stack with `pulumi config set --path`. */
export const prod: SettingsInput = {
  environment: "prod",
  cluster: {
    name: "prod",
    domain: "cluster.local",
    antiAffinity: "quorum",
    zones: true,
    scheduling: { nodeSelector: {}, tolerations: [], components: {} },
    systemNamespaces: [
      "kube-system",
      "kube-public",
      "kube-node-lease",
      "minio",
      "loki",
      "mimir",
      "alloy-logs",
      "alloy-metrics",
      "alloy-traces",
      "monitoring",
      "opentelemetry",
      "tempo",
      "grafana",
      "autoscaling",
      "backup",
    ],
    existingNamespaces: [],
    protect: true,
    gossipLabels: "verify",
  },
  namespaces: { prefix: "" },
  charts: { history: 10 },
  images: {},
  load: {}, // docs/guides/sizing.md has the load that these numbers carry
  objectStorage: {
    kind: "minio",
    buckets: {
      loki: { name: "loki-data" }, // R1.5
      mimirBlocks: { name: "mimir-blocks" },
      mimirRuler: { name: "mimir-ruler" },
      mimirAlertmanager: { name: "mimir-alertmanager" },
      tempo: { name: "tempo-data" },
    },
    lifecycleMargin: "7d",
    minio: {
      mode: "distributed", // R1.1
      servers: 6, // two in each of three zones: the loss of one zone stops neither reads nor writes
      disk: "50Gi", // R1.2
      cpu: "500m",
      memory: "2Gi",
      memoryLimit: "4Gi",
      image:
        "docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z@sha256:635197cb9f36d01bee221d34d1c7d7960f6a95c48b0b6c01d99cd13bdae51a46",
      localPort: 19001,
      readyTimeout: "5m",
    },
  },
  backups: {
    schedule: "30 1 * * *",
    maxAge: "26h",
    keepDeleted: "30d",
    cpu: "100m",
    memory: "128Mi",
    memoryLimit: "512Mi",
  },
  loki: {
    replicationFactor: 3,
    distributor: { replicas: 3, cpu: "500m", memory: "512Mi", memoryLimit: "1Gi" }, // R2.1
    ingester: { replicas: 3, cpu: "1", memory: "2Gi", memoryLimit: "4Gi", disk: "20Gi" }, // R2.1
    querier: { replicas: 2, maxReplicas: 5, cpu: "500m", memory: "1Gi", memoryLimit: "3Gi" }, // R2.1, R13
    queryFrontend: { replicas: 2, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi" }, // R2.1
    queryScheduler: { replicas: 2, cpu: "100m", memory: "128Mi", memoryLimit: "256Mi" },
    compactor: { replicas: 1, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi", disk: "20Gi" }, // R2.1
    gateway: { replicas: 2, cpu: "100m", memory: "64Mi", memoryLimit: "256Mi" },
    // The charts request as much CPU for each memcached:
    // https://github.com/grafana/loki/blob/main/production/helm/loki/values.yaml (allocatedCPU)
    resultsCache: { replicas: 1, cpu: "500m", memory: "512Mi" }, // R2.1: query-frontend, cached
    chunksCache: { replicas: 1, cpu: "500m", memory: "2Gi" },
    indexDisk: "10Gi",
    schema: [{ from: "2024-01-01", store: "boltdb-shipper" }], // R2.4
    retention: {
      application: "30d",
      system: "15d",
      debug: "7d",
      journal: "15d",
      events: "15d",
      namespaces: {},
    }, // R2.3
    maxLineSize: "256Ki",
    ingestionRate: "10MB/s", // R2.6
    ingestionBurst: "20MB/s",
    shutdown: "5m",
  },
  mimir: {
    replicationFactor: 3, // R3.4
    distributor: { replicas: 3, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi" }, // R3.1
    ingester: { replicas: 3, cpu: "2", memory: "4Gi", memoryLimit: "4Gi", disk: "50Gi" }, // R3.1, R3.6
    querier: { replicas: 2, maxReplicas: 6, cpu: "1", memory: "2Gi", memoryLimit: "2Gi" }, // R3.1, R3.6, R13
    queryFrontend: { replicas: 2, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi" }, // R3.1
    queryScheduler: { replicas: 2, cpu: "100m", memory: "128Mi", memoryLimit: "256Mi" },
    storeGateway: { replicas: 2, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi", disk: "20Gi" }, // R3.1
    compactor: { replicas: 1, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi", disk: "50Gi" }, // R3.1
    ruler: { replicas: 2, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi" }, // R3.1
    alertmanager: { replicas: 3, cpu: "50m", memory: "128Mi", memoryLimit: "256Mi", disk: "1Gi" }, // R3.1
    gateway: { replicas: 2, cpu: "100m", memory: "64Mi", memoryLimit: "256Mi" },
    resultsCache: { replicas: 1, cpu: "500m", memory: "512Mi" },
    chunksCache: { replicas: 1, cpu: "500m", memory: "2Gi" },
    indexCache: { replicas: 1, cpu: "500m", memory: "1Gi" },
    metadataCache: { replicas: 1, cpu: "500m", memory: "128Mi" },
    retention: "365d", // R3.4
    storeAfter: "12h", // https://grafana.com/docs/mimir/latest/configure/configuration-parameters/#querier
    compactionInterval: "2h", // R3.4
    limits: {
      series: 1_000_000, // R3.5
      samplesPerSecond: 100_000, // R3.5
      burst: 100_000, // R3.5: the 100,001st sample of a second is refused
      exemplars: 100_000,
      labelNames: 45,
      outOfOrder: "2h",
    },
    // R3.3, R11. A month of what Prometheus has, for error budgets of 30 days; longer ranges are asked of the other two.
    tenants: { pods: {}, nodes: {}, prometheus: { retention: "31d" } },
    // R14: what questions about months are asked of: is there room, is it busier, slower, less reliable than it was?
    rollups: {
      enabled: true,
      gauges: [
        "up",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemTotal_bytes",
        "node_filesystem_avail_bytes",
        "node_filesystem_size_bytes",
        "node_load5",
        "kube_node_status_allocatable",
        "kube_pod_container_resource_requests",
        "container_memory_working_set_bytes",
        "kubelet_volume_stats_used_bytes",
        "kubelet_volume_stats_capacity_bytes",
      ],
      counters: [
        "node_cpu_seconds_total",
        "node_network_receive_bytes_total",
        "node_network_transmit_bytes_total",
        "node_disk_read_bytes_total",
        "node_disk_written_bytes_total",
        "node_disk_io_time_seconds_total",
        "container_cpu_usage_seconds_total",
        "container_network_receive_bytes_total",
        "container_network_transmit_bytes_total",
        "kube_pod_container_status_restarts_total",
        "traces_spanmetrics_calls_total",
        "traces_spanmetrics_latency_bucket",
        "traces_spanmetrics_latency_count",
        "traces_spanmetrics_latency_sum",
      ],
      delay: "10m",
      series: 1_000_000,
      fiveMinutes: { retention: "365d" }, // as long as the raw data (R3.4)
      oneHour: { retention: "730d" }, // this year beside the last
    },
    shutdown: "5m",
  },
  tempo: {
    replicationFactor: 3,
    distributor: { replicas: 2, cpu: "500m", memory: "512Mi", memoryLimit: "1Gi" }, // R4.1
    ingester: { replicas: 3, cpu: "500m", memory: "2Gi", memoryLimit: "4Gi", disk: "20Gi" }, // R4.1
    querier: { replicas: 2, maxReplicas: 4, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi" }, // R4.1, R13
    queryFrontend: { replicas: 1, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi" }, // R4.1
    compactor: { replicas: 1, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi" }, // R4.1
    metricsGenerator: { replicas: 1, cpu: "250m", memory: "1Gi", memoryLimit: "2Gi" }, // R4.1
    gateway: { replicas: 2, cpu: "100m", memory: "64Mi", memoryLimit: "256Mi" },
    cache: { replicas: 1, cpu: "50m", memory: "512Mi" },
    retention: "30d", // R4.4
    limits: { rate: "15MB/s", burst: "20MB/s", traceSize: "5Mi", liveTraces: 50_000 },
    tenants: { traces: {} },
    shutdown: "5m",
  },
  queries: { timeout: "5m" },
  alloyLogs: {
    cpu: "100m",
    memory: "256Mi",
    memoryLimit: "1Gi",
    buffer: "1Gi", // R5.3
    errorsOnly: ["kube-system"], // R5.4
    healthCheckPaths: [
      "/healthz",
      "/health",
      "/healthcheck",
      "/livez",
      "/readyz",
      "/ping",
      "/-/healthy",
      "/-/ready",
      "/actuator/health",
      "/actuator/health/liveness",
      "/actuator/health/readiness",
    ], // R5.4
    dockerContainers: "/var/lib/docker/containers",
    journal: true,
  },
  alloyMetrics: {
    replicas: 3,
    maxReplicas: 10, // R13
    // A target has 500 series or so; a million series take 11 GiB: https://grafana.com/docs/alloy/latest/introduction/estimate-resource-usage/
    targetsPerReplica: 200,
    cpu: "250m",
    memory: "1Gi",
    memoryLimit: "2Gi",
    buffer: "10Gi",
    bufferAge: "2h",
    scrapeInterval: "15s", // R6.3
    samplesPerSend: 1000, // R6.3
    kubernetesEvents: true,
    sampleLimit: 50_000,
    annotatedPods: true,
  },
  alloyTraces: { replicas: 2, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi", buffer: "2Gi", disk: "7Gi" },
  otlp: { cors: { allowedOrigins: [] } },
  tracing: {
    sampling: {
      ratio: 0.1, // R9.3
      appliedBy: "sdk",
      services: {},
      slow: "2s",
      decisionWait: "10s",
    },
    metricsFrom: "tempo",
    languages: ["python", "java", "nodejs", "dotnet"], // not go: its sidecar is privileged
    propagators: ["tracecontext", "baggage"], // R9.2
  },
  openTelemetryOperator: {
    install: "auto",
    certManager: false,
    operator: { cpu: "100m", memory: "128Mi", memoryLimit: "256Mi" },
    collector: { replicas: 2, cpu: "100m", memory: "256Mi", memoryLimit: "512Mi" },
  },
  kubePrometheusStack: {
    crds: "auto",
    admissionWebhook: true,
    controlPlane: ["apiServer", "dns"],
    operator: { cpu: "100m", memory: "128Mi", memoryLimit: "256Mi" },
    prometheus: {
      replicas: 2,
      cpu: "500m",
      memory: "2Gi",
      memoryLimit: "4Gi",
      disk: "50Gi",
      retention: "7d", // R11
      scrapeInterval: "30s",
      shutdown: "5m",
    },
    alertmanager: { replicas: 3, cpu: "25m", memory: "64Mi", memoryLimit: "128Mi", disk: "1Gi" },
    kubeStateMetrics: { cpu: "50m", memory: "128Mi", memoryLimit: "512Mi" },
    nodeExporter: { cpu: "50m", memory: "32Mi", memoryLimit: "128Mi", port: 9100 },
  },
  metrics: { infrastructure: "standard", also: [], drop: [] },
  cadvisor: {
    enabled: true, // R10
    cpu: "100m",
    memory: "128Mi",
    memoryLimit: "512Mi",
    image: "ghcr.io/google/cadvisor:v0.60.5",
    containerdSocket: "/run/containerd/containerd.sock",
    expose: ["serviceMonitor", "nodePort"], // R10
    nodePort: 30090, // R10
  },
  grafana: {
    replicas: 1,
    cpu: "250m",
    memory: "512Mi",
    memoryLimit: "1Gi",
    disk: "10Gi",
    url: "http://localhost:3000",
    auth: { kind: "local" }, // prod asks for oauth or ldap (R8.2)
    // R8.5: the living successor of JSON API; Pie Chart and Status Panel are panels of Grafana itself today.
    plugins: ["yesoreyeram-infinity-datasource@3.11.1"],
    dashboards: { namespaces: [], cpu: "10m", memory: "96Mi", memoryLimit: "256Mi" },
  },
  network: {
    policies: true,
    nodes: ["0.0.0.0/0", "::/0"],
    ipFamily: "IPv4",
    cilium: "auto",
    apiServerPorts: [443, 6443],
    ingressNamespaces: [],
    ingressRanges: [],
    scraperNamespaces: [],
    tls: { certificates: "none", clientNamespaces: [] },
  },
  scaling: {
    cpu: 70, // R13
    calmDown: "5m",
    metricsServer: "auto",
    kubeletCertificates: true,
    keda: "auto",
    ingesters: "off",
    verticalPodAutoscaler: "auto",
  },
  access: { generations: [1] },
  agents: {},
  alerting: { receivers: {}, routes: [], groupWait: "30s", repeatInterval: "12h" },
  helm: {},
};
