/** Instant queries through Grafana. */
import { type Sample, samplesIn } from "../../lib/prometheus";
import type { View } from "./view";

/** Runs an instant query in Mimir. @param time epoch in seconds; now without it */
export async function samplesOf(view: View, query: string, time?: number): Promise<Sample[]> {
  const parameters = new URLSearchParams({ query, ...(time && { time: String(time) }) });
  return samplesIn((await view.json("mimir", `/api/v1/query?${parameters}`)).data);
}
