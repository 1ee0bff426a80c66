/** Queries of MinIO's metrics. */

/** Bytes that each bucket grows by in a day, at the growth of the last day. */
export const growthPerDay = "deriv(max by (bucket) (minio_bucket_usage_total_bytes)[1d:5m]) * 86400";
