import { prod } from "./prod";
import type { SettingsInput } from "./schema";

/** Development: the shape of production at one replica, for a machine of 2 cores and 8 GiB. */
export const dev: SettingsInput = {
  ...prod,
  environment: "dev",
  cluster: { name: "dev", antiAffinity: "none", protect: false },
  charts: { atomic: false, history: 3 },
  objectStorage: {
    ...prod.objectStorage,
    minio: {
      ...prod.objectStorage.minio,
      mode: "standalone", // R1.1
      servers: 1,
      cpu: "50m",
      memory: "128Mi",
      memoryLimit: "512Mi",
      localPort: 19000,
    },
  },
  loki: {
    ...prod.loki,
    replicationFactor: 1,
    distributor: { replicas: 1, cpu: "25m", memory: "64Mi", memoryLimit: "256Mi" },
    ingester: { replicas: 1, cpu: "50m", memory: "128Mi", memoryLimit: "512Mi", disk: "5Gi" },
    querier: { replicas: 1, cpu: "25m", memory: "64Mi", memoryLimit: "512Mi" },
    queryFrontend: { replicas: 1, cpu: "25m", memory: "64Mi", memoryLimit: "256Mi" },
    compactor: { replicas: 1, cpu: "25m", memory: "64Mi", memoryLimit: "256Mi", disk: "5Gi" },
    gateway: { replicas: 1, cpu: "10m", memory: "16Mi", memoryLimit: "64Mi" },
    resultsCache: { replicas: 0, memory: "32Mi" },
    chunksCache: { replicas: 0, memory: "32Mi" },
    // `obs down` removes MinIO too: nobody would take what an ingester still wants to write.
    shutdown: "30s",
  },
  alloyLogs: { ...prod.alloyLogs, cpu: "25m", memory: "128Mi", memoryLimit: "512Mi" },
};
