/** Durations as Prometheus and Go write them: https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations */
const seconds: Record<string, number> = {
  y: 31_536_000,
  w: 604_800,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
};

/** A duration such as `30d` or `720h0m0s`, in seconds. @throws if it is none */
export function secondsOf(text: string): number {
  const parts = [...String(text).matchAll(/(\d+(?:\.\d+)?)(ms|[ywdhms])/g)];
  if (parts.map(([part]) => part).join("") !== String(text) || !parts.length)
    throw new Error(`"${text}" is no duration`);
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (seconds[unit ?? ""] ?? 0), 0);
}
