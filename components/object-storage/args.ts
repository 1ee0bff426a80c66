import type { ComponentArgs } from "../args";
import type { Gate } from "./gate";
import type { Found } from "./preflight";

export interface ObjectStorageArgs extends ComponentArgs {
  /** The way to MinIO; needed when `objectStorage.kind` is `minio`. */
  gate: Gate | undefined;
  /** What an earlier run left, as the preflight saw it. */
  found: Found | undefined;
}
