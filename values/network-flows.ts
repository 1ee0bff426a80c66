/**
 * All connections that the stack needs, in one table: source, destination, and ports of the pod. The NetworkPolicies
 * and docs/reference/connections.md are generated from it.
 */
import {
  consumers,
  gatewayAccess,
  gatewayUrls,
  type Store,
  smokeTest,
  storageEndpoint,
  stores,
  webhookPort,
} from "../names";
import type { Settings } from "../settings";
import { insideCluster } from "../settings/cold-tier";
import {
  grafanaAddresses,
  heartbeatAddresses,
  leaving,
  portOf,
  receiverAddresses,
  sideOf,
} from "./network-outside";
import type { Flow, PartName } from "./network-parts";
import { hasKeys } from "./object-storage";
import { probedCertificates } from "./probed-certificates";

/** Metrics ports of each part. */
const metricsPorts: Partial<Record<PartName, number[]>> = {
  minio: [9000],
  loki: [3100, 9150], // 9150: its caches
  mimir: [8080, 9150],
  tempo: [3200],
  alloyLogs: [12345],
  alloyMetrics: [12345],
  alloyTraces: [12345],
  grafana: [3000],
  prometheus: [9090, 8080],
  alertmanager: [9093, 8080],
  prometheusOperator: [webhookPort],
  kubeStateMetrics: [8080, 8081],
  cadvisor: [8080],
  opentelemetryOperator: [8443],
  collector: [8888],
};

/** Ports for traces from applications. */
const tracePorts = [4317, 4318, 14250, 14268, 9411];
const gatewayPort = 8080;
const gateways = { loki: "lokiGateway", mimir: "mimirGateway", tempo: "tempoGateway" } as const;

/** A server by its URL. The port of a Service may differ from that of its pods, which a policy needs. */
const toServer = (url: string): Pick<Flow, "to" | "ports"> =>
  insideCluster(url) ? { to: sideOf(url), ports: "all" } : { to: "anywhere", ports: [portOf(url)] };

