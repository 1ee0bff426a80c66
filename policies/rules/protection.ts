/** Protection from accidental deletion. */
import { inProd, type SubjectRule } from "../rule";

/** Kinds that hold data, or whose deletion also deletes data. */
const stateful = ["Namespace", "S3Bucket", "PersistentVolumeClaim"];
/** Secrets with keys without which existing data is unreadable. */
const keys = ["minio-encryption"];

export const statefulProtected: SubjectRule = {
  id: "stateful-protected",
  requires:
    "In production, namespaces, buckets, volumes and the encryption key have deletion protection (cluster.protect).",
  why: "a renamed resource or a wrong stack would delete the data",
  level: inProd,
  check: ({ kind, name, protect }) =>
    // Rendered objects belong to Helm, which has no such option.
    protect === false && (stateful.includes(kind) || (kind === "Secret" && keys.includes(name)))
      ? [
          {
            what: "it is not protected",
            fix: "Set cluster.protect to true. To delete the stack, run up with --no-policies.",
          },
        ]
      : [],
};
