import type { Fault } from "../fault";
import { fieldFault } from "../fault";

/** Tempo's Secret has a key that MinIO does not accept; its pods would read it after a restart. */
export const fault: Fault = {
  name: "wrong-bucket-key",
  ...fieldFault(
    { apiVersion: "v1", kind: "Secret", metadata: { name: "tempo-s3", namespace: "tempo" } },
    ["data", "S3_SECRET_KEY"],
    () => Buffer.from("no-such-key").toString("base64"),
  ),
  expected: /secret key in Secret tempo\/tempo-s3 is wrong/,
  page: "docs/operations/runbooks/ObjectStorageUnreachable.md",
};
