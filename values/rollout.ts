/** Helm's timeout for a release, from the duration of its slowest rollout. */
import { releases } from "../names";
import type { Settings } from "../settings";

/** Seconds until a pod is ready: image pull and scheduling; with a volume also its attachment and the replay of a WAL. */
const startsWithin = { volume: 300, noVolume: 60 };
/** Default termination grace period of Kubernetes, in seconds. */
const usualGrace = 30;
/** Seconds for everything else in a release: hooks, and Deployments, which replace several pods at a time. */
const least = 600;

/**
 * Seconds that a terminating Alloy may take to send its buffered samples:
 * https://grafana.com/docs/alloy/latest/reference/components/prometheus/prometheus.remote_write/
 */
export const alloyGrace = 90;

/** Duration of a rollout that replaces pods one after the other. */
const oneByOne = (pods: number, grace = usualGrace, volume: keyof typeof startsWithin = "volume"): number =>
  pods * (grace + startsWithin[volume]);

/** A DaemonSet replaces a tenth of its pods at a time, so ten steps are enough on ten or more nodes. */
const daemonSet = (grace?: number) => oneByOne(10, grace, "noVolume");

function rollouts(settings: Settings): Partial<Record<string, number[]>> {
  const { loki, mimir, tempo, alloyMetrics, alloyTraces, grafana, objectStorage } = settings;
  return {
    [releases.minio]: [oneByOne(objectStorage.minio.servers)],
    [releases.loki]: [oneByOne(loki.ingester.replicas, loki.shutdown), oneByOne(loki.indexGateway.replicas)],
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

/** Helm's timeout for a release, in seconds; its StatefulSets and DaemonSets roll in parallel. */
export const releaseTimeout = (settings: Settings, release: string): number =>
  Math.max(least, ...(rollouts(settings)[release] ?? []));
