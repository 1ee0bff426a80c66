/**
 * Prod's NetworkPolicies compared with its rendered pods: they allow the connections of the design, and deny all
 * others.
 */
import { expect } from "chai";
import { owner } from "../../names";
import { selects } from "../../policies/selectors";
import { parts } from "../../values/network-parts";
import { namespaces } from "../support/names";
import {
  allows,
  appliesTo,
  type End,
  type Network,
  type Pod,
  type Policy,
  type Port,
} from "../support/network";
import { ofKind } from "../support/objects";
import { type KubernetesObject, type RenderedStack, renderStack, workloads } from "../support/rendered";
import { needsCharts } from "../support/tools";

/** A pod of the stack, named `namespace/workload`. */
interface Named extends Pod {
  name: string;
  /** Its ports by name. */
  named: Record<string, number>;
  hostNetwork: boolean;
}

/** Pods that operators create, with their labels. */
const operated: Named[] = [
  {
    ...{
      name: "monitoring/prometheus",
      namespace: "monitoring",
      named: { "http-web": 9090, "reloader-web": 8080 },
    },
    labels: { "app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": "kps-prometheus" },
  },
  {
    ...{ name: "monitoring/alertmanager", namespace: "monitoring" },
    named: { "http-web": 9093, "reloader-web": 8080, "mesh-tcp": 9094 },
    labels: { "app.kubernetes.io/name": "alertmanager", alertmanager: "kps-alertmanager" },
  },
  {
    ...{ name: "opentelemetry/collector", namespace: "opentelemetry" },
    named: { "otlp-grpc": 4317, "otlp-http": 4318, metrics: 8888 },
    labels: {
      "app.kubernetes.io/component": "opentelemetry-collector",
      "app.kubernetes.io/name": "gateway-collector",
    },
  },
].map((pod) => ({ ...pod, address: "10.244.0.9", hostNetwork: false }) as Named);

const podsOf = (stack: RenderedStack): Named[] => [
  ...workloads(stack).map(({ object, namespace }): Named => {
    const { metadata, spec } = object["spec"].template;
    const within = object.metadata.namespace ?? namespace;
    const ports: { name: string; containerPort: number }[] = spec.containers.flatMap(
      ({ ports = [] }: KubernetesObject) => ports,
    );
    return {
      name: `${within}/${object.metadata.name}`,
      namespace: within,
      labels: metadata.labels,
      address: "10.244.0.8",
      named: Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort])),
      hostNetwork: Boolean(spec.hostNetwork),
    };
  }),
  ...operated,
];

/** Peers outside the stack. */
const outsiders: Record<string, End> = {
  application: { namespace: "shop", labels: { app: "shop" }, address: "10.244.7.7" },
  client: { namespace: "batch", labels: {}, address: "10.244.7.8" },
  controller: { namespace: "ingress-nginx", labels: {}, address: "10.244.7.9" },
  scraper: { namespace: "datadog", labels: {}, address: "10.244.7.10" },
  node: { address: "10.0.0.7" },
  internet: { address: "203.0.113.9" },
};

const config = {
  environment: "prod",
  network: { nodes: ["10.0.0.0/16"], ingressNamespaces: ["ingress-nginx"], scraperNamespaces: ["datadog"] },
};

const gateways = ["loki/loki-gateway", "mimir/mimir-gateway", "tempo/tempo-gateway"];
const traces = [4317, 4318, 14250, 14268, 9411];
/** Ports with the stack's own metrics; `namespace/` is every pod in it. */
const metrics: [string, number[]][] = [
  ["minio/", [9000]],
  ["loki/", [3100, 9150]],
  ["mimir/", [8080, 9150]],
  ["tempo/", [3200]],
  ["alloy-logs/", [12345]],
  ["alloy-metrics/", [12345]],
  ["alloy-traces/", [12345]],
  ["grafana/", [3000]],
  ["monitoring/prometheus", [9090, 8080]],
  ["monitoring/alertmanager", [9093, 8080]],
  ["monitoring/kps-operator", [10250]],
  ["monitoring/kps-kube-state-metrics", [8080, 8081]],
  ["monitoring/cadvisor", [8080]],
  ["opentelemetry/opentelemetry-operator", [8443]],
  ["opentelemetry/collector", [8888]],
];

