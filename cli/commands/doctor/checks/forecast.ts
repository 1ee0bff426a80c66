import { daysText } from "../../../../settings/forecast";
import { sizeText } from "../../../../settings/units";
import { measure, type reportOf, warnBelow } from "../../storage";
import { type Check, type Finding, findingIn } from "../check";

/** The bucket that is full first, if that is soon. */
export function judgeForecast(buckets: ReturnType<typeof reportOf>, free: number | undefined): Finding[] {
  const [first] = buckets
    .filter(({ daysUntilFull = Infinity }) => daysUntilFull < warnBelow)
    .sort((a, b) => (a.daysUntilFull ?? 0) - (b.daysUntilFull ?? 0));
  if (!first) return [];
  const { bucket, daysUntilFull = 0, growthPerDay = 0, quota } = first;
  return [
    findingIn("storage").warning(
      `bucket ${bucket} is full in ${daysText(daysUntilFull)} at the present growth`,
      `it grows by ${sizeText(growthPerDay)} a day; ${sizeText(free ?? 0)} are free${quota ? `, its quota is ${sizeText(quota)}` : ""}; ./obs storage`,
      "raise objectStorage.minio.disk or the quota of the bucket, or shorten a retention",
      "docs/operations/runbooks/MinioStorageFullSoon.md",
    ),
  ];
}

/** Days until MinIO's buckets are full at the growth of the last day. */
export const check: Check = {
  name: "storage forecast",
  async look(context) {
    if (context.settings.objectStorage.kind !== "minio") return [];
    const { buckets, free } = await measure(context);
    return judgeForecast(buckets, free);
  },
};
