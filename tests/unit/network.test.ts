import { expect } from "chai";
import { clientLabel } from "../../names";
import { flows } from "../../values/network-flows";
import { type Flow, parts } from "../../values/network-parts";
import { type NetworkPolicy, networkPolicies } from "../../values/network-policies";
import { namespaces } from "../support/names";
import { allows, type End, type Network, type Pod, type Policy } from "../support/network";
import { backedUp, type Config, type Environment, externalS3, settingsOf, shipped } from "../support/stacks";

/** Known nodes, so that pods are not among them, whatever the network plugin includes in an address range. */
const nodes = ["10.0.0.0/16"];
const node: End = { address: "10.0.0.7" };
const internet: End = { address: "203.0.113.9" };

const pod = (namespace: string, labels: Record<string, string> = {}): Pod => ({
  namespace,
  labels,
  address: "10.244.1.5",
});
const component = (namespace: string, value: string) =>
  pod(namespace, { "app.kubernetes.io/component": value });
const named = (namespace: string, value: string) => pod(namespace, { "app.kubernetes.io/name": value });

const pods = {
  minio: pod("minio", { app: "minio" }),
  lokiGateway: component("loki", "gateway"),
  lokiIngester: component("loki", "ingester"),
  mimirGateway: component("mimir", "gateway"),
  mimirAlertmanager: component("mimir", "alertmanager"),
  mimirIngester: component("mimir", "ingester"),
  tempoGateway: component("tempo", "gateway"),
  tempoGenerator: component("tempo", "metrics-generator"),
  alloyLogs: named("alloy-logs", "alloy"),
  alloyMetrics: named("alloy-metrics", "alloy"),
  alloyTraces: named("alloy-traces", "alloy"),
  grafana: named("grafana", "grafana"),
  prometheus: named("monitoring", "prometheus"),
  alertmanager: named("monitoring", "alertmanager"),
  prometheusOperator: component("monitoring", "prometheus-operator"),
  opentelemetryOperator: named("opentelemetry", "opentelemetry-operator"),
  keda: named("autoscaling", "keda-operator"),
  application: pod("shop", { app: "shop" }),
  client: pod("batch"),
  controller: pod("ingress-nginx"),
  scraper: pod("datadog"),
  smokeReceiver: pod("obs-smoke", { app: "receiver" }),
};
type Name = keyof typeof pods;

const networkOf = (
  environment: Environment,
  { network, ...config }: { network?: Config; [key: string]: unknown } = {},
  more: Partial<Network> = {},
): Network => ({
  policies: networkPolicies(
    settingsOf(environment, { ...config, network: { policies: true, nodes, ...network } }),
  ),
  namespaces: { batch: { [clientLabel]: "true" } },
  blocksHoldPods: true,
  ...more,
});

const reaches = (network: Network, from: Name | End, to: Name | End, port: number) => {
  const end = (one: Name | End) => (typeof one === "string" ? pods[one] : one);
  return allows(network, end(from), end(to), port);
};

/** Denied connections that must be allowed, and vice versa, as text. */
type Connection = [Name | End, Name | End, number];
const wrong = (network: Network, list: Connection[], allowed: boolean) =>
  list
    .filter(([from, to, port]) => reaches(network, from, to, port) !== allowed)
    .map((one) => JSON.stringify(one));

