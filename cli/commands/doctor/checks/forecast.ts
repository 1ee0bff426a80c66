import { daysText, daysUntilFull, type Growth } from "../../../../settings/forecast";
import { longestRetention } from "../../../../settings/retention";
import { day, sizeText } from "../../../../settings/units";
import { queries, warnBelow } from "../../storage/report";
import type { Check, Context, Finding } from "../check";
import { query } from "../prometheus";

/** Samples, one every 5 minutes, below which a growth says little of a day: 6 hours. */
const enough = 72;

/** When what grows fills what is free; nothing where retention deletes as much before. */
export function judgeForecast(growing: Growth[], free: number): Finding[] {
  const days = daysUntilFull(growing, free);
  if (days === undefined) return [];
  const daily = growing.reduce((total, one) => total + Math.max(0, one.daily), 0);
  return [
    {
      severity: days < warnBelow ? "warning" : "note",
      layer: "storage",
      what: `the object storage is full in ${daysText(days)} at the present growth`,
      evidence: `the buckets grow by ${sizeText(daily)} a day, and ${sizeText(free)} are free`,
      fix: "raise objectStorage.minio.disk, or shorten a retention",
      page: "docs/operations/runbooks/MinioStorageFullSoon.md",
    },
  ];
}

/** What each bucket holds and grows by, and for how long its store keeps it. */
async function growing(context: Context): Promise<Growth[]> {
  const { buckets } = context.settings.objectStorage;
  const kept = longestRetention(context.settings);
  const [grown = [], held = []] = await Promise.all([
    query(context, `${queries.growthPerDay} and count_over_time(${queries.bytes}[1d:5m]) >= ${enough}`),
    query(context, queries.bytes),
  ]);
  return (["loki", "mimirBlocks", "tempo"] as const).flatMap((key) => {
    const of = (samples: typeof grown) =>
      samples.find(({ labels }) => labels["bucket"] === buckets[key].name)?.value;
    const daily = of(grown);
    return daily === undefined ? [] : [{ daily, kept: kept[key] / day, held: of(held) ?? 0 }];
  });
}

/** How long MinIO's drives last at the growth of the last day, as Prometheus has it. */
export const check: Check = {
  name: "storage forecast",
  async look(context) {
    if (context.settings.objectStorage.kind !== "minio") return [];
    const [free] = (await query(context, queries.free)) ?? [];
    return free ? judgeForecast(await growing(context), free.value) : [];
  },
};
