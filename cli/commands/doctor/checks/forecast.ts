import { daysText } from "../../../../settings/forecast";
import { sizeText } from "../../../../settings/units";
import { measure, type reportOf, warnBelow } from "../../storage";
import { type Check, type Finding, findingIn } from "../check";

/** What is full first, if that is soon: the quota of a bucket, or the volumes, which all buckets share. */
export function judgeForecast(buckets: ReturnType<typeof reportOf>, free: number | undefined): Finding[] {
  const [first] = buckets
    .filter(({ daysUntilFull = Infinity }) => daysUntilFull < warnBelow)
    .sort((a, b) => (a.daysUntilFull ?? 0) - (b.daysUntilFull ?? 0));
  if (!first) return [];
  const { bucket, daysUntilFull = 0, growthPerDay = 0, quota } = first;
  const ofAll = buckets.reduce((total, one) => total + Math.max(0, one.growthPerDay ?? 0), 0);
  return [
    findingIn("storage").warning(
      `${quota ? `bucket ${bucket}` : "the object storage"} is full in ${daysText(daysUntilFull)} at the present growth`,
      quota
        ? `it grows by ${sizeText(growthPerDay)} a day, and its quota is ${sizeText(quota)}`
        : `the buckets grow by ${sizeText(ofAll)} a day, and ${sizeText(free ?? 0)} are free`,
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
