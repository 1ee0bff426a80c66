import type { SettingsInput } from "./schema";

/** Production: the numbers of the requirements. Change one for a stack with `pulumi config set --path`. */
export const prod: SettingsInput = {
  environment: "prod",
  cluster: { name: "prod", antiAffinity: "preferred", protect: true },
  charts: { atomic: true, history: 10 },
  images: {},
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
      servers: 4,
      disk: "50Gi", // R1.2
      cpu: "500m",
      memory: "2Gi",
      memoryLimit: "4Gi",
      image: "docker.io/pgsty/minio:RELEASE.2026-08-04T00-00-00Z",
      localPort: 19001,
      readyTimeout: "5m",
    },
  },
  loki: {
    replicationFactor: 3,
    distributor: { replicas: 3, cpu: "500m", memory: "512Mi", memoryLimit: "1Gi" }, // R2.1
    ingester: { replicas: 3, cpu: "1", memory: "2Gi", memoryLimit: "4Gi", disk: "20Gi" }, // R2.1
    querier: { replicas: 2, cpu: "500m", memory: "1Gi", memoryLimit: "3Gi" }, // R2.1
    queryFrontend: { replicas: 2, cpu: "250m", memory: "512Mi", memoryLimit: "1Gi" }, // R2.1
    compactor: { replicas: 1, cpu: "500m", memory: "1Gi", memoryLimit: "2Gi", disk: "20Gi" }, // R2.1
    gateway: { replicas: 2, cpu: "100m", memory: "64Mi", memoryLimit: "256Mi" },
    resultsCache: { replicas: 1, memory: "512Mi" }, // R2.1: query-frontend, cached
    chunksCache: { replicas: 1, memory: "2Gi" },
    schema: [{ from: "2024-01-01", store: "boltdb-shipper" }], // R2.4
    retention: { application: "30d", system: "15d", debug: "7d", namespaces: {} }, // R2.3
    systemNamespaces: ["kube-system", "kube-public", "kube-node-lease", "minio", "loki", "alloy-logs"],
    ingestionRate: "10MB/s", // R2.6
    ingestionBurst: "20MB/s",
    shutdown: "5m",
  },
  mimir: { retention: "365d" }, // R3.4
  tempo: { retention: "30d" }, // R4.4
  alloyLogs: {
    cpu: "100m",
    memory: "256Mi",
    memoryLimit: "1Gi",
    buffer: "1Gi", // R5.3
    bufferAge: "1h",
    errorsOnly: ["kube-system"], // R5.4
    healthCheckPaths: [
      "/healthz",
      "/health",
      "/livez",
      "/readyz",
      "/live",
      "/ready",
      "/-/healthy",
      "/-/ready",
    ], // R5.4
  },
};
