/**
 * The required numbers, read from the rendered objects: rows R6 (Alloy metrics), R10 (cAdvisor), R11
 * (kube-prometheus-stack).
 */
import { expect } from "chai";
import { owner, prefixLabels } from "../../names";
import { bytesOf } from "../../settings/units";
import { alloyPipeline } from "../../values/alloy";
import { namespaces } from "../support/names";
import { container, namesOf, ofKind, only, replicasOf, variablesOf, workload } from "../support/objects";
import { find, type RenderedStack, renderStack, workloads } from "../support/rendered";
import { settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** Monitor, dashboard and rules of each part of the control plane, by name. */
const controlPlane: Record<string, { monitor: string; dashboard: string; rules: string[] }> = {
  apiServer: {
    monitor: "kps-apiserver",
    dashboard: "kps-apiserver",
    rules: ["availability.rules", "burnrate.rules", "histogram.rules", "slos"].map(
      (name) => `kps-kube-apiserver-${name}`,
    ),
  },
  controllerManager: {
    monitor: "kps-kube-controller-manager",
    dashboard: "kps-controller-manager",
    rules: ["kps-kubernetes-system-controller-manager"],
  },
  scheduler: {
    monitor: "kps-kube-scheduler",
    dashboard: "kps-scheduler",
    rules: ["kps-kube-scheduler.rules", "kps-kubernetes-system-scheduler"],
  },
  etcd: { monitor: "kps-kube-etcd", dashboard: "kps-etcd", rules: ["kps-etcd"] },
  proxy: {
    monitor: "kps-kube-proxy",
    dashboard: "kps-proxy",
    rules: ["kps-kubernetes-system-kube-proxy"],
  },
  dns: { monitor: "kps-coredns", dashboard: "kps-k8s-coredns", rules: [] },
};

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Whether a label selector matches an object. */
const selects = (
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Record<string, string> = {},
) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "DoesNotExist") return value === undefined;
    if (operator === "NotIn") return value === undefined || !values.includes(value);
    throw new Error(`there is no operator ${operator}`);
  });

