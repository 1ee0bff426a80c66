import { daysText, daysUntilFull, type Growth } from "../../../../settings/forecast";
import { longestRetention } from "../../../../settings/retention";
import { day, sizeText } from "../../../../settings/units";
import { queryPrometheus, type Sample } from "../../../lib/prometheus";
import { queries, warnBelow } from "../../storage";
import { type Check, type Finding, findingIn } from "../check";

/** Samples, one every 5 minutes, that a forecast needs: 6 hours. */
const enough = 72;

/** When the growth fills the free capacity; nothing if retention deletes as much before. */
export function judgeForecast(growing: Growth[], free: number): Finding[] {
  const days = daysUntilFull(growing, free);
  if (days === undefined) return [];
  const daily = growing.reduce((total, one) => total + Math.max(0, one.daily), 0);
  return [
    findingIn("storage")[days < warnBelow ? "warning" : "note"](
      `the object storage is full in ${daysText(days)} at the present growth`,
      `the buckets grow by ${sizeText(daily)} a day, and ${sizeText(free)} are free`,
      "raise objectStorage.minio.disk, or shorten a retention",
      "docs/operations/runbooks/MinioStorageFullSoon.md",
    ),
  ];
}

/** Days until MinIO's drives are full at the growth of the last day. */
export const check: Check = {
  name: "storage forecast",
  async look(context) {
    const { kind, buckets } = context.settings.objectStorage;
    if (kind !== "minio") return [];
    const growth = `${queries.growthPerDay} and count_over_time(${queries.bytes}[1d:5m]) >= ${enough}`;
    const [[free], daily = [], held = []] = (await Promise.all(
      [queries.free, growth, queries.bytes].map((promql) => queryPrometheus(context, promql)),
    )) as [Sample[], Sample[], Sample[]];
    if (!free) return [];
    const kept = longestRetention(context.settings);
    const growing = (["loki", "mimirBlocks", "tempo"] as const).flatMap((key) => {
      const of = (samples: Sample[]) =>
        samples.find(({ labels }) => labels["bucket"] === buckets[key].name)?.value;
      const grows = of(daily);
      return grows === undefined ? [] : [{ daily: grows, kept: kept[key] / day, held: of(held) ?? 0 }];
    });
    return judgeForecast(growing, free.value);
  },
};