/** The design: allowed connections and their ports. Written manually, independently of the source of the policies. */
const design: [from: string, to: string, ports: number[] | "all"][] = [
  // Stores: their own components, objects, writers and readers.
  ...["loki/", "mimir/", "tempo/"].map((store): [string, string, "all"] => [store, store, "all"]),
  ...["loki/", "mimir/", "tempo/", "minio/"].map((who): [string, string, number[]] => [
    who,
    "minio/",
    [9000],
  ]),
  ["alloy-logs/", "loki/loki-gateway", [8080]],
  ["alloy-metrics/", "mimir/mimir-gateway", [8080]],
  ["alloy-metrics/", "loki/loki-gateway", [8080]],
  ["alloy-traces/", "tempo/tempo-gateway", [8080]],
  // OTLP metrics and logs.
  ["alloy-traces/", "mimir/mimir-gateway", [8080]],
  ["alloy-traces/", "loki/loki-gateway", [8080]],
  ["monitoring/prometheus", "mimir/mimir-gateway", [8080]],
  ["tempo/tempo-metrics-generator", "mimir/mimir-gateway", [8080]],
  ["autoscaling/", "mimir/mimir-gateway", [8080]],
  ...gateways.flatMap((gateway): [string, string, number[]][] =>
    ["grafana/", "client", "controller"].map((from) => [from, gateway, [8080]]),
  ),
  // Replicas with each other.
  ["alloy-metrics/", "alloy-metrics/", [12345]],
  ["alloy-traces/", "alloy-traces/", [4319]],
  ["monitoring/alertmanager", "monitoring/alertmanager", [9094]],
  ["grafana/", "grafana/", [9094]],
  ["autoscaling/", "autoscaling/", [9666]],
  // Users and alerts.
  ["controller", "grafana/", [3000]],
  ["grafana/", "monitoring/prometheus", [9090]],
  ["grafana/", "monitoring/alertmanager", [9093]],
  ["monitoring/prometheus", "monitoring/alertmanager", [9093]],
  // Traces: from every pod that may connect at all; monitoring may scrape all pods.
  ...["application", "client", "controller", "scraper", "monitoring/prometheus", "alloy-metrics/"].flatMap(
    (from): [string, string, number[]][] => [
      [from, "alloy-traces/", traces],
      [from, "opentelemetry/collector", [4317, 4318]],
    ],
  ),
  ["opentelemetry/collector", "alloy-traces/", [4317]],
  // Metrics.
  ...metrics.flatMap(([to, ports]): [string, string, number[]][] => [
    ["monitoring/prometheus", to, ports],
    ["scraper", to, ports],
  ]),
  ["alloy-metrics/", "monitoring/kps-kube-state-metrics", [8080]],
  ["alloy-metrics/", "monitoring/cadvisor", [8080]],
  ["alloy-metrics/", "monitoring/prometheus", [9090, 8080]],
  ["alloy-metrics/", "monitoring/alertmanager", [9093, 8080]],
  // Expiry of the certificates of webhooks and of Grafana's Ingress.
  ["alloy-metrics/", "monitoring/kps-operator", [10250]],
  ["alloy-metrics/", "opentelemetry/opentelemetry-operator", [10250]],
  ["alloy-metrics/", "internet", [443]],
  ["alloy-metrics/", "node", "all"],
  ["monitoring/prometheus", "node", "all"],
  ...["application", "client", "controller", "scraper"].flatMap((to): [string, string, "all"][] => [
    ["alloy-metrics/", to, "all"],
    ["monitoring/prometheus", to, "all"],
  ]),
  // The API server, which has an address of nodes, and its webhooks and APIs.
  ...["alloy-traces/", "alloy-metrics/", "grafana/", "monitoring/", "opentelemetry/", "autoscaling/"].map(
    (from): [string, string, number[]] => [from, "node", [443, 6443]],
  ),
  ["autoscaling/", "node", [10250]],
  ["node", "monitoring/kps-operator", [10250]],
  ["node", "opentelemetry/opentelemetry-operator", [10250]],
  ["node", "autoscaling/", [8000, 10250]],
  // Outside the cluster.
  ...["monitoring/alertmanager", "mimir/mimir-alertmanager", "grafana/"].flatMap(
    (from): [string, string, number[]][] => [
      [from, "internet", [443]],
      // A node's address is part of the allowed ranges, and for some network plugins a pod's address is, too.
      ...["node", "application", "client", "controller", "scraper"].map((to): [string, string, number[]] => [
        from,
        to,
        [443],
      ]),
    ],
  ),
];

/** Ports that are tested in addition to those of containers. */
const more = [22, 80, 443, 4319, 6443, 8000, 9443, 10250];