describe("charts: the required numbers of metrics", function () {
  this.timeout(120_000);
  let dev: RenderedStack;
  let prod: RenderedStack;
  let both: RenderedStack[];

  before(async function () {
    await needsCharts(this);
    dev = await renderStack({ environment: "dev" });
    prod = await renderStack({ environment: "prod" });
    both = [dev, prod];
  });

  describe("R6, metrics of applications and infrastructure", () => {
    const alloy = (stack: RenderedStack) => find(stack, "StatefulSet", "alloy-metrics");
    const variables = (stack: RenderedStack) => variablesOf(container(alloy(stack), "alloy"));

    it("R6.1: replicas that share the targets of all monitors, and of annotated pods", () => {
      const replicas = both.map((stack) =>
        replicasOf({ release: undefined, namespace: namespaces.alloyMetrics, object: alloy(stack) }, stack),
      );
      expect(replicas).to.deep.equal([1, 3]);
      for (const stack of both) {
        const { args = [] } = container(alloy(stack), "alloy");
        expect(args).to.include.members(["--cluster.enabled=true", "--stability.level=experimental"]);
        const [join = ""] = args.flatMap((arg) => /^--cluster\.join-addresses=(.*)$/.exec(arg)?.[1] ?? []);
        expect(find(stack, "Service", join)["spec"].clusterIP).to.equal("None");
        expect(variables(stack)["ANNOTATED"]).to.equal("(?i)\\s*true\\s*");
      }
      const pipeline: string = find(prod, "ConfigMap", "alloy-metrics")["data"]["config.alloy"];
      // Helm's template engine has not changed it.
      expect(pipeline.trim()).to.include(alloyPipeline("metrics").trim());
      const scraping = /^\tprometheus\.(operator\.servicemonitors|operator\.podmonitors|scrape) .*?^\t}/gms;
      const components = [...pipeline.matchAll(scraping)].map(([text]) => text);
      expect(components).to.have.length(3);
      for (const text of components) expect(text).to.match(/clustering \{\s+enabled = true\s+\}/);
    });

    it("R6.2: applications are in the tenant pods, infrastructure in nodes, and Mimir has both", () => {
      const pipeline: string = find(prod, "ConfigMap", "alloy-metrics")["data"]["config.alloy"];
      const tenants = [...pipeline.matchAll(/^tenant "\w+" \{\s+id\s+= "(\w+)"\s+of_system = "(\w+)"/gm)];
      expect(tenants.map(([, id, system]) => [id, system])).to.have.deep.members([
        ["nodes", "keep"],
        ["pods", "drop"],
      ]);
      for (const stack of both) {
        expect(Object.keys(JSON.parse(variables(stack)["WRITERS"] ?? ""))).to.have.members(["pods", "nodes"]);
        const system = new RegExp(`^(?:${variables(stack)["SYSTEM_NAMESPACES"]})$`);
        for (const name of ["kube-system", ...namesOf(stack, "Namespace")]) expect(name).to.match(system);
        for (const name of ["default", "random-backend"]) expect(name).not.to.match(system);
        const services = new RegExp(`^(?:${variables(stack)["SYSTEM_SERVICES"]})$`);
        for (const name of ["default/kubernetes", "monitoring/node-exporter", "monitoring/kps-kubelet"])
          expect(name).to.match(services);
        for (const name of ["default/kubernetes-dashboard", "shop/kubernetes"])
          expect(name).not.to.match(services);
      }
    });

    it("R6.3: every 15 seconds, in batches of 1000 samples", () => {
      for (const stack of both)
        expect(variables(stack)).to.include({
          SCRAPE_INTERVAL: "15s",
          SAMPLES_PER_SEND: "1000",
          SHARDS: stack === dev ? "4" : "10",
          MIMIR_URL: "http://mimir-gateway.mimir.svc",
        });
    });

    it("R6.3: a buffer for the write-ahead log", () => {
      const buffer = (stack: RenderedStack) => {
        const { volumes } = alloy(stack)["spec"].template.spec;
        const { name, emptyDir } = only<{ name: string; emptyDir: object }>(
          volumes.filter((v: { emptyDir?: object }) => v.emptyDir),
        );
        const { args = [], volumeMounts = [] } = container(alloy(stack), "alloy");
        expect(args).to.include(
          `--storage.path=${only(volumeMounts.filter((mount) => mount.name === name)).mountPath}`,
        );
        return emptyDir;
      };
      expect([buffer(dev), buffer(prod)]).to.deep.equal([{ sizeLimit: "2Gi" }, { sizeLimit: "10Gi" }]);
    });

    it("R6.4: kube-state-metrics and node-exporter run, each with its ServiceMonitor", () => {
      for (const stack of both) {
        expect(workload(stack, "kps-kube-state-metrics").object.kind).to.equal("Deployment");
        expect(workload(stack, "node-exporter").object.kind).to.equal("DaemonSet");
        expect(namesOf(stack, "ServiceMonitor")).to.include.members([
          "kps-kube-state-metrics",
          "node-exporter",
          "kps-kubelet",
        ]);
      }
    });

    it("the Service of the kubelets is deleted with the stack: its operator, which never deletes it, creates it in the stack's namespace", () => {
      for (const stack of both) {
        const { args = [] } = container(find(stack, "Deployment", "kps-operator"), "kube-prometheus-stack");
        expect(args).to.include("--kubelet-service=monitoring/kps-kubelet");
        const monitor = find(stack, "ServiceMonitor", "kps-kubelet");
        expect(monitor["spec"].namespaceSelector).to.deep.equal({ matchNames: ["monitoring"] });
      }
    });

    it("may read no Secret, and no monitor that it scrapes needs one", () => {
      for (const stack of both) {
        const { rules } = find(stack, "ClusterRole", "alloy-metrics");
        const resources = rules.flatMap((rule: { resources?: string[] }) => rule.resources ?? []);
        expect(resources).to.include.members(["servicemonitors", "podmonitors", "prometheusrules"]);
        expect(resources).not.to.include.oneOf(["secrets", "*"]);
        const needy = ofKind(stack, "ServiceMonitor").filter((one) =>
          JSON.stringify(one).includes('"secret"'),
        );
        expect(needy.map(({ metadata }) => [metadata.name, metadata.labels?.[owner.scraper]])).to.deep.equal([
          ["kps-operator", "prometheus"],
        ]);
      }
    });
  });

  describe("R10, cAdvisor", () => {
    const agent = (stack: RenderedStack) => find(stack, "DaemonSet", "cadvisor");

    it("R10: a pinned image on every node, in the namespace monitoring", () => {
      for (const stack of both) {
        expect(agent(stack).metadata.namespace).to.equal("monitoring");
        expect(container(agent(stack), "cadvisor").image).to.match(/\/cadvisor:v\d+\.\d+\.\d+$/);
        expect(agent(stack)["spec"].template.spec.tolerations).to.deep.include({ operator: "Exists" });
      }
    });

    it("R10: the four mounts, all of them read-only", () => {
      for (const stack of both) {
        const { volumes } = agent(stack)["spec"].template.spec;
        const mounts = (container(agent(stack), "cadvisor").volumeMounts ?? []).map(
          ({ name, mountPath, readOnly }) => [
            only<{ name: string; hostPath?: { path: string } }>(
              volumes.filter((v: { name: string }) => v.name === name),
            ).hostPath?.path,
            mountPath,
            readOnly,
          ],
        );
        expect(mounts).to.have.deep.members([
          ["/", "/rootfs", true],
          ["/var/run", "/var/run", true],
          ["/sys", "/sys", true],
          ["/var/lib/docker", "/var/lib/docker", true],
        ]);
      }
    });

    it("R10: no privilege, no capability, nothing of the host except those files, and no token", () => {
      for (const stack of both) {
        const { spec } = agent(stack)["spec"].template;
        const { securityContext } = spec.containers[0];
        expect(securityContext).to.deep.include({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(securityContext).not.to.have.property("privileged");
        expect(spec).not.to.have.any.keys("hostPID", "hostNetwork", "hostIPC");
        expect(spec.automountServiceAccountToken).to.equal(false);
      }
    });

    it("R10: NodePort 30090, and a ServiceMonitor that matches it", () => {
      for (const stack of both) {
        const { metadata, spec } = find(stack, "Service", "cadvisor");
        expect(spec.type).to.equal("NodePort");
        const port = only<{ name: string; nodePort: number; targetPort: string }>(spec.ports);
        expect(port.nodePort).to.equal(30090);
        const { template } = agent(stack)["spec"];
        expect(selects({ matchLabels: spec.selector }, template.metadata.labels)).to.equal(true);
        const { ports } = template.spec.containers[0];
        expect(ports.map(({ name }: { name: string }) => name)).to.deep.equal([port.targetPort]);
        const monitor = find(stack, "ServiceMonitor", "cadvisor");
        expect(monitor.metadata.namespace).to.equal(metadata.namespace);
        expect(selects(monitor["spec"].selector, metadata.labels)).to.equal(true);
        expect(only<{ port: string }>(monitor["spec"].endpoints).port).to.equal(port.name);
      }
    });

    it("R10: containers are in Mimir's tenant once: from cAdvisor, or otherwise from the kubelet", async () => {
      const omitted = (stack: RenderedStack) =>
        variablesOf(container(find(stack, "StatefulSet", "alloy-metrics"), "alloy"))["OMITTED_PATHS"] ?? "";
      const kubelets = (stack: RenderedStack) =>
        find(stack, "ServiceMonitor", "kps-kubelet")
          ["spec"].endpoints.map(({ path = "/metrics" }) => path)
          .filter((path: string) => !new RegExp(`^(?:${omitted(stack)})$`).test(path));
      for (const stack of both) expect(kubelets(stack)).to.have.members(["/metrics", "/metrics/probes"]);
      for (const cadvisor of [{ enabled: false }, { expose: ["nodePort"] }]) {
        const without = await renderStack({ environment: "dev", cadvisor });
        expect(kubelets(without)).to.include("/metrics/cadvisor");
        expect(namesOf(without, "ServiceMonitor")).not.to.include("cadvisor");
      }
    });
  });

  describe("R11, kube-prometheus-stack", () => {
    const prometheus = (stack: RenderedStack) => find(stack, "Prometheus", "kps-prometheus")["spec"];

    it("R11: Prometheus keeps 7 days on a volume, and never fills it", () => {
      for (const stack of both) {
        const { retention, retentionSize, storage } = prometheus(stack);
        expect(retention).to.equal("168h");
        const disk = bytesOf(storage.volumeClaimTemplate.spec.resources.requests.storage);
        // Prometheus counts a megabyte as 1024 × 1024 bytes.
        expect(Number.parseInt(retentionSize, 10) * 1024 ** 2).to.be.within(disk * 0.8, disk * 0.9);
      }
      expect([prometheus(dev).replicas, prometheus(prod).replicas]).to.deep.equal([1, 2]);
    });

    it("R11: it writes to Mimir as the tenant prometheus, its replicas identified by their labels", () => {
      for (const [stack, cluster] of [
        [dev, "dev"],
        [prod, "prod"],
      ] as const) {
        const spec = prometheus(stack);
        expect(only<object>(spec.remoteWrite)).to.deep.include({
          url: "http://mimir-gateway.mimir.svc/api/v1/push",
          basicAuth: {
            username: { name: "gateway-credentials", key: "mimir-prometheus-write.username" },
            password: { name: "gateway-credentials", key: "mimir-prometheus-write.password" },
          },
        });
        const credentials = ofKind(stack, "Secret").filter(
          ({ metadata }) => metadata.name === "gateway-credentials" && metadata.namespace === "monitoring",
        );
        expect(only(credentials)["stringData"]).to.have.all.keys(
          "mimir-prometheus-write.username",
          "mimir-prometheus-write.password",
        );
        expect(spec.externalLabels).to.deep.equal({ cluster });
        expect(spec.replicaExternalLabelName).to.equal("__replica__");
        expect(spec.prometheusExternalLabelName).to.equal("");
      }
    });

    it("R11: it reads all monitors except Alloy's own, and all rules except those of a tenant", () => {
      for (const stack of both) {
        const spec = prometheus(stack);
        // Any namespace except those of another stack in the cluster, which have the label with its prefix.
        for (const kind of ["serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule"])
          for (const [labels, picked] of [
            [{}, true],
            [prefixLabels(settingsOf("prod", { namespaces: { prefix: "second-" } })), false],
          ] as const)
            expect(selects(spec[`${kind}NamespaceSelector`], labels), kind).to.equal(picked);
        const read = (kind: string, selector: Selector) =>
          ofKind(stack, kind)
            .filter(({ metadata }) => !selects(selector, metadata.labels))
            .map(({ metadata }) => metadata.name);
        expect(read("ServiceMonitor", spec.serviceMonitorSelector)).to.deep.equal(["cadvisor"]);
        expect(read("PrometheusRule", spec.ruleSelector)).to.have.members([
          "observability-certificates",
          "observability-targets",
          "observability-rollup-5m",
          "observability-rollup-1h",
        ]);
        for (const selector of [spec.serviceMonitorSelector, spec.podMonitorSelector, spec.ruleSelector])
          expect(selects(selector, { app: "anyone's" })).to.equal(true);
        expect(selects(spec.podMonitorSelector, { [owner.scraper]: "alloy" })).to.equal(false);
        expect(selects(spec.ruleSelector, { [owner.ruleTenant]: "pods" })).to.equal(false);
      }
    });

    it("R11: its alerts are sent to its Alertmanager, which has its configuration from the Secret", () => {
      for (const stack of both) {
        const { namespace, name, port } = only<Record<string, string>>(
          prometheus(stack).alerting.alertmanagers,
        );
        const { metadata, spec } = find(stack, "Alertmanager", "kps-alertmanager");
        const { ports } = find(stack, "Service", name ?? "")["spec"];
        expect([namespace, name]).to.deep.equal([metadata.namespace, metadata.name]);
        expect(ports.map((one: { name: string }) => one.name)).to.include(port);
        const secrets = ofKind(stack, "Secret").filter(
          (one) =>
            one.metadata.name === spec.configSecret && one.metadata.namespace === namespaces.monitoring,
        );
        // The operator defines the name of the file.
        expect(secrets.map(({ stringData }) => Object.keys(stringData))).to.deep.equal([
          ["alertmanager.yaml"],
        ]);
      }
      const replicas = both.map((stack) => find(stack, "Alertmanager", "kps-alertmanager")["spec"].replicas);
      expect(replicas).to.deep.equal([1, 3]);
    });

    it("R11: its dashboards exist for our Grafana, but its own Grafana does not", () => {
      for (const stack of both) {
        const dashboards = ofKind(stack, "ConfigMap").filter(
          ({ metadata }) => metadata.labels?.["grafana_dashboard"] === "1",
        );
        expect(dashboards).to.have.lengthOf.at.least(20);
        for (const { metadata, data } of dashboards)
          for (const text of Object.values<string>(data))
            expect(JSON.parse(text).panels, metadata.name).not.to.be.empty;
        expect(
          workloads(stack).filter(
            ({ release, object }) => release === "kps" && /grafana/.test(object.metadata.name),
          ),
        ).to.be.empty;
        expect(ofKind(stack, "ConfigMap").filter(({ metadata }) => metadata.labels?.["grafana_datasource"]))
          .to.be.empty;
      }
    });

    it("R11: CRDs have their own release, and stay in prod when it is deleted", () => {
      const kept = (stack: RenderedStack) => {
        const own = stack.objects.filter(
          ({ object }) =>
            object.kind === "CustomResourceDefinition" && object["spec"].group === "monitoring.coreos.com",
        );
        expect(own).to.have.lengthOf.at.least(10);
        for (const { release } of own) expect(release).to.equal("kps-crds");
        return own.map(
          ({ object }) =>
            (object.metadata["annotations"] as Record<string, string>)["helm.sh/resource-policy"],
        );
      };
      expect(new Set(kept(prod))).to.deep.equal(new Set(["keep"]));
      expect(new Set(kept(dev))).to.deep.equal(new Set([undefined]));
    });

    it("R11: unlisted parts of the control plane have no monitor, no dashboard and no rules", async () => {
      const parts = Object.keys(controlPlane);
      const lists: [RenderedStack, string[]][] = [
        [dev, ["apiServer", "dns"]],
        [prod, ["apiServer", "dns"]],
        ...(await Promise.all(
          [[], parts].map(
            async (list): Promise<[RenderedStack, string[]]> => [
              await renderStack({ environment: "dev", kubePrometheusStack: { controlPlane: list } }),
              list,
            ],
          ),
        )),
      ];
      for (const [stack, listed] of lists) {
        const [monitors, dashboards, rules] = ["ServiceMonitor", "ConfigMap", "PrometheusRule"].map((kind) =>
          namesOf(stack, kind),
        );
        for (const [part, { monitor, dashboard, rules: own }] of Object.entries(controlPlane)) {
          const there = listed.includes(part);
          const which = `${part}, listed: ${listed}`;
          expect(monitors?.includes(monitor), which).to.equal(there);
          expect(dashboards?.includes(dashboard), which).to.equal(there);
          expect(
            own.map((name) => rules?.includes(name)),
            which,
          ).to.deep.equal(own.map(() => there));
        }
        // An alert on a missing component would fire forever.
        const absent = ofKind(stack, "PrometheusRule")
          .flatMap(({ spec }) => spec.groups)
          .flatMap(({ rules }: { rules: { expr: string }[] }) => rules)
          .flatMap(({ expr }) => /^absent\(up\{job="([^"]+)"/.exec(expr)?.[1] ?? []);
        const jobs: Record<string, string> = {
          apiServer: "apiserver",
          controllerManager: "kube-controller-manager",
          scheduler: "kube-scheduler",
          proxy: "kube-proxy",
        };
        expect(absent.filter((job) => Object.values(jobs).includes(job))).to.have.members(
          listed.flatMap((part) => jobs[part] ?? []),
        );
      }
    });
  });
});
