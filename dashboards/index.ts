/** All dashboards, by the folder of Grafana in which they lie. */
import type { Dashboard } from "./kit";
import { minio } from "./minio";

export const dashboards: Record<string, Dashboard[]> = {
  Observability: [minio],
};
