/** All dashboards, by the folder of Grafana in which they lie. */
import { clusterOverview } from "./cluster-overview";
import { containers } from "./containers";
import type { Dashboard } from "./kit";
import { minio } from "./minio";
import { namespaces } from "./namespaces";
import { postgresql } from "./postgresql";
import { services } from "./services";

export const dashboards: Record<string, Dashboard[]> = {
  Observability: [minio],
  Cluster: [clusterOverview, containers],
  Applications: [namespaces, services, postgresql],
};