/** Every connection that a stack with these settings needs. */
export function flows(settings: Settings): Flow[] {
  const { objectStorage } = settings;
  const apiServer = settings.network.apiServerPorts;
  const urls = gatewayUrls(settings);
  const toGateway = (store: Store): Pick<Flow, "to" | "ports"> => {
    if (!settings.hub) return { to: gateways[store], ports: [gatewayPort] };
    const own = urls[store];
    return toServer(insideCluster(own) ? own : (settings.network.proxy?.url ?? own));
  };
  const talkToApiServer: PartName[] = [
    "alloyMetrics",
    "alloyTraces",
    "grafana",
    "monitoring",
    "opentelemetryOperator",
    "collector",
    "autoscaling",
  ];
  const s3: Flow[] = [...consumers, "backup" as const].map((consumer) =>
    objectStorage.kind === "minio"
      ? { from: consumer, to: "minio", ports: [9000], why: "objects" }
      : { from: consumer, ...toServer(storageEndpoint(settings)), why: "objects" },
  );
  // Tokens for the cloud: from its public endpoints, or from a metadata service of the node.
  const identity: Flow[] = hasKeys(settings)
    ? []
    : consumers.flatMap((from): Flow[] => [
        { from, to: "anywhere", ports: [443], why: "cloud identity" },
        { from, to: "metadata", ports: [80, 988], why: "cloud identity" },
      ]);
  const copy = settings.backups.destination?.endpoint;
  const { coldTier } = objectStorage.minio;
  return [
    ...s3,
    ...identity,
    ...(objectStorage.kind === "minio"
      ? [{ from: "minio", to: "minio", ports: [9000], why: "objects, between servers" } satisfies Flow]
      : []),
    ...(objectStorage.kind === "minio" && coldTier
      ? [
          {
            from: "minio",
            ...toServer(coldTier.endpoint),
            why: "cold tier",
          } satisfies Flow,
        ]
      : []),
    ...(copy
      ? (["backup", "grafanaBackup"] as const).map(
          (from): Flow => ({
            from,
            ...toServer(copy),
            why: "backups",
          }),
        )
      : []),
    // Inside a store: its components, rings and caches.
    ...stores.map(
      (store): Flow => ({ from: store, to: store, ports: "all", why: "components, ring, caches" }),
    ),
    { from: "alloyLogs", ...toGateway("loki"), why: "logs" },
    ...(settings.alloyMetrics.kubernetesEvents
      ? [{ from: "alloyMetrics", ...toGateway("loki"), why: "events" } satisfies Flow]
      : []),
    { from: "alloyMetrics", ...toGateway("mimir"), why: "metrics, rules" },
    { from: "alloyMetrics", to: "alloyMetrics", ports: [12345], why: "replicas share the targets" },
    { from: "alloyMetrics", to: "pods", ports: "all", why: "scrape targets" },
    { from: "alloyMetrics", to: "nodes", ports: "all", why: "kubelets, node-exporter" },
    { from: "alloyMetrics", to: "kubeStateMetrics", ports: [8080], why: "object state" },
    { from: "alloyMetrics", to: "cadvisor", ports: [8080], why: "containers" },
    {
      from: "alloyMetrics",
      to: "prometheus",
      ports: [9090, 8080],
      why: "metrics that Prometheus also scrapes",
    },
    {
      from: "alloyMetrics",
      to: "alertmanager",
      ports: [9093, 8080],
      why: "metrics that Prometheus also scrapes",
    },
    ...probedCertificates(settings).map(
      ({ to, port }): Flow => ({ from: "alloyMetrics", to, ports: [port], why: "certificate expiry" }),
    ),
    { from: "prometheus", to: "mimirGateway", ports: [gatewayPort], why: "remote write" },
    { from: "prometheus", to: "alertmanager", ports: [9093], why: "alerts" },
    { from: "prometheus", to: "pods", ports: "all", why: "scrape targets" },
    { from: "prometheus", to: "nodes", ports: "all", why: "kubelets, node-exporter, the control plane" },
    {
      from: "alertmanager",
      to: "alertmanager",
      ports: [9094],
      udp: true,
      why: "deduplication of notifications",
    },
    ...(["alertmanager", "mimirAlertmanager"] as const).flatMap((from): Flow[] => [
      ...leaving(from, [...receiverAddresses(settings), ...heartbeatAddresses(settings)], "receivers"),
      { from, to: "smokeTest", ports: [smokeTest.receiverPort], why: "smoke test alert" },
    ]),
    { from: "pods", to: "alloyTraces", ports: tracePorts, why: "OTLP, Jaeger, Zipkin from applications" },
    { from: "pods", to: "collector", ports: [4317, 4318], why: "OTLP from applications" },
    { from: "collector", to: "alloyTraces", ports: [4317], why: "OTLP" },
    { from: "alloyTraces", to: "alloyTraces", ports: [4319], why: "spans of one trace, to one replica" },
    { from: "alloyTraces", ...toGateway("tempo"), why: "traces" },
    { from: "alloyTraces", ...toGateway("mimir"), why: "OTLP metrics, span metrics" },
    { from: "alloyTraces", ...toGateway("loki"), why: "OTLP logs" },
    { from: "tempoMetricsGenerator", to: "mimirGateway", ports: [gatewayPort], why: "span metrics" },
    ...stores.map(
      (store): Flow => ({ from: "grafana", to: gateways[store], ports: [gatewayPort], why: "queries" }),
    ),
    { from: "grafana", to: "prometheus", ports: [9090], why: "queries" },
    { from: "grafana", to: "alertmanager", ports: [9093], why: "alerts" },
    { from: "grafana", to: "grafana", ports: [9094], udp: true, why: "deduplication of notifications" },
    ...leaving("grafana", grafanaAddresses(settings), "plugins, identity provider, receivers"),
    ...talkToApiServer.map(
      (part): Flow => ({ from: part, to: "nodes", ports: apiServer, why: "the Kubernetes API" }),
    ),
    // The API servers of GKE and AKS, for example, connect through pods of konnectivity.
    ...(["nodes", "namespace:kube-system"] as const).flatMap((from): Flow[] => [
      { from, to: "prometheusOperator", ports: [webhookPort], why: "webhook for rules" },
      { from, to: "opentelemetryOperator", ports: [webhookPort], why: "webhook for instrumentation" },
      { from, to: "autoscaling", ports: [8000, webhookPort], why: "metrics APIs and webhooks" },
    ]),
    { from: "autoscaling", to: "autoscaling", ports: [9666], why: "KEDA's operator and metrics server" },
    { from: "autoscaling", to: "nodes", ports: [10250], why: "CPU of pods, from kubelets" },
    { from: "autoscaling", to: "mimirGateway", ports: [gatewayPort], why: "number of scrape targets" },
    ...stores.flatMap((store): Flow[] =>
      (["clients", "ingress"] as const).map((from) => ({
        from,
        to: gateways[store],
        ports: [gatewayPort],
        why: "clients with gateway credentials",
      })),
    ),
    // kube-proxy replaces the source address of connections to a node port or load balancer with that of a node.
    ...(settings.access.service
      ? stores.flatMap((store): Flow[] =>
          (["anywhere", "nodes"] as const).map((from) => ({
            from,
            to: gateways[store],
            ports: [gatewayAccess.tlsPort],
            why: "agents",
          })),
        )
      : []),
    { from: "ingress", to: "grafana", ports: [3000], why: "users" },
    ...(settings.otlp.ingress
      ? [
          {
            from: "ingress",
            to: "alloyTraces",
            ports: [4318],
            why: "OTLP from outside the cluster",
          } satisfies Flow,
        ]
      : []),
    ...([settings.hub ? "alloyMetrics" : "prometheus", "scrapers"] as const).flatMap((from) =>
      (Object.entries(metricsPorts) as [PartName, number[]][]).map(
        ([to, ports]): Flow => ({ from, to, ports, why: "the stack's own metrics" }),
      ),
    ),
  ];
}