describe("charts: the flow matrix of prod", function () {
  this.timeout(600_000);
  let stack: RenderedStack;
  let pods: Named[];
  let policies: Policy[];
  let labels: Record<string, Record<string, string>>;
  let ports: number[];

  before(async function () {
    await needsCharts(this);
    stack = await renderStack(config);
    pods = podsOf(stack).filter(({ hostNetwork }) => !hostNetwork);
    policies = ofKind(stack, "NetworkPolicy") as unknown as Policy[];
    labels = Object.fromEntries(
      ofKind(stack, "Namespace").map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
    );
    labels["batch"] = { "observability/client": "true" };
    ports = [...new Set([...pods.flatMap(({ named }) => Object.values(named)), ...more])];
  });

  const networkOf = (of: Policy[]): Network => ({ policies: of, namespaces: labels, blocksHoldPods: true });

  /** Differences between the design and what policies allow. */
  function differences(of: Policy[]): string[] {
    const network = networkOf(of);
    const ends = new Map<string, End>([
      ...pods.map((pod): [string, End] => [pod.name, pod]),
      ...Object.entries(outsiders),
    ]);
    const matches = (pattern: string, name: string) =>
      pattern.endsWith("/") ? name.startsWith(pattern) : name === pattern;
    return [...ends].flatMap(([from, source]) =>
      [...ends].flatMap(([to, target]) => {
        // The stack's policies do not concern connections between outsiders.
        if (from in outsiders && to in outsiders) return [];
        const wanted = design
          .filter(([a, b]) => matches(a, from) && matches(b, to))
          .map(([, , list]) => list);
        return ports.flatMap((port) => {
          const needed = wanted.some((list) => list === "all" || list.includes(port));
          if (allows(network, source, target, port) === needed) return [];
          return [`${needed ? "refused" : "open"}: ${from} to ${to}:${port}`];
        });
      }),
    );
  }

  it("has all of the design's pods", () => {
    const names = [...pods.map(({ name }) => name), ...Object.keys(outsiders)];
    const isKnown = (pattern: string) =>
      names.some((name) => name === pattern || (pattern.endsWith("/") && name.startsWith(pattern)));
    const nobody = design.filter(([from, to]) => !isKnown(from) || !isKnown(to));
    expect(nobody).to.deep.equal([]);
    expect(pods.length).to.be.greaterThan(45);
    for (const kind of ["Prometheus", "Alertmanager", "OpenTelemetryCollector"])
      expect(ofKind(stack, kind), kind).to.have.length(1);
  });

  it("every pod that is not on the node's network has its own policy, and every component exists", () => {
    const deny = ({ metadata }: Policy) => metadata.name === "default-deny";
    for (const pod of pods) {
      const own = policies.filter((policy) => appliesTo(policy, pod));
      expect(own.filter(deny), pod.name).to.have.length(1);
      expect(
        own.filter((policy) => !deny(policy)),
        pod.name,
      ).not.to.be.empty;
    }
    const hosts = podsOf(stack).filter(({ hostNetwork }) => hostNetwork);
    expect(hosts.map(({ name }) => name)).to.deep.equal(["monitoring/node-exporter"]);
    // Pods of CronJobs exist only with backups.destination: tests/unit/network.test.ts.
    const { backup: _, grafanaBackup: __, ...always } = parts;
    for (const [part, { namespace, ...of }] of Object.entries(always)) {
      const picked = pods.filter(
        (pod) =>
          pod.namespace === namespaces[namespace] &&
          selects({ matchLabels: "labels" in of ? of.labels : {} }, pod.labels),
      );
      expect(picked, part).not.to.be.empty;
    }
  });

  it("the connections of the design are allowed, and every other pair of pods is denied on every port", () => {
    expect(differences(policies)).to.deep.equal([]);
    console.log(`      ${(pods.length + 6) ** 2 * ports.length} connections`);
  });

  it("replicas that gossip use UDP, too", () => {
    for (const name of ["monitoring/alertmanager", "grafana/grafana", "mimir/mimir-ingester"]) {
      const pod = pods.find((one) => one.name === name) as Pod;
      const port: Port = { port: name.startsWith("mimir") ? 7946 : 9094, protocol: "UDP" };
      expect(allows(networkOf(policies), pod, pod, port), name).to.equal(true);
    }
  });

  const change = (namespace: string, name: string, edit: (spec: Policy["spec"]) => void): Policy[] => {
    const changed = structuredClone(policies);
    const one = changed.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    if (!one) throw new Error(`no policy ${namespace}/${name}`);
    edit(one.spec);
    return changed;
  };

  it("an additional and a missing flow would be detected", () => {
    const opened = change("loki", "loki-gateway", ({ ingress }) =>
      ingress?.push({ from: [{ namespaceSelector: {} }], ports: [{ port: 8080 }] }),
    );
    // Prometheus may connect to every pod, so only the gateway's own policy denies its connection.
    expect(differences(opened).join("\n")).to.match(
      /^open: monitoring\/prometheus\S* to loki\/loki-gateway:8080$/m,
    );
    const without = change("grafana", "grafana", (spec) => {
      spec.egress = spec.egress?.filter(({ to }) => !JSON.stringify(to).includes('"mimir"')) ?? [];
    });
    expect(differences(without)).to.deep.equal(["refused: grafana/grafana to mimir/mimir-gateway:8080"]);
    // An empty list of peers matches every peer.
    const everybody = change("minio", "minio", ({ ingress }) =>
      ingress?.push({ from: [], ports: [{ port: 9001 }] }),
    );
    expect(differences(everybody)).to.include("open: application to minio/minio:9001");
    const noDeny = policies.filter(({ metadata }) => metadata.namespace !== "grafana");
    expect(differences(noDeny)).to.include("open: application to grafana/grafana:3000");
  });

  /** The pods and their ports behind a Service's port. */
  const behind = (service: KubernetesObject, namespace: string, port: number | string): [Named, number][] => {
    const { selector, ports } = service["spec"];
    const one = ports.find((of: KubernetesObject) => of["name"] === port || of["port"] === port);
    if (!selector || !one) return [];
    const target: string | number = one.targetPort ?? one.port;
    return pods
      .filter((pod) => pod.namespace === namespace && selects({ matchLabels: selector }, pod.labels))
      .map((pod) => [pod, typeof target === "number" ? target : (pod.named[target] ?? Number.NaN)]);
  };

  const services = () =>
    stack.objects
      .filter(({ object }) => object.kind === "Service")
      .map(({ object, namespace }) => ({ object, namespace: object.metadata.namespace ?? namespace }));

  it("the reader of a monitor may connect to its targets", () => {
    const network = networkOf(policies);
    let reached = 0;
    for (const { object: monitor, namespace } of stack.objects) {
      if (monitor.kind !== "ServiceMonitor") continue;
      const own = monitor.metadata.namespace ?? namespace;
      const { selector, namespaceSelector, endpoints } = monitor["spec"];
      const within: string[] = namespaceSelector?.matchNames ?? [own];
      const reader = monitor.metadata.labels?.[owner.scraper];
      const readers = ["monitoring/prometheus", "alloy-metrics/alloy-metrics"].filter(
        (name) => !reader || name.endsWith(reader),
      );
      const found = services().filter(
        ({ object, namespace: at }) => within.includes(at) && selects(selector, object.metadata.labels ?? {}),
      );
      for (const { object, namespace: at } of found)
        for (const { port, targetPort } of endpoints)
          for (const [pod, number] of behind(object, at, port ?? targetPort))
            for (const name of readers) {
              const from = pods.find((one) => one.name === name) as Pod;
              reached += 1;
              expect(
                allows(network, from, pod, number),
                `${monitor.metadata.name}: ${name} to ${pod.name}:${number}`,
              ).to.equal(true);
            }
    }
    expect(reached).to.be.greaterThan(40);
  });

  it("the API server may connect to every webhook and every API of the stack", () => {
    const references: { name: string; namespace: string; port?: number }[] = stack.objects.flatMap(
      ({ object }) =>
        object.kind === "APIService"
          ? [object["spec"].service]
          : (object["webhooks"] ?? []).map(({ clientConfig }: KubernetesObject) => clientConfig.service),
    );
    expect(new Set(references.map(({ name }) => name))).to.deep.equal(
      new Set([
        ...["kps-operator", "opentelemetry-operator-webhook"],
        ...["metrics-server", "keda-operator-metrics-apiserver", "keda-admission-webhooks"],
      ]),
    );
    for (const { name, namespace, port = 443 } of references) {
      const service = services().find(
        (one) => one.object.metadata.name === name && one.namespace === namespace,
      );
      const targets = service ? behind(service.object, namespace, port) : [];
      expect(targets, name).to.have.length(1);
      for (const [pod, number] of targets)
        expect(
          allows(networkOf(policies), outsiders["node"] as End, pod, number),
          `${name}: ${pod.name}:${number}`,
        ).to.equal(true);
    }
  });
});
