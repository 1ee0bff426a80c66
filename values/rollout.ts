/** How long Helm waits for a release, from how long its slowest rollout may take. */
import { releases } from "../names";
import type { Settings } from "../settings";

/** Seconds that a pod may take to become ready: image pull, scheduling; and with a volume its attachment and the replay of a WAL. */
const startsWithin = { volume: 300, noVolume: 60 };
/** Seconds in which Kubernetes ends a pod that does not say how long it takes. */
const usualGrace = 30;
/** Seconds for everything else in a release: hooks, Deployments, which replace several pods at a time. */
const least = 600;

/** Seconds that an Alloy which stops may take to send what it holds: https://grafana.com/docs/alloy/latest/reference/components/prometheus/prometheus.remote_write/ */
export const alloyGrace = 90;

/** Pods that are replaced one after the other. */
const oneByOne = (pods: number, grace = usualGrace, volume: keyof typeof startsWithin = "volume"): number =>
  pods * (grace + startsWithin[volume]);

/** A DaemonSet replaces a tenth of its pods at a time, so that it takes ten steps on any number of nodes from ten. */
const daemonSet = (grace?: number) => oneByOne(10, grace, "noVolume");

function rollouts(settings: Settings): Partial<Record<string, number[]>> {
  const { loki, mimir, tempo, alloyMetrics, alloyTraces, grafana, objectStorage } = settings;
  return {
    [releases.minio]: [oneByOne(objectStorage.minio.servers)],
    [releases.loki]: [oneByOne(loki.ingester.replicas, loki.shutdown)],
    [releases.mimir]: [mimir.ingester, mimir.storeGateway, mimir.alertmanager, mimir.compactor].map(
      ({ replicas }) => oneByOne(replicas, mimir.shutdown),
    ),
    [releases.tempo]: [oneByOne(tempo.ingester.replicas, tempo.shutdown)],
    [releases.grafana]: [oneByOne(grafana.replicas)],
    [releases.alloyLogs]: [daemonSet(alloyGrace)],
    [releases.alloyMetrics]: [
      oneByOne(Math.max(alloyMetrics.replicas, alloyMetrics.maxReplicas), alloyGrace, "noVolume"),
    ],
    [releases.alloyTraces]: [oneByOne(alloyTraces.replicas, alloyGrace)],
    [releases.kubePrometheusStack]: [daemonSet()],
  };
}

/** Seconds that Helm waits for a release; each of its StatefulSets and DaemonSets rolls by itself. */
export const releaseTimeout = (settings: Settings, release: string): number =>
  Math.max(least, ...(rollouts(settings)[release] ?? []));
