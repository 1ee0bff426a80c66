/** All dashboards, by their Grafana folder. */

import { alloyHealth } from "./alloy";
import { applications } from "./applications";
import { autoscaling } from "./autoscaling";
import { clusterOverview } from "./cluster-overview";
import { clusters } from "./clusters";
import { containers } from "./containers";
import { cost } from "./cost";
import type { Dashboard } from "./kit";
import { logExplorer } from "./logs";
import { lokiOperations } from "./loki-operations";
import { longRange } from "./long-range";
import { mimirOperations } from "./mimir-operations";
import { minio } from "./minio";
import { postgresql } from "./postgresql";
import { services } from "./services";
import { slo } from "./slo";
import { stackHealth } from "./stack-health";
import { tempoOperations } from "./tempo-operations";

export const dashboards: Record<string, Dashboard[]> = {
  Observability: [
    stackHealth,
    slo,
    lokiOperations,
    mimirOperations,
    tempoOperations,
    minio,
    alloyHealth,
    cost,
  ],
  Cluster: [clusterOverview, clusters, containers, autoscaling, longRange],
  Applications: [applications, services, logExplorer, postgresql],
};
