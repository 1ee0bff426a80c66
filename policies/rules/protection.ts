/** What must not be deleted by mistake. */
import { inProd, type SubjectRule } from "../rule";

/** Kinds that hold data, or whose going takes data along. */
const stateful = ["Namespace", "S3Bucket", "PersistentVolumeClaim"];
/** Secrets and keys without which data that is there can no longer be read. */
const keys = ["minio-encryption"];

export const statefulProtected: SubjectRule = {
  id: "stateful-protected",
  asks: "In production, namespaces, buckets, volumes and the encryption key have deletion protection (cluster.protect).",
  why: "a renamed resource or a wrong stack would delete the data",
  level: inProd,
  check: ({ kind, name, protect }) =>
    // Rendered objects are Helm's, which has no such option.
    protect === false && (stateful.includes(kind) || (kind === "Secret" && keys.includes(name)))
      ? [{ what: "it is not protected", fix: "Set cluster.protect to true." }]
      : [],
};