describe("unit: network policies", () => {
  describe("the evaluator", () => {
    const a = pod("a", { app: "a" });
    const b = pod("b", { app: "b" });
    const policy = (namespace: string, spec: Policy["spec"]): Policy => ({
      metadata: { name: "test", namespace },
      spec,
    });
    const ofB = (spec: Policy["spec"]) => ({
      policies: [policy("b", spec)],
      namespaces: { a: { team: "x" } },
    });

    it("allows everything if no policy selects a pod, in the policy's direction", () => {
      expect(allows({ policies: [] }, a, b, 80)).to.equal(true);
      expect(allows(ofB({ podSelector: { matchLabels: { app: "other" } } }), a, b, 80)).to.equal(true);
      expect(allows(ofB({ podSelector: {} }), a, b, 80)).to.equal(false);
      // Without policyTypes, a policy applies to ingress, and to egress if it has egress rules.
      expect(allows(ofB({ podSelector: {} }), b, a, 80)).to.equal(true);
      expect(allows(ofB({ podSelector: {}, egress: [] }), b, a, 80)).to.equal(true);
      expect(allows(ofB({ podSelector: {}, policyTypes: ["Egress"] }), b, a, 80)).to.equal(false);
      expect(allows(ofB({ podSelector: {}, policyTypes: ["Egress"] }), a, b, 80)).to.equal(true);
    });

    it("requires both selectors of a peer, and applies a pod selector alone to the policy's namespace", () => {
      const from = (...peers: NonNullable<NonNullable<Policy["spec"]["ingress"]>[number]["from"]>) =>
        allows(ofB({ ingress: [{ from: peers }] }), a, b, 80);
      const team = { namespaceSelector: { matchLabels: { team: "x" } } };
      const app = { podSelector: { matchLabels: { app: "a" } } };
      const other = { podSelector: { matchLabels: { app: "z" } } };
      expect([from(team), from({ ...team, ...app }), from({ ...team, ...other })]).to.deep.equal([
        true,
        true,
        false,
      ]);
      expect([from(app), from(other, team), from({ namespaceSelector: {} })]).to.deep.equal([
        false,
        true,
        true,
      ]);
      // An empty list of peers allows all peers, so it must never mean none.
      expect(from()).to.equal(true);
    });

    it("requires egress of one end and ingress of the other; one of several policies is sufficient", () => {
      const refuse = policy("b", { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
      const admit = policy("b", { ingress: [{ ports: [{ port: 80 }] }] });
      const stay = policy("a", { podSelector: {}, policyTypes: ["Egress"] });
      expect(allows({ policies: [refuse, admit] }, a, b, 80)).to.equal(true);
      expect(allows({ policies: [refuse, admit] }, a, b, 81)).to.equal(false);
      expect(allows({ policies: [refuse, admit] }, a, b, { port: 80, protocol: "UDP" })).to.equal(false);
      expect(allows({ policies: [refuse, admit, stay] }, a, b, 80)).to.equal(false);
    });

    it("supports address ranges with exceptions, and plugins that differ in whether they include pods", () => {
      const block = (cidr: string, except: string[] = []) =>
        ofB({ ingress: [{ from: [{ ipBlock: { cidr, except } }] }] });
      expect(allows(block("10.0.0.0/16"), node, b, 80)).to.equal(true);
      expect(allows(block("10.0.0.0/16", ["10.0.0.0/24"]), node, b, 80)).to.equal(false);
      expect(allows(block("::/0"), node, b, 80)).to.equal(false);
      expect(allows(block("0.0.0.0/0"), a, b, 80)).to.equal(false);
      expect(allows({ ...block("0.0.0.0/0"), blocksHoldPods: true }, a, b, 80)).to.equal(true);
    });
  });

  it("are off in dev and on in prod, and with the setting off there are none", () => {
    expect(networkPolicies(settingsOf("dev"))).to.deep.equal([]);
    expect(networkPolicies(settingsOf("prod")).length).to.be.greaterThan(20);
    expect(networkPolicies(settingsOf("prod", { network: { policies: false } }))).to.deep.equal([]);
  });

  it("deny everything in each namespace of the stack, except DNS", () => {
    const { policies } = networkOf("prod", backedUp);
    const denied = (policies as NetworkPolicy[]).filter(({ metadata }) => metadata.name === "default-deny");
    expect(denied.map(({ metadata }) => metadata.namespace)).to.have.members(Object.values(namespaces));
    const network = { policies: denied };
    for (const namespace of Object.values(namespaces)) {
      const one = pod(namespace);
      const dns = pod("kube-system", { "k8s-app": "kube-dns" });
      expect(allows(network, one, dns, { port: 53, protocol: "UDP" }), namespace).to.equal(true);
      expect(allows(network, one, dns, 80), namespace).to.equal(false);
      expect(allows(network, pods.application, one, 80), namespace).to.equal(false);
      expect(allows(network, one, internet, 443), namespace).to.equal(false);
    }
    // A DNS server on the node, at a link-local address.
    expect(
      allows(network, pods.grafana, { address: "169.254.20.10" }, { port: 53, protocol: "UDP" }),
    ).to.equal(true);
  });

  it("have names that differ in their namespace", () => {
    const names = networkOf("prod").policies.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(new Set(names).size).to.equal(names.length);
  });

  for (const environment of ["dev", "prod"] as const)
    it(`allow the connections of the stack, and no others: ${environment}`, () => {
      const network = networkOf(environment);
      const needed: [Name | End, Name | End, number][] = [
        ["lokiIngester", "minio", 9000],
        ["lokiGateway", "lokiIngester", 3100],
        ["alloyLogs", "lokiGateway", 8080],
        ["alloyMetrics", "mimirGateway", 8080],
        ["alloyMetrics", "application", 8000],
        ["alloyMetrics", node, 10250],
        ["application", "alloyTraces", 4317],
        ["alloyTraces", "tempoGateway", 8080],
        ["alloyTraces", "mimirGateway", 8080],
        ["alloyTraces", "lokiGateway", 8080],
        ["tempoGenerator", "mimirGateway", 8080],
        ["grafana", "lokiGateway", 8080],
        ["grafana", "prometheus", 9090],
        ["prometheus", "prometheus", 9090],
        ["prometheus", "mimirIngester", 9150],
        ["prometheus", "alertmanager", 9093],
        ["alertmanager", internet, 443],
        ["alertmanager", "smokeReceiver", 8080],
        ["mimirAlertmanager", "smokeReceiver", 8080],
        ["client", "lokiGateway", 8080],
        [node, "prometheusOperator", 10250],
      ];
      expect(wrong(network, needed, true)).to.deep.equal([]);
      const refused: [Name | End, Name | End, number][] = [
        ["alertmanager", "application", 8080],
        ["application", "lokiGateway", 8080],
        ["application", "lokiIngester", 3100],
        ["application", "minio", 9000],
        ["application", "grafana", 3000],
        ["application", "prometheus", 9090],
        ["application", "prometheusOperator", 10250],
        ["client", "lokiIngester", 3100],
        ["client", "minio", 9000],
        ["controller", "grafana", 3000],
        ["scraper", "lokiIngester", 3100],
        ["alloyLogs", "mimirGateway", 8080],
        ["alloyLogs", "lokiIngester", 3100],
        ["alloyTraces", "lokiIngester", 3100],
        ["alloyMetrics", "lokiIngester", 3100],
        ["grafana", "mimirIngester", 8080],
        ["grafana", "minio", 9000],
        ["lokiIngester", internet, 443],
        ["alloyLogs", internet, 443],
        ["tempoGenerator", "lokiGateway", 8080],
        [internet, "grafana", 3000],
        [node, "minio", 9000],
      ];
      expect(wrong(network, refused, false)).to.deep.equal([]);
    });

  it("with an external S3: egress to its port, and no policies of MinIO", () => {
    const network = networkOf("prod", {
      objectStorage: { kind: "external", external: { ...externalS3, endpoint: "s3.example.com:9443" } },
    });
    expect(reaches(network, "lokiIngester", internet, 9443)).to.equal(true);
    expect(reaches(network, "lokiIngester", internet, 443)).to.equal(false);
    expect(reaches(network, "alloyLogs", internet, 9443)).to.equal(false);
    expect(JSON.stringify(network.policies)).not.to.include('"minio"');
  });

  it("with span metrics from Alloy: Alloy writes them", () => {
    const tracing = { sampling: { ratio: 1 }, metricsFrom: "alloy" };
    expect(reaches(networkOf("prod", { tracing }), "alloyTraces", "mimirGateway", 8080)).to.equal(true);
  });

  it("without autoscaling: no policies of its namespace", () => {
    expect(JSON.stringify(networkOf("dev").policies)).not.to.include('"autoscaling"');
    expect(reaches(networkOf("prod"), "keda", "mimirGateway", 8080)).to.equal(true);
    expect(reaches(networkOf("prod"), "keda", "lokiGateway", 8080)).to.equal(false);
  });

  it("with backups: their pods may connect to the object storage and the destination; without, there are no policies for them", () => {
    const jobs = pod("backup", { "app.kubernetes.io/name": "backup" });
    const ofGrafana = pod("grafana", { "app.kubernetes.io/name": "grafana-backup" });
    const network = networkOf("prod", backedUp);
    const allowed: Connection[] = [
      [jobs, "minio", 9000],
      [jobs, internet, 443],
      [ofGrafana, internet, 443],
    ];
    expect(wrong(network, allowed, true)).to.deep.equal([]);
    const refused: Connection[] = [
      [jobs, "lokiGateway", 8080],
      [jobs, internet, 80],
      ["application", jobs, 9000],
      [ofGrafana, "minio", 9000],
    ];
    expect(wrong(network, refused, false)).to.deep.equal([]);
    const inside = {
      backups: {
        destination: { ...backedUp.backups.destination, endpoint: "http://minio.copies.svc:9000" },
      },
    };
    const copies = pod("copies");
    expect(reaches(networkOf("prod", inside), jobs, copies, 9000)).to.equal(true);
    expect(reaches(networkOf("prod", inside), ofGrafana, copies, 9000)).to.equal(true);
    expect(JSON.stringify(networkOf("prod").policies)).not.to.include("backup");
    const database = { host: "postgres.shop.svc:5432", name: "grafana", user: "grafana", tls: "require" };
    const grafana = { ...(shipped("prod")["grafana"] as object), database, existingSecret: "database" };
    expect(JSON.stringify(networkOf("prod", { ...backedUp, grafana }).policies)).not.to.include(
      "grafana-backup",
    );
  });

  it("an ingress controller's namespace may connect to Grafana and the gateways, and a scraper's namespace to the metrics", () => {
    const network = networkOf("prod", {
      network: { ingressNamespaces: ["ingress-nginx"], scraperNamespaces: ["datadog"] },
    });
    const allowed: [Name, Name, number][] = [
      ["controller", "grafana", 3000],
      ["controller", "lokiGateway", 8080],
      ["controller", "mimirGateway", 8080],
      ["controller", "tempoGateway", 8080],
      ["scraper", "lokiIngester", 3100],
      ["scraper", "prometheus", 9090],
      ["scraper", "minio", 9000],
    ];
    expect(wrong(network, allowed, true)).to.deep.equal([]);
    const refused: [Name, Name, number][] = [
      ["controller", "lokiIngester", 3100],
      ["controller", "prometheus", 9090],
      ["scraper", "lokiIngester", 9095],
      ["application", "grafana", 3000],
      ["application", "lokiIngester", 3100],
    ];
    expect(wrong(network, refused, false)).to.deep.equal([]);
  });

  it("receivers of alerts, databases and identity providers are allowed with their own ports", () => {
    const network = networkOf("dev", {
      alerting: {
        receivers: {
          oncall: { webhookUrl: "http://hooks.example.com:9095/x" },
          chat: { teamsUrl: "https://teams.example.com:8443/x", email: ["a@example.com"] },
        },
        smtp: { host: "smtp.example.com:587", from: "stack@example.com" },
        heartbeat: { url: "http://beat.example.com:8080/x", interval: "1m" },
      },
      grafana: {
        plugins: ["ours@1.0.0@http://plugins.example.com:8081/ours.zip"],
        database: { host: "db.example.com:5432", name: "g", user: "g", password: "p", tls: "require" },
      },
    });
    expect(
      wrong(
        network,
        [
          ...[9095, 8443, 587, 8080].map((port): Connection => ["alertmanager", internet, port]),
          ...[9095, 8443, 587, 8081].map((port): Connection => ["grafana", internet, port]),
        ],
        true,
      ),
    ).to.deep.equal([]);
    expect(reaches(network, "grafana", internet, 5432)).to.equal(true);
    expect(reaches(network, "alertmanager", internet, 5432)).to.equal(false);
  });

  it("receivers inside the cluster are allowed only in their namespace", () => {
    const hook = (webhookUrl: string) => ({ alerting: { receivers: { oncall: { webhookUrl } } } });
    const namespacesOf = (webhookUrl: string) =>
      flows(settingsOf("dev", hook(webhookUrl)))
        .filter(({ from, to }) => from === "alertmanager" && to.startsWith("namespace:"))
        .map(({ to, ports }) => `${to} ${ports}`);
    for (const url of [
      "https://hooks.example.com/x",
      "https://hooks.example.com/a.b.svc",
      "http://svc.test/x",
    ])
      expect(namespacesOf(url), url).to.deep.equal([]);
    for (const host of ["hooks.oncall.svc", "hooks.oncall.svc:8080", "hooks.oncall.svc.cluster.local"])
      expect(namespacesOf(`http://${host}/x`), host).to.deep.equal(["namespace:oncall all"]);
    const network = networkOf("dev", hook("http://hooks.oncall.svc/x"), { blocksHoldPods: false });
    expect(reaches(network, "alertmanager", pod("oncall"), 8080)).to.equal(true);
    expect(reaches(network, "alertmanager", "application", 8080)).to.equal(false);
    expect(reaches(network, "grafana", pod("oncall"), 8080)).to.equal(true);
  });

  it("a load balancer's addresses may connect to Grafana and the gateways", () => {
    const balancer: End = { address: "10.9.1.4" };
    const network = networkOf("prod", { network: { ingressRanges: ["10.9.0.0/16"] } });
    const behind: Name[] = ["grafana", "lokiGateway", "mimirGateway", "tempoGateway"];
    const port = (name: Name) => (name === "grafana" ? 3000 : 8080);
    for (const name of behind) {
      expect(reaches(network, balancer, name, port(name)), name).to.equal(true);
      expect(reaches(network, internet, name, port(name)), name).to.equal(false);
    }
    expect(reaches(network, balancer, "lokiIngester", 3100)).to.equal(false);
  });

  it("the Ingress of the shipped stack reaches Grafana", () => {
    const network = { policies: networkPolicies(settingsOf("prod")), namespaces: {} };
    expect(reaches(network, "controller", "grafana", 3000)).to.equal(true);
  });

  it("with unknown nodes, only the webhooks' ports are open in addition", () => {
    const network = networkOf("prod", { network: { nodes: ["0.0.0.0/0", "::/0"] } });
    const ports = [53, 80, 443, 3000, 3100, 4317, 4318, 5353, 6443, 7946, 8000, 8080, 8081, 8443, 9000, 9001];
    ports.push(9090, 9093, 9094, 9095, 9150, 9443, 9666, 10250, 11211, 12345);
    const open = (Object.keys(pods) as Name[]).flatMap((to) =>
      ports.filter((port) => reaches(network, internet, to, port)).map((port) => `${to} ${port}`),
    );
    expect(
      open.filter(
        (one) =>
          !["application", "client", "controller", "scraper", "smokeReceiver"].includes(
            one.split(" ")[0] ?? "",
          ),
      ),
    ).to.deep.equal(["prometheusOperator 10250", "opentelemetryOperator 10250", "keda 8000", "keda 10250"]);
  });

  it("the API server reaches webhooks through pods of konnectivity, whatever the addresses of nodes", () => {
    const agent = pod("kube-system", { app: "konnectivity-agent" });
    for (const range of [nodes, ["0.0.0.0/0", "::/0"]]) {
      const network = networkOf("prod", { network: { nodes: range } }, { blocksHoldPods: false });
      for (const to of ["prometheusOperator", "opentelemetryOperator", "keda"] as const)
        expect(reaches(network, agent, to, 10250), `${range} ${to}`).to.equal(true);
      expect(reaches(network, agent, "lokiIngester", 3100)).to.equal(false);
    }
  });

  it("with unknown nodes, their rules have no addresses, which Cilium does not match with nodes", () => {
    const settings = settingsOf("prod", { network: { policies: true } });
    const rulesOf = (name: string) =>
      networkPolicies(settings).find(({ metadata }) => metadata.name === name)?.spec;
    expect(rulesOf("alloy-metrics")?.egress).to.deep.include({});
    const api = [443, 6443].map((port) => ({ port, protocol: "TCP" }));
    expect(rulesOf("grafana")?.egress).to.deep.include({ ports: api });
    expect(rulesOf("prometheus-operator")?.ingress).to.deep.include({
      ports: [{ port: 10250, protocol: "TCP" }],
    });
    expect(rulesOf("default-deny")?.egress?.map(({ to }) => to)).to.deep.equal([undefined]);
  });

  it("every flow is in the policies of both of its ends, with the component's own labels", () => {
    const settings = settingsOf("prod", { ...backedUp, network: { nodes } });
    const { policies } = networkOf("prod", backedUp);
    const end = (name: Flow["from"]): Pod | undefined => {
      if (name === "pods") return pods.application;
      if (name === "clients") return pods.client;
      const part = parts[name as keyof typeof parts] as
        | { namespace: keyof typeof namespaces; labels?: Record<string, string> }
        | undefined;
      return part && pod(namespaces[part.namespace], part.labels);
    };
    const outside: Partial<Record<Flow["from"], End>> = { nodes: node, anywhere: internet };
    const network = { policies, namespaces: { batch: { [clientLabel]: "true" } } };
    for (const { from, to, ports } of flows(settings)) {
      const [source, target] = [end(from) ?? outside[from], end(to) ?? outside[to]];
      if (!source || !target || to === "pods") continue;
      for (const port of ports === "all" ? [1, 7946] : ports)
        expect(allows(network, source, target, port), `${from} to ${to}:${port}`).to.equal(true);
    }
  });
});
