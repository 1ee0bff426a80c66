/** MinIO's pods: where a connection to them goes. */
import { minio, namespaces } from "../../names";

/** MinIO's API, as the target of a port-forward. */
export const minioApi = {
  namespace: namespaces.minio,
  selector: `app=minio,release=${minio.release}`,
  port: minio.apiPort,
  served: "minio" as const,
};
