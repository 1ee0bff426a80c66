/** Quorums, and the number of members that each can lose. */
import { minio, namespaces, prefixed, releases } from "../names";
import type { Settings } from "../settings";
import { installs } from "../settings/agents";
import { erasureSet } from "../settings/forecast";
import type { PlacedComponent } from "../settings/scheduling";

/** Pods of which too many must not be lost at once. */
export interface Quorum {
  /** Name of the members in messages. */
  members: string;
  /** The setting with their number, and the number. */
  path: string;
  count: number;
  /** The component that they belong to, for scheduling. */
  component: PlacedComponent;
  /** Namespace and name of their StatefulSet. */
  namespace: string;
  workload: string;
  /** Number of lost members that writes and reads tolerate. */
  tolerated: { writes: number; reads: number };
}

/** Tolerated losses of a ring: https://github.com/grafana/dskit/blob/main/ring/replication_strategy.go */
const ofRing = (replicationFactor: number) => {
  const reads = Math.floor(replicationFactor / 2);
  return { writes: replicationFactor - reads - 1, reads };
};

/** Tolerated losses of an erasure set; a write needs one more drive than a read if half of the drives are parity. */
const ofErasureSet = (servers: number) => {
  const { drives, parity } = erasureSet(servers);
  return { writes: parity * 2 === drives ? parity - 1 : parity, reads: parity };
};

/** All quorums of a stack. */
export function quorums(settings: Settings): Quorum[] {
  const { loki, mimir, tempo, objectStorage, kubePrometheusStack: kps } = settings;
  const ingesters = (store: "loki" | "mimir" | "tempo", members: string): Quorum => ({
    members,
    path: `${store}.ingester.replicas`,
    count: settings[store].ingester.replicas,
    component: store,
    namespace: namespaces(settings)[store],
    workload: `${releases[store]}-ingester`,
    tolerated: ofRing({ loki, mimir, tempo }[store].replicationFactor),
  });
  const anyOne = (count: number) => ({ writes: count - 1, reads: count - 1 });
  const ofOperator = (kind: "prometheus" | "alertmanager", members: string): Quorum => ({
    members,
    path: `kubePrometheusStack.${kind}.replicas`,
    count: kps[kind].replicas,
    component: "kps",
    namespace: namespaces(settings).monitoring,
    workload: `${kind}-${prefixed(settings, releases.kubePrometheusStack)}-${kind}`,
    tolerated: anyOne(kps[kind].replicas),
  });
  const { servers, mode } = objectStorage.minio;
  const all: Quorum[] = [
    ...(objectStorage.kind === "minio"
      ? [
          {
            members: "MinIO servers",
            path: "objectStorage.minio.servers",
            count: servers,
            component: "minio" as const,
            namespace: namespaces(settings).minio,
            workload: minio.release,
            tolerated: mode === "standalone" ? { writes: 0, reads: 0 } : ofErasureSet(servers),
          },
        ]
      : []),
    ingesters("loki", "Loki ingesters"),
    ingesters("mimir", "Mimir ingesters"),
    ingesters("tempo", "Tempo ingesters"),
    {
      members: "Mimir store-gateways",
      path: "mimir.storeGateway.replicas",
      count: mimir.storeGateway.replicas,
      component: "mimir",
      namespace: namespaces(settings).mimir,
      workload: `${releases.mimir}-store-gateway`,
      tolerated: {
        writes: mimir.storeGateway.replicas,
        reads: Math.min(mimir.replicationFactor, mimir.storeGateway.replicas) - 1,
      },
    },
    {
      members: "Mimir Alertmanagers",
      path: "mimir.alertmanager.replicas",
      count: mimir.alertmanager.replicas,
      component: "mimir",
      namespace: namespaces(settings).mimir,
      workload: `${releases.mimir}-alertmanager`,
      tolerated: ofRing(Math.min(mimir.replicationFactor, mimir.alertmanager.replicas)),
    },
    ofOperator("prometheus", "Prometheus replicas"),
    ofOperator("alertmanager", "Alertmanagers"),
  ];
  return all.filter(({ path }) => installs(settings, path));
}
