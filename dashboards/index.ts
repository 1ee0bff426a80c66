/** All dashboards, by the folder of Grafana in which they lie. */

import { alloyHealth } from "./alloy";
import { clusterOverview } from "./cluster-overview";
import { containers } from "./containers";
import { cost } from "./cost";
import type { Dashboard } from "./kit";
import { lokiOperations } from "./loki-operations";
import { longRange } from "./long-range";
import { mimirOperations } from "./mimir-operations";
import { minio } from "./minio";
import { namespaces } from "./namespaces";
import { postgresql } from "./postgresql";
import { services } from "./services";
import { stackHealth } from "./stack-health";
import { tempoOperations } from "./tempo-operations";

export const dashboards: Record<string, Dashboard[]> = {
  Observability: [stackHealth, lokiOperations, mimirOperations, tempoOperations, minio, alloyHealth, cost],
  Cluster: [clusterOverview, containers, longRange],
  Applications: [namespaces, services, postgresql],
};
