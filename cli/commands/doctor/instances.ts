/** Pods of the stack's components, and since when they run. */
import type { V1Pod } from "@kubernetes/client-node";

/** Seconds after the start of a pod in which it may still be getting ready: a WAL is replayed, rings are joined. */
export const settling = 180;

/** The pods of a component in a namespace, by the label of the charts of Loki, Mimir and Tempo. */
export const podsOf = (pods: V1Pod[], namespace: string, component: string): V1Pod[] =>
  pods.filter(
    ({ metadata }) =>
      metadata?.namespace === namespace && metadata.labels?.["app.kubernetes.io/component"] === component,
  );

/** Seconds since the last start of a container that runs. */
export function age({ status }: V1Pod, now = Date.now()): number {
  const starts = (status?.containerStatuses ?? []).map(({ state }) => Number(state?.running?.startedAt ?? 0));
  return (now - Math.max(0, ...starts)) / 1000;
}
