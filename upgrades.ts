/**
 * Known facts about newer versions of the charts: how far to upgrade, breaking changes, and support periods.
 * Data only; `./obs upgrade --check` reports it, docs/guides/upgrades.md has the procedure.
 */
import type pins from "./charts.json";

/** A fact about a chart from some version on. */
export interface Note {
  chart: keyof typeof pins;
  /** First version of the chart, or of its application, that it applies to. @default every version */
  from?: { chart: string } | { app: string };
  /** Whether the project stays below that version until its own code is adapted. */
  limit?: true;
  /** The change. */
  what: string;
  /** The required action. */
  todo: string;
  /** Source of the information. */
  link: string;
}

const community = "https://github.com/grafana-community/helm-charts/tree/main/charts";

/** Upgrade notes of each chart's maintainers. */
export const guides: Record<keyof typeof pins, string> = {
  minio: "https://github.com/minio/minio/tree/master/helm/minio",
  loki: `${community}/loki#upgrading`,
  alloy: "https://github.com/grafana/alloy/blob/main/operations/helm/charts/alloy/CHANGELOG.md",
  "mimir-distributed":
    "https://github.com/grafana/mimir/blob/main/operations/helm/charts/mimir-distributed/CHANGELOG.md",
  "prometheus-operator-crds":
    "https://github.com/prometheus-community/helm-charts/tree/main/charts/prometheus-operator-crds",
  "kube-prometheus-stack":
    "https://github.com/prometheus-community/helm-charts/blob/main/charts/kube-prometheus-stack/UPGRADE.md",
  "tempo-distributed": `${community}/tempo-distributed#upgrading`,
  "opentelemetry-operator":
    "https://github.com/open-telemetry/opentelemetry-helm-charts/blob/main/charts/opentelemetry-operator/UPGRADING.md",
  grafana: `${community}/grafana#upgrading`,
  "metrics-server":
    "https://github.com/kubernetes-sigs/metrics-server/blob/master/charts/metrics-server/CHANGELOG.md",
  keda: "https://github.com/kedacore/keda/blob/main/CHANGELOG.md",
  "vertical-pod-autoscaler":
    "https://github.com/kubernetes/autoscaler/tree/master/vertical-pod-autoscaler/charts/vertical-pod-autoscaler",
};

export const notes: Note[] = [
  {
    chart: "minio",
    what: "the chart and the server are no longer maintained; no newer version is expected",
    todo: "stay on this version with an image that gets security fixes (objectStorage.minio.image), or move to your own S3 (objectStorage.kind: external)",
    link: "https://github.com/minio/minio",
  },
  {
    chart: "loki",
    from: { app: "4.0" },
    limit: true,
    what: "Loki 4 has no boltdb-shipper: data with that index becomes unreadable",
    todo: "add a tsdb period to loki.schema, wait until the retention of all older data has expired, and raise this limit",
    link: "https://github.com/grafana/loki/issues/21551",
  },
  {
    chart: "mimir-distributed",
    what: "stacks upgrade by one minor version at a time",
    todo: "in the change that moves the pin to another minor version, add the old version and its image to steps in charts.json",
    link: guides["mimir-distributed"],
  },
  {
    chart: "mimir-distributed",
    from: { chart: "7.0" },
    limit: true,
    what: "upstream has announced that it deprecates the classic architecture, which this project uses, in a future release",
    todo: "read the migration guide, render the chart with the values of values/mimir.ts, and raise this limit",
    link: "https://grafana.com/docs/mimir/latest/get-started/about-grafana-mimir-architecture/about-classic-architecture/",
  },
  {
    chart: "tempo-distributed",
    from: { chart: "3.0" },
    limit: true,
    what: "ingester and compactor are removed; Tempo 3 requires Kafka and runs block-builders, live stores and a backend scheduler",
    todo: "stay on 2.x; Tempo 3 needs a new architecture of components/tempo.ts and its settings, not an upgrade",
    link: `${community}/tempo-distributed#upgrading`,
  },
  {
    chart: "kube-prometheus-stack",
    what: "it needs the CRDs of its own operator version, and Helm never upgrades CRDs inside a chart",
    todo: "upgrade prometheus-operator-crds in the same change, to the version with the same application version",
    link: guides["kube-prometheus-stack"],
  },
  {
    chart: "prometheus-operator-crds",
    what: "its version must match kube-prometheus-stack",
    todo: "upgrade both in the same change, to versions with the same application version",
    link: guides["prometheus-operator-crds"],
  },
  {
    chart: "opentelemetry-operator",
    what: "below 1.0 each minor version may have breaking changes; the chart rejects unknown keys",
    todo: "render it first: Helm reports removed keys. Pods keep their agents until they are recreated",
    link: guides["opentelemetry-operator"],
  },
  {
    chart: "grafana",
    what: "Grafana's database migrations are one-way: an older Grafana may not start on a migrated database",
    todo: "back up its database first (the volume, or PostgreSQL); a rollback needs that backup",
    link: "https://grafana.com/docs/grafana/latest/upgrade-guide/",
  },
];

/** Support period of a minor version of a program. */
export interface Support {
  /** Its image, without the registry. */
  image: string;
  /** Major and minor version. */
  line: string;
  /** The last day of support. */
  until: string;
  /**
   * Whether upstream published that date. Otherwise it is the date on which this table has to be checked
   * again.
   */
  published: boolean;
  /** Upstream's support policy. */
  link: string;
}

const mimirPolicy = "https://github.com/grafana/mimir/blob/main/RELEASE.md";

/** The release lines of images that charts.json and images.json pin, oldest first; older lines get no fixes. */
export const support: Support[] = [
  // The last fix; upstream now patches the newest four minor versions.
  { image: "grafana/mimir", line: "2.16", until: "2025-09-30", published: true, link: mimirPolicy },
  { image: "grafana/mimir", line: "2.17", until: "2026-12-31", published: false, link: mimirPolicy },
  { image: "grafana/mimir", line: "3.0", until: "2027-03-31", published: false, link: mimirPolicy },
  { image: "grafana/mimir", line: "3.1", until: "2027-03-31", published: false, link: mimirPolicy },
  { image: "grafana/mimir", line: "3.2", until: "2027-03-31", published: false, link: mimirPolicy },
  {
    image: "grafana/loki",
    line: "3.7",
    until: "2027-03-31",
    published: false,
    link: "https://grafana.com/docs/loki/latest/release-notes/cadence/",
  },
  {
    image: "grafana/tempo",
    line: "2.10",
    until: "2027-04-26",
    published: true,
    link: "https://github.com/grafana/tempo/blob/main/docs/sources/tempo/set-up-for-tracing/setup-tempo/recommended-versions.md",
  },
  {
    image: "grafana/grafana",
    line: "13.2",
    until: "2027-03-31",
    published: false,
    link: "https://grafana.com/docs/grafana/latest/upgrade-guide/when-to-upgrade/",
  },
  {
    image: "grafana/alloy",
    line: "1.20",
    until: "2027-01-31",
    published: false,
    link: "https://github.com/grafana/alloy/releases",
  },
  {
    image: "nginxinc/nginx-unprivileged",
    line: "1.30",
    until: "2027-04-30",
    published: false,
    link: "https://nginx.org/en/download.html",
  },
];
