/** MinIO's pods, as the target of connections. */
import { minio, namespaces } from "../../names";
import type { Settings } from "../../settings";
import type { PodPort } from "../port-forward";

/** MinIO's API, as the target of a port-forward. */
export const minioApi = (settings: Settings) =>
  ({
    namespace: namespaces(settings).minio,
    selector: `app=minio,release=${minio.release}`,
    port: minio.apiPort,
    served: "minio",
  }) satisfies PodPort;
