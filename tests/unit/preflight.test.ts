/** Each check of the preflight with minimal facts, and a broken cluster that is reported in one error. */
import type { V1Node, V1PersistentVolume, V1Pod, V1StatefulSet } from "@kubernetes/client-node";
import { expect } from "chai";
import { stringify } from "yaml";
import { asDoctorFinding } from "../../cli/commands/doctor/checks/preflight";
import { stepsLeft } from "../../cli/commands/rotate";
import { examine, inPreview } from "../../components/preflight";
import { withAddOns } from "../../components/preflight/add-ons";
import type { Check, Finding } from "../../components/preflight/check";
import { checks } from "../../components/preflight/checks";
import { type Facts, reasonOf, type Snapshot } from "../../components/preflight/facts";
import { namedSecrets } from "../../components/preflight/named-secrets";
import { placementNodes } from "../../components/preflight/nodes";
import { namespaceOwner } from "../../names";
import { parseSettings } from "../../settings";
import { mimirSteps, newestMimirStep } from "../../settings/mimir-steps";
import { gatewayPods } from "../../values/gateway";
import { backedUp, type Environment, settingsOf as shippedSettings } from "../support/stacks";

type Config = Record<string, unknown>;

/** Values of the shipped example that a real stack replaces. */
const database = {
  host: "postgres:5432",
  name: "grafana",
  user: "grafana",
  password: "secret",
  tls: "require",
};
const grafana = {
  database,
  url: "https://grafana.test",
  auth: {
    kind: "oauth",
    oauth: {
      clientId: "grafana",
      clientSecret: "secret",
      authUrl: "https://login.test/authorize",
      tokenUrl: "https://login.test/token",
      apiUrl: "https://login.test/userinfo",
      roles: { admin: ["platform"], editor: [], viewer: [] },
    },
  },
};
const receiver = { webhookUrl: "https://alerts.test/hook" };
const alerting = {
  receivers: { oncall: receiver },
  heartbeat: { url: "https://alerts.test/alive", interval: "5m" },
};
const s3 = { accessKey: "access", secretKey: "secret-key" };
const credentials = { loki: s3, mimir: s3, tempo: s3 };
const settingsOf = (environment: Environment, config: Config = {}) =>
  shippedSettings(environment, { ...(environment === "prod" && { grafana, alerting }), ...config });

const node = (name: string, zone: string): V1Node => ({
  metadata: { name, labels: { "topology.kubernetes.io/zone": zone, "kubernetes.io/os": "linux" } },
  status: { allocatable: { cpu: "16", memory: "64Gi", pods: "110" } },
});

/** A cluster on which every stack can be installed. */
const empty: Facts = {
  version: "v1.34.3",
  clusterUid: "uid",
  nodes: ["a", "a", "b", "b", "c", "c"].map((zone, index) => node(`node-${index}`, zone)),
  namespaces: ["default", "kube-system", "ingress-nginx"].map((name) => ({ metadata: { name } })),
  priorityClasses: [{ metadata: { name: "system-node-critical" }, value: 2_000_001_000 }],
  storageClasses: [
    {
      metadata: {
        name: "standard",
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: "csi.test",
      allowVolumeExpansion: true,
      volumeBindingMode: "WaitForFirstConsumer",
    },
  ],
  csiDrivers: ["csi.test"],
  pods: [],
  services: [],
  daemonSets: [],
  statefulSets: [],
  claims: [],
  volumes: [],
  quotas: [],
  limitRanges: [],
  definitions: [],
  prometheuses: [],
  apiServices: [],
  webhookGroups: [],
  releases: [],
  apiServerPorts: [6443],
  corefile: ".:53 {\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n    }\n}",
  ciliumConfig: undefined,
  clusterAutoscaler: false,
  gossip: {},
  lokiConfiguration: undefined,
  grafanaKey: undefined,
  secrets: [],
};

const snapshot = (facts: Partial<Facts> = {}): Snapshot => ({ facts: { ...empty, ...facts }, unread: {} });

const named = (name: string): Check => {
  const found = checks.find((check) => check.name === name);
  if (!found) throw new Error(`there is no check ${name}`);
  return found;
};

/** The findings of one check, a line for each. */
const told = (
  name: string,
  facts: Partial<Facts> = {},
  config: Config = {},
  environment: Environment = "prod",
): string[] =>
  examine("prod", settingsOf(environment, config), snapshot(facts), [named(name)]).findings.map(line);
const line = ({ severity, path, was, allowed }: Finding) =>
  `${severity} ${path} ${JSON.stringify(was)}: ${allowed}`;

const statefulSet = (namespace: string, name: string, replicas: number): V1StatefulSet => ({
  metadata: { namespace, name },
  spec: { replicas, selector: {}, template: {}, serviceName: name },
});

describe("unit: preflight", () => {
  it("finds nothing if both stacks fit", () => {
    for (const environment of ["dev", "prod"] as const)
      expect(examine("test", settingsOf(environment, backedUp), snapshot()), environment).to.deep.include({
        findings: [],
        unchecked: [],
      });
  });

  it("has checks with different names", () => {
    expect(new Set(checks.map(({ name }) => name)).size).to.equal(checks.length);
  });

  it("names the code of an error without a text, as for a host with several addresses", () => {
    const several = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    expect(reasonOf(several)).to.equal("ECONNREFUSED");
    const request = new Error("request to https://cluster.test failed, reason: ");
    expect(reasonOf(Object.assign(request, { code: "ETIMEDOUT" }))).to.match(/reason: ETIMEDOUT$/);
    expect(reasonOf(new Error("no route\nstack"))).to.equal("no route");
  });

  describe("without permission to read", () => {
    const unread = (key: keyof Facts): Snapshot => {
      const { [key]: _, ...facts } = empty;
      return { facts, unread: { [key]: `${key} is forbidden` } };
    };

    it("reports skipped checks", () => {
      const { findings, unchecked } = examine("test", settingsOf("prod", backedUp), unread("storageClasses"));
      expect(findings).to.deep.equal([]);
      expect(unchecked).to.deep.equal([
        "not checked: storage class, because these resources cannot be read: StorageClasses (storageClasses is forbidden)",
      ]);
    });

    it("does not report checks that do not apply", () => {
      expect(examine("test", settingsOf("dev"), unread("apiServerPorts")).unchecked).to.deep.equal([]);
    });

    it("is rejected if data could be lost", () => {
      expect(() => examine("test", settingsOf("prod"), unread("statefulSets"))).to.throw(
        "the cluster cannot be read, so no changes were made: StatefulSets (statefulSets is forbidden)",
      );
    });
  });

  describe("namespaces", () => {
    const label = { "app.kubernetes.io/part-of": "observability" };
    const lent = { cluster: { existingNamespaces: ["monitoring"] } };
    const namespace = (metadata: object, phase = "Active") => ({
      namespaces: [{ metadata: { name: "monitoring", ...metadata }, status: { phase } }],
    });

    it("that exist must belong to this stack", () => {
      expect(told("namespaces", namespace({ labels: label }))).to.deep.equal([]);
      const annotations = { "observability/stack": "observability/prod" };
      expect(told("namespaces", namespace({ labels: label, annotations }))).to.deep.equal([]);
      expect(told("namespaces", namespace({}))).to.deep.equal([
        "error cluster.existingNamespaces undefined: a list with monitoring, if this stack may use that namespace: it exists, and this stack did not create it",
      ]);
      const others = { "observability/stack": "observability/other" };
      expect(told("namespaces", namespace({ labels: label, annotations: others }))[0]).to.include(
        '"namespace monitoring of stack observability/other": without the namespaces of other stacks; this is observability/prod',
      );
      expect(told("namespaces", namespace({ labels: label }, "Terminating"))[0]).to.include(
        "namespace monitoring, which is being deleted",
      );
    });

    it("that exist are added to the list one by one", () => {
      const facts = {
        ...empty,
        namespaces: ["kube-system", "monitoring", "loki"].map((name) => ({ metadata: { name } })),
      };
      const settings = settingsOf("prod", { ...backedUp, cluster: { existingNamespaces: ["kube-system"] } });
      const commands = examine("prod", settings, { facts, unread: {} })
        .findings.filter(({ path, was }) => path === "cluster.existingNamespaces" && was === undefined)
        .map(({ change }) => change);
      expect(commands).to.deep.equal([
        "If it may: pulumi config set --stack prod --path 'cluster.existingNamespaces[1]' loki",
        "If it may: pulumi config set --stack prod --path 'cluster.existingNamespaces[2]' monitoring",
      ]);
    });

    it("in cluster.existingNamespaces must exist, and have no conflicting Pod Security level", () => {
      expect(told("namespaces", namespace({}), lent)).to.deep.equal([]);
      expect(told("namespaces", {}, lent)[0]).to.match(
        /^error cluster.existingNamespaces "monitoring": names of existing namespaces/,
      );
      const restricted = { labels: { "pod-security.kubernetes.io/enforce": "restricted" } };
      expect(told("namespaces", namespace(restricted), lent)[0]).to.include(
        "the stack sets privileged, monitoring has restricted",
      );
      expect(told("namespaces", {}, { cluster: { existingNamespaces: ["payments"] } })[0]).to.include(
        "namespaces of this stack: minio, loki,",
      );
    });

    it("in cluster.existingNamespaces have no sidecars of a service mesh", () => {
      const changesOf = (metadata: object) =>
        examine("prod", settingsOf("prod", lent), snapshot(namespace(metadata)), [
          named("namespaces"),
        ]).findings.map(({ severity, change }) => `${severity} ${change}`);
      const istio = [
        "error Disable the injection: kubectl label --overwrite namespace monitoring istio-injection=disabled",
      ];
      const revision = { "istio.io/rev": "stable" };
      expect(changesOf({ labels: { "istio-injection": "enabled" } })).to.deep.equal(istio);
      expect(changesOf({ labels: revision })).to.deep.equal(istio);
      expect(changesOf({ labels: { ...revision, "istio-injection": "disabled" } })).to.deep.equal([]);
      expect(changesOf({ annotations: { "linkerd.io/inject": "enabled" } })).to.deep.equal([
        "error Disable the injection: kubectl annotate --overwrite namespace monitoring linkerd.io/inject=disabled",
      ]);
      expect(changesOf({ annotations: { "linkerd.io/inject": "disabled" } })).to.deep.equal([]);
    });

    it("do not move between the created and the existing ones, which would delete them", () => {
      const made = (created: string, stack = "prod") =>
        namespace({
          labels: label,
          annotations: { "observability/stack": `observability/${stack}`, "observability/created": created },
        });
      expect(told("namespaces", made("true"))).to.deep.equal([]);
      expect(told("namespaces", made("false"), lent)).to.deep.equal([]);
      expect(told("namespaces", made("true", "other"), lent)).to.deep.equal([]);
      expect(told("namespaces", made("true"), lent)).to.deep.equal([
        'error cluster.existingNamespaces "monitoring": namespaces that this stack did not create: Pulumi would delete monitoring with its volumes',
      ]);
      expect(told("namespaces", made("false"))[0]).to.match(
        /^error cluster.existingNamespaces undefined: a list with monitoring/,
      );
    });

    it("are checked only for this stack", () => {
      expect(told("namespaces", { namespaces: [{ metadata: { name: "payments" } }] })).to.deep.equal([]);
      // MinIO is not installed.
      const external = {
        objectStorage: {
          kind: "external",
          external: { endpoint: "s3.test", region: "x", tls: true, pathStyle: true, ...credentials },
        },
      };
      expect(told("namespaces", { namespaces: [{ metadata: { name: "minio" } }] }, external)).to.deep.equal(
        [],
      );
    });
  });

  describe("storage class", () => {
    const [standard] = empty.storageClasses;
    const fast = { ...standard, metadata: { name: "fast" }, provisioner: "csi.test" };

    it("must exist, by name or as the default", () => {
      const check = "storage class";
      expect(told(check, { storageClasses: [] })).to.deep.equal([
        "error cluster.storageClass undefined: the name of a StorageClass; the cluster has none, so install a CSI driver and create one first",
      ]);
      expect(told(check, { storageClasses: [fast] })).to.deep.equal([
        "error cluster.storageClass undefined: one of the cluster's StorageClasses (fast), because none of them is its default",
      ]);
      expect(told(check, {}, { cluster: { storageClass: "fast" } })).to.deep.equal([
        'error cluster.storageClass "fast": one of the cluster\'s StorageClasses (standard)',
      ]);
      expect(told(check, { storageClasses: [fast] }, { cluster: { storageClass: "fast" } })).to.deep.equal(
        [],
      );
    });

    it("is the newest default, and has an installed driver", () => {
      const classes = (provisioner: string, created = "2026-01-01") => ({
        ...standard,
        metadata: { ...standard?.metadata, name: provisioner, creationTimestamp: new Date(created) },
        provisioner,
      });
      const of = (provisioner: string, csiDrivers: string[], environment: Environment = "prod") =>
        told("storage class", { storageClasses: [classes(provisioner)], csiDrivers }, {}, environment);
      // EKS: a cluster of version 1.29 or earlier has this default, but not the driver.
      expect(of("kubernetes.io/aws-ebs", ["efs.csi.aws.com"])).to.deep.equal([
        'error cluster.storageClass "kubernetes.io/aws-ebs": a StorageClass of an installed CSI driver (efs.csi.aws.com): this one needs ebs.csi.aws.com, without which volumes stay pending',
      ]);
      expect(of("ebs.csi.aws.com", ["ebs.csi.eks.amazonaws.com"], "dev")[0]).to.match(/^error /);
      expect(of("kubernetes.io/aws-ebs", ["ebs.csi.aws.com"])).to.deep.equal([]);
      expect(of("csi.other.test", [])[0]).to.match(/^warning .*\(none\): this one needs csi.other.test/);
      expect(of("rancher.io/local-path", [])).to.deep.equal([]);
      const two = [classes("kubernetes.io/aws-ebs"), classes("rancher.io/local-path", "2026-02-01")];
      for (const storageClasses of [two, two.toReversed()])
        expect(told("storage class", { storageClasses })).to.deep.equal([]);
    });

    it("is block storage", () => {
      for (const provisioner of [
        "efs.csi.aws.com",
        "file.csi.azure.com",
        "nfs.csi.k8s.io",
        "cluster.local/nfs-subdir",
      ])
        expect(
          told("storage class", {
            storageClasses: [{ ...standard, provisioner }],
            csiDrivers: [provisioner],
          })[0],
          provisioner,
        ).to.match(/^warning .*a StorageClass of block storage: .* is a network file system/);
    });

    it("is reported in prod if it cannot grow, or selects a zone too early", () => {
      const poor = [{ ...standard, provisioner: "local.test", allowVolumeExpansion: false }];
      const immediate = [{ ...standard, provisioner: "csi.test", volumeBindingMode: "Immediate" }];
      expect(told("storage class", { storageClasses: poor })).to.have.length(1);
      expect(told("storage class", { storageClasses: poor })[0]).to.match(
        /^warning .*allowVolumeExpansion: true/,
      );
      expect(told("storage class", { storageClasses: poor }, {}, "dev")).to.deep.equal([]);
      expect(told("storage class", { storageClasses: immediate })[0]).to.match(
        /^warning .*WaitForFirstConsumer, because this one selects a volume's zone, of 3,/,
      );
      expect(told("storage class", { storageClasses: immediate, nodes: [node("one", "a")] })).to.deep.equal(
        [],
      );
    });
  });

  describe("topology", () => {
    const three = [node("one", "a"), node("two", "b"), node("three", "c")];

    it("that cannot hold the quorums is rejected, and reported if the stack runs already", () => {
      const found = told("topology", { nodes: three });
      expect(found).to.have.length(1);
      expect(found[0]).to.match(/^error cluster.antiAffinity "quorum": preferred/);
      const soft = statefulSet("minio", "minio", 6);
      expect(told("topology", { nodes: three, statefulSets: [soft] })[0]).to.match(/^error cluster/);
      const apart = {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname" }],
      };
      const template = { spec: { containers: [], affinity: { podAntiAffinity: apart } } };
      const hard = { ...soft, spec: { ...soft.spec, selector: {}, serviceName: "minio", template } };
      expect(told("topology", { nodes: three, statefulSets: [hard] })[0]).to.match(
        /^warning cluster.antiAffinity/,
      );
    });

    it("with too few nodes is only reported if an autoscaler adds nodes for pending pods", () => {
      const pod = (name: string): V1Pod => ({ spec: { containers: [{ name }] } });
      const recognized: [Partial<Facts>, string][] = [
        [{ definitions: [{ name: "nodepools.karpenter.sh" }] }, "Karpenter"],
        [{ clusterAutoscaler: true }, "Cluster Autoscaler"],
        [{ pods: [pod("aws-cluster-autoscaler")] }, "Cluster Autoscaler"],
      ];
      for (const [facts, name] of recognized) {
        const [line, ...more] = told("topology", { nodes: three, ...facts });
        expect(line).to.match(/^warning cluster\.antiAffinity "quorum": preferred, .* 3 of 6 MinIO servers/);
        expect(line?.endsWith(`, unless ${name} adds nodes`)).to.equal(true);
        expect(more).to.deep.equal([]);
      }
      // OpenShift always has its operator.
      const operator = { pods: [pod("cluster-autoscaler-operator")] };
      expect(told("topology", { nodes: three, ...operator })[0]).to.match(/^error cluster.antiAffinity/);
    });

    it("without any node is reported by the selection of nodes, because a pool may grow from zero", () => {
      expect(told("topology", { nodes: [] })).to.deep.equal([]);
      expect(
        examine("test", settingsOf("prod"), snapshot({ nodes: [] }), [named("topology")]).notes,
      ).to.deep.equal([]);
      expect(told("selection of nodes", { nodes: [] })[0]).to.match(
        /^warning cluster\.scheduling .* unless an autoscaler adds them: no node can run pods of minio, loki/,
      );
      const loki = { cluster: { scheduling: { components: { loki: { nodeSelector: { pool: "loki" } } } } } };
      expect(told("topology", {}, loki)).to.deep.equal([]);
      expect(told("selection of nodes", {}, loki)[0]).to.match(/no node can run pods of loki$/);
    });

    it("counts nodes that can run the stack: cordoned and unreachable ones too, but not others", () => {
      const tainted = (key: string): V1Node => ({
        ...node(key, "a"),
        spec: { taints: [{ key, effect: "NoSchedule" }] },
      });
      const windows = node("windows", "a");
      const names = placementNodes(settingsOf("prod"), [
        node("one", "a"),
        tainted("node.kubernetes.io/unschedulable"),
        tainted("node.kubernetes.io/unreachable"),
        tainted("node-role.kubernetes.io/control-plane"),
        { ...windows, metadata: { name: "windows", labels: { "kubernetes.io/os": "windows" } } },
      ]).map(({ name }) => name);
      expect(names).to.deep.equal([
        "one",
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/unreachable",
      ]);
    });

    it("reports the effect of a loss", () => {
      const notes = (environment: Environment) =>
        examine("test", settingsOf(environment), snapshot(), [named("topology")]).notes;
      expect(notes("prod").slice(0, 2)).to.deep.equal([
        "The loss of one node costs neither writes nor reads.",
        "The loss of one zone costs neither writes nor reads.",
      ]);
      expect(notes("dev")).to.deep.equal([]);
    });
  });

  describe("lost nodes", () => {
    const lost = (name: string): V1Node => {
      const one = node(name, "a");
      return { ...one, status: { ...one.status, conditions: [{ type: "Ready", status: "Unknown" }] } };
    };
    const nodes = [lost("node-0"), ...empty.nodes.slice(1)];
    const pod = (namespace: string, name: string, kind: string, nodeName: string): V1Pod => ({
      metadata: { namespace, name, ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: name }] },
      spec: { containers: [], nodeName },
    });

    it("with members of StatefulSets are rejected, because an update would restart others", () => {
      const pods = [
        pod("loki", "loki-ingester-0", "StatefulSet", "node-0"),
        pod("minio", "minio-3", "StatefulSet", "node-0"),
        pod("mimir", "mimir-ingester-1", "StatefulSet", "node-1"),
        pod("loki", "loki-querier", "ReplicaSet", "node-0"),
        pod("shop", "postgres-0", "StatefulSet", "node-0"),
      ];
      expect(told("lost nodes", { nodes, pods })).to.deep.equal([
        'error cluster "node node-0 is not ready": ready before an update, which would restart other members of the quorums of loki/loki-ingester-0, minio/minio-3, and wait for these',
      ]);
    });

    it("are a warning in a preview, as no other error is", () => {
      const pods = [pod("loki", "loki-ingester-0", "StatefulSet", "node-0")];
      const { findings } = examine("prod", settingsOf("prod"), snapshot({ nodes, pods }), [
        named("lost nodes"),
      ]);
      expect(findings.map(inPreview).map(({ severity }) => severity)).to.deep.equal(["warning"]);
      const fewer = { statefulSets: [statefulSet("loki", "loki-ingester", 5)] };
      const others = examine("prod", settingsOf("prod"), snapshot(fewer), [named("replicas")]).findings;
      expect(others.map(inPreview).map(({ severity }) => severity)).to.deep.equal(["error"]);
    });

    it("without such pods are not, nor nodes that are ready", () => {
      const pods = [pod("loki", "loki-querier", "ReplicaSet", "node-0")];
      expect(told("lost nodes", { nodes, pods })).to.deep.equal([]);
      const member = pod("loki", "loki-ingester-0", "StatefulSet", "node-0");
      expect(told("lost nodes", { pods: [member] })).to.deep.equal([]);
    });
  });

  describe("placement of volumes", () => {
    const named = (name: string, zone: string): V1Node => {
      const { metadata, ...rest } = node(name, zone);
      const labels = { ...metadata?.labels, "kubernetes.io/hostname": name };
      return { ...rest, metadata: { ...metadata, labels } };
    };
    const nodes = ["a", "a", "b", "b", "c", "c"].map((zone, index) => named(`node-${index}`, zone));
    /** A bound volume that can be used on nodes with certain values of a label. */
    const volume = (
      namespace: string,
      claim: string,
      key: string,
      ...values: string[]
    ): V1PersistentVolume => ({
      spec: {
        claimRef: { namespace, name: claim },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values }] }] },
        },
      },
    });
    const zone = "topology.kubernetes.io/zone";
    const host = "kubernetes.io/hostname";
    const ingesters = (key: string, ...places: string[]) =>
      places.map((place, index) => volume("loki", `data-loki-ingester-${index}`, key, place));

    it("is valid on different nodes and evenly over zones, or if volumes can move", () => {
      const name = "placement of volumes";
      expect(told(name, { nodes, volumes: ingesters(zone, "a", "b", "c") })).to.deep.equal([]);
      expect(told(name, { nodes, volumes: ingesters(host, "node-0", "node-2", "node-4") })).to.deep.equal([]);
      const shared = [0, 1, 2].map((n) => volume("loki", `data-loki-ingester-${n}`, zone, "a", "b", "c"));
      expect(told(name, { nodes, volumes: shared })).to.deep.equal([]);
      expect(
        told(
          name,
          { nodes, volumes: ingesters(zone, "a", "a", "a") },
          { cluster: { antiAffinity: "preferred" } },
        ),
      ).to.deep.equal([]);
      // Pods outside quorums may run anywhere.
      const compactor = [volume("loki", "data-loki-compactor-0", host, "node-0")];
      expect(told(name, { nodes, volumes: compactor })).to.deep.equal([]);
    });

    it("is rejected on one node, or with too many in one zone", () => {
      const name = "placement of volumes";
      expect(told(name, { nodes, volumes: ingesters(zone, "a", "a", "b") })[0]).to.match(
        /^error cluster\.antiAffinity "quorum": preferred, .*loki\/loki-ingester \(2 in a, 1 in b, 0 in c\)/,
      );
      expect(told(name, { nodes, volumes: ingesters(host, "node-0", "node-0", "node-4") })[0]).to.match(
        /loki\/loki-ingester \(2 in node-0\)/,
      );
      const minio = [0, 1, 2].map((n) => volume("minio", `export-minio-${n}`, host, `node-${n % 2}`));
      expect(told(name, { nodes, volumes: minio })[0]).to.match(/minio\/minio \(2 in node-0\)/);
    });
  });

  describe("scheduling", () => {
    const pool = (name: string, zone: string): V1Node => {
      const { metadata, ...rest } = node(name, zone);
      return {
        ...rest,
        metadata: { ...metadata, labels: { ...metadata?.labels, pool: "monitoring", host: name } },
        spec: { taints: [{ key: "dedicated", value: "monitoring", effect: "NoSchedule" }] },
      };
    };
    const others = empty.nodes;
    const pools = ["a", "a", "b", "b", "c", "c"].map((zone, index) => pool(`pool-${index}`, zone));
    const dedicated = {
      nodeSelector: { pool: "monitoring" },
      tolerations: [{ key: "dedicated", value: "monitoring", effect: "NoSchedule" }],
    };
    const scheduled = (scheduling: object) => ({ cluster: { scheduling } });
    const usable = (nodes: V1Node[], scheduling: object) =>
      placementNodes(settingsOf("prod", scheduled(scheduling)), nodes).map(({ name }) => name);

    it("counts the nodes of the pool, with their taint tolerated", () => {
      expect(usable([...others, ...pools], dedicated)).to.deep.equal(
        pools.map(({ metadata }) => metadata?.name),
      );
      expect(usable(pools, { nodeSelector: { pool: "monitoring" } })).to.deep.equal([]);
      expect(usable(pools, { tolerations: [{ key: "dedicated", value: "other" }] })).to.deep.equal([]);
      expect(usable(pools, { tolerations: [{ key: "dedicated", operator: "Exists" }] })).to.have.length(6);
      expect(usable(pools, { tolerations: [{ operator: "Exists" }] })).to.have.length(6);
    });

    it("places a quorum on the nodes of its component", () => {
      const nodes = [...others, ...pools.slice(0, 2)];
      expect(told("topology", { nodes }, scheduled({ components: { loki: dedicated } }))[0]).to.match(
        /^error cluster\.antiAffinity "quorum": .*none for \d of 3 Loki ingesters \(loki\.ingester\.replicas\)$/,
      );
      expect(
        told("topology", { nodes: [...others, ...pools] }, scheduled({ components: { loki: dedicated } })),
      ).to.deep.equal([]);
    });

    it("warns of a selection without a node, which an autoscaler may add", () => {
      const [line, ...more] = told(
        "selection of nodes",
        {},
        scheduled({ nodeSelector: { pool: "monitoring" } }),
      );
      expect(line).to.match(
        /^warning cluster\.scheduling .*"pool":"monitoring".* no node can run pods of minio, loki, mimir/,
      );
      expect(more).to.deep.equal([]);
      expect(
        told("selection of nodes", { nodes: [...others, ...pools] }, scheduled(dedicated)),
      ).to.deep.equal([]);
    });

    it("rejects a selection that excludes the nodes of existing volumes", () => {
      const volume = (name: string): V1PersistentVolume => ({
        spec: {
          claimRef: { namespace: "mimir", name: "storage-mimir-ingester-0" },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "host", operator: "In", values: [name] }] }],
            },
          },
        },
      });
      const { metadata, ...rest } = node("old", "a");
      const old = { ...rest, metadata: { ...metadata, labels: { ...metadata?.labels, host: "old" } } };
      const nodes = [old, ...pools];
      const check = (name: string) =>
        told("selection of nodes", { nodes, volumes: [volume(name)] }, scheduled(dedicated));
      expect(check("old")[0]).to.match(
        /^error cluster\.scheduling .*their pods cannot move: mimir\/storage-mimir-ingester-0 \(old\)$/,
      );
      expect(check("pool-0")).to.deep.equal([]);
      // A deleted node does not affect the selection.
      expect(check("gone")).to.deep.equal([]);
    });

    it("rejects a PriorityClass that does not exist", () => {
      const named = scheduled({
        priorityClass: "monitoring",
        components: { loki: { priorityClass: "stores" } },
      });
      expect(told("priority classes", {}, named)).to.deep.equal([
        'error cluster.scheduling.priorityClass "monitoring": one of the cluster\'s PriorityClasses (system-node-critical)',
        'error cluster.scheduling.components.loki.priorityClass "stores": one of the cluster\'s PriorityClasses (system-node-critical)',
      ]);
      const priorityClasses = ["monitoring", "stores"].map((name) => ({ metadata: { name }, value: 1 }));
      expect(told("priority classes", { priorityClasses }, named)).to.deep.equal([]);
    });
  });

  describe("resource quotas", () => {
    const quota = (hard: Record<string, string>, spec = {}) => ({
      quotas: [{ metadata: { namespace: "loki", name: "team" }, spec: { hard, ...spec } }],
    });
    const range = (namespace: string) => ({
      limitRanges: [
        { metadata: { namespace }, spec: { limits: [{ type: "Container", _default: { cpu: "2" } }] } },
      ],
    });

    it("do not require CPU limits, unless a LimitRange adds them", () => {
      const cpu = quota({ "limits.cpu": "40" });
      const found = [
        'warning cluster "ResourceQuota loki/team with limits.cpu": without limits.cpu or with a LimitRange that adds a CPU limit: pods of the stack have none, so the API server rejects them',
      ];
      expect(told("resource quotas", cpu)).to.deep.equal(found);
      expect(told("resource quotas", { ...cpu, ...range("mimir") })).to.deep.equal(found);
      expect(told("resource quotas", { ...cpu, ...range("loki") })).to.deep.equal([]);
      expect(told("resource quotas", quota({ "requests.cpu": "40", "limits.memory": "80Gi" }))).to.deep.equal(
        [],
      );
      expect(told("resource quotas", quota({ "limits.cpu": "1" }, { scopes: ["BestEffort"] }))).to.deep.equal(
        [],
      );
    });
  });

  describe("Secrets in the settings", () => {
    const check = "Secrets in the settings";
    const secret = {
      path: "grafana.existingSecret",
      namespace: "grafana",
      name: "grafana-login",
      keys: ["OAUTH_CLIENT_SECRET"],
      mayFollow: false,
    };

    it("must exist, with their keys", () => {
      expect(told(check, { secrets: [{ ...secret, found: ["OAUTH_CLIENT_SECRET"] }] })).to.deep.equal([]);
      expect(told(check, { secrets: [secret] })).to.deep.equal([
        'error grafana.existingSecret "grafana-login": the name of an existing Secret; there is no Secret grafana-login in namespace grafana',
      ]);
      expect(told(check, { secrets: [{ ...secret, found: ["password"] }] })).to.deep.equal([
        'error grafana.existingSecret "grafana-login": a Secret with the key OAUTH_CLIENT_SECRET; grafana/grafana-login has password',
      ]);
    });

    it("may be missing if a controller creates them later", () => {
      const pull = { ...secret, path: "images.pullSecret", name: "pull", mayFollow: true };
      const secrets = ["loki", "mimir"].map((namespace) => ({ ...pull, namespace }));
      expect(told(check, { secrets })).to.deep.equal([
        'warning images.pullSecret "pull": the name of an existing Secret; there is no Secret pull in namespace loki, mimir',
      ]);
    });
  });

  describe("Secrets with certificates", () => {
    it("are expected in the namespaces of their Ingresses and Services", () => {
      const settings = settingsOf("prod", {
        namespaces: { prefix: "b-" },
        access: { ingress: { domain: "stack.test", tlsSecret: "gateways" } },
        otlp: { ingress: { host: "otlp.stack.test", tlsSecret: "collector" } },
      });
      const found = namedSecrets(settings).filter(({ path }) => path.endsWith("tlsSecret"));
      expect(found.map(({ path, namespace, name }) => `${path} ${namespace}/${name}`)).to.deep.equal([
        ...["loki", "mimir", "tempo"].map((store) => `access.ingress.tlsSecret b-${store}/gateways`),
        "otlp.ingress.tlsSecret b-alloy-traces/collector",
      ]);
      for (const { keys } of found) expect(keys).to.deep.equal(["tls.crt", "tls.key"]);
    });
  });

  describe("placeholders", () => {
    it("of the shipped prod stack are all listed", () => {
      const { findings } = examine("prod", shippedSettings("prod"), snapshot(), [named("placeholders")]);
      expect(findings.map(({ severity, path, was }) => `${severity} ${path} ${was}`)).to.deep.equal([
        "error grafana.url https://grafana.example.com",
        "error grafana.auth.oauth.authUrl https://login.example.com/authorize",
        "error grafana.auth.oauth.tokenUrl https://login.example.com/token",
        "error grafana.auth.oauth.apiUrl https://login.example.com/userinfo",
      ]);
    });

    it("and missing Secrets are in the same list", () => {
      const settings = shippedSettings("prod");
      const { findings } = examine("prod", settings, snapshot({ secrets: namedSecrets(settings) }));
      const of = (severity: string) =>
        findings.filter((one) => one.severity === severity).map(({ path }) => path);
      expect(of("error")).to.deep.equal([
        "grafana.url",
        "grafana.auth.oauth.authUrl",
        "grafana.auth.oauth.tokenUrl",
        "grafana.auth.oauth.apiUrl",
        "grafana.existingSecret",
      ]);
      expect(of("warning")).to.include.members([
        "grafana.ingress.tlsSecret",
        "alerting.receivers",
        "alerting.heartbeat",
      ]);
    });

    it("are recognized by their host, in secrets too, and nothing else is", () => {
      const config = (webhookUrl: string) => ({ alerting: { receivers: { oncall: { webhookUrl } } } });
      const path = "alerting.receivers.oncall.webhookUrl";
      expect(told("placeholders", {}, config("https://hooks.example.org/x"))).to.deep.equal([
        `error ${path} "[secret]": your own value; this one is an example`,
      ]);
      for (const url of [
        "https://my-example.com/",
        "https://example.company.test/",
        "https://examples.test/",
      ])
        expect(told("placeholders", {}, config(url)), url).to.deep.equal([]);
      expect(told("placeholders", {}, config("https://hooks.example.org/x"), "dev")).to.deep.equal([]);
    });
  });

  describe("container runtime", () => {
    it("has its socket at the path that cAdvisor uses", () => {
      const facts = (kubeletVersion: string) => ({
        nodes: [{ status: { nodeInfo: { kubeletVersion } } } as V1Node],
      });
      expect(told("container runtime", facts("v1.34.3+k3s1"))).to.deep.equal([
        'warning cadvisor.containerdSocket "/run/containerd/containerd.sock": /run/k3s/containerd/containerd.sock, the socket on nodes with kubelet v1.34.3+k3s1; otherwise containers have no metrics in Mimir',
      ]);
      const microk8s = node("one", "a");
      microk8s.metadata = { labels: { "microk8s.io/cluster": "true" } };
      expect(told("container runtime", { nodes: [microk8s] })[0]).to.contain(
        "/var/snap/microk8s/common/run/containerd.sock",
      );
      const set = { cadvisor: { containerdSocket: "/run/k3s/containerd/containerd.sock" } };
      expect(told("container runtime", facts("v1.34.3+rke2r1"), set)).to.deep.equal([]);
      expect(told("container runtime", facts("v1.34.3"))).to.deep.equal([]);
    });
  });

  describe("ports of the API server", () => {
    it("must be allowed if there are NetworkPolicies", () => {
      const facts = { apiServerPorts: [6444] };
      expect(told("ports of the API server", facts)).to.deep.equal([
        "error network.apiServerPorts [443,6443]: a list with 6444: the endpoints of Service default/kubernetes listen there, and NetworkPolicies apply to the endpoint's port",
      ]);
      expect(told("ports of the API server", facts, { network: { apiServerPorts: [6444] } })).to.deep.equal(
        [],
      );
      expect(told("ports of the API server", facts, { network: { policies: false } })).to.deep.equal([]);
    });
  });

  describe("DNS domain", () => {
    it("must be the one that CoreDNS serves", () => {
      const facts = {
        corefile: ".:53 {\n  errors\n  kubernetes corp.internal. in-addr.arpa ip6.arpa {\n  }\n}",
      };
      expect(told("DNS domain", facts)).to.deep.equal([
        'error cluster.domain "cluster.local": corp.internal, which CoreDNS serves',
      ]);
      expect(told("DNS domain", facts, { cluster: { domain: "corp.internal" } })).to.deep.equal([]);
      expect(told("DNS domain", { corefile: undefined })).to.deep.equal([]);
    });
  });

  describe("Kubernetes version", () => {
    it("must be one that the charts support", () => {
      for (const version of ["v1.32.0", "v1.34.3+k3s1", "v1.33.1-eks-1234567", "v2.0.0"])
        expect(told("Kubernetes version", { version }), version).to.deep.equal([]);
      expect(told("Kubernetes version", { version: "v1.31.12-gke.1" })).to.deep.equal([
        'error cluster "Kubernetes v1.31.12-gke.1": Kubernetes 1.32 or later, which the charts require',
      ]);
    });
  });

  describe("index of Loki", () => {
    const boltdb = { from: "2024-01-01", store: "boltdb-shipper" };
    const runs = (...configs: object[]) => ({ lokiConfiguration: stringify({ schema_config: { configs } }) });
    const wants = (...schema: object[]) => ({ loki: { schema } });
    const change = (live: object[], wanted: object[]) =>
      told("index of Loki", runs(...live), wants(...wanted));
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
    const tsdb = (days: number) => ({ from: daysAgo(days), store: "tsdb" });

    it("can get a period in the future, and a future one can change", () => {
      expect(told("index of Loki")).to.deep.equal([]);
      expect(change([boltdb], [boltdb])).to.deep.equal([]);
      expect(change([boltdb], [boltdb, tsdb(-1)])).to.deep.equal([]);
      expect(change([boltdb, tsdb(-9)], [boltdb, tsdb(-5)])).to.deep.equal([]);
      expect(change([boltdb, tsdb(9)], [boltdb, tsdb(9)])).to.deep.equal([]);
    });

    it("cannot change or lose a period with logs", () => {
      const lost =
        'error loki.schema [{"from":"2024-01-01","store":"tsdb"}]: a list with {from: "2024-01-01", store: boltdb-shipper}: ' +
        "Loki wrote logs with that index, and cannot find them without it; docs/guides/logs.md#the-index";
      expect(change([boltdb], [{ ...boltdb, store: "tsdb" }])).to.deep.equal([lost]);
      expect(change([boltdb], [{ ...boltdb, from: "2024-02-01" }])).to.have.length(1);
      expect(change([boltdb, tsdb(9)], [boltdb])).to.have.length(1);
      expect(change([boltdb, tsdb(9)], [tsdb(9)])).to.have.length(1);
    });

    it("loses a period whose logs have expired", () => {
      expect(change([boltdb, tsdb(40)], [tsdb(40)])).to.deep.equal([]);
    });

    it("does not begin a period in the past", () => {
      for (const days of [0, 3])
        expect(change([boltdb], [boltdb, tsdb(days)])).to.deep.equal([
          `error loki.schema[1].from ${JSON.stringify(daysAgo(days))}: a date after today, ${daysAgo(0)} (UTC): since that date, Loki has written logs with another index`,
        ]);
    });
  });

  describe("object storage", () => {
    const external = { endpoint: "s3.test", region: "eu", tls: true, pathStyle: true, ...credentials };
    const moved = { objectStorage: { kind: "external", external } };
    const server = {
      metadata: { namespace: "minio", name: "minio-0", labels: { app: "minio", release: "minio" } },
    };
    const running = (labels: Record<string, string>, pods = [server]) => ({
      namespaces: [{ metadata: { name: "minio", labels } }],
      pods,
    });
    const owned = { [namespaceOwner.label]: namespaceOwner.project };

    it("cannot change while MinIO runs, which up would delete", () => {
      expect(told("object storage", running(owned), moved)).to.deep.equal([
        'error objectStorage.kind "external": minio while this stack\'s MinIO runs in namespace minio: up would delete it with all data',
      ]);
      expect(told("object storage", running(owned), moved, "dev")).to.have.length(1);
    });

    it("can change after MinIO was scaled to 0, and use a MinIO of somebody else", () => {
      expect(told("object storage", running(owned, []), moved)).to.deep.equal([]);
      expect(told("object storage", running({}), moved)).to.deep.equal([]);
      expect(told("object storage", running(owned))).to.deep.equal([]);
    });
  });

  describe("users of the gateways", () => {
    const name = "users of the gateways";
    const access = { ingress: { domain: "hub.test" } };
    /** A pod of a gateway with these settings, as the charts annotate it. */
    const gateway = (config: Config, metadata: object = {}): V1Pod => ({
      metadata: {
        namespace: "loki",
        annotations: gatewayPods(settingsOf("prod", config)).annotations,
        ...metadata,
      },
    });
    const told = (pods: V1Pod[], config: Config) =>
      examine("prod", settingsOf("prod", config), snapshot({ pods }), [named(name)]).findings.map(
        ({ severity, path, was }) => `${severity} ${path} ${JSON.stringify(was)}`,
      );
    const rotated = (running: number[], wanted: number[], more: V1Pod[] = []) =>
      told([gateway({ access: { generations: running } }), ...more], { access: { generations: wanted } });

    it("keep their passwords in each step of a rotation, if it is repeated, and if it is given up before clients change", () => {
      let running = [1];
      for (const { generations } of stepsLeft(running)) {
        expect(rotated(running, generations)).to.deep.equal([]);
        expect(rotated(generations, generations)).to.deep.equal([]);
        // While the gateways restart, pods with both lists run.
        const old = gateway({ access: { generations: running } });
        expect(rotated(generations, generations, [old])).to.deep.equal([]);
        running = generations;
      }
      expect(rotated([1, 2], [1])).to.deep.equal([]);
      expect(told([], { access: { generations: [7] } }), "a new stack").to.deep.equal([]);
    });

    it("are not locked out by generations that were not committed after a rotation, or that skip one of its steps", () => {
      for (const [running, wanted] of [
        [[2], [1]],
        [[2, 1], [1]],
        [[1], [2]],
        [[1], [2, 1]],
      ] as [number[], number[]][])
        expect(rotated(running, wanted), `${running} to ${wanted}`).to.deep.equal([
          `error access.generations [${wanted}]`,
        ]);
      // A pod of the last step still runs, and does not accept what clients would use.
      expect(rotated([1, 2], [2, 1], [gateway({ access: { generations: [1] } })])).to.have.length(1);
      const leaving = { deletionTimestamp: new Date() };
      expect(rotated([1, 2], [2, 1], [gateway({ access: { generations: [1] } }, leaving)])).to.deep.equal([]);
    });

    it("include every agent until it is removed", () => {
      const hub = (agents: Config) => ({ access, agents });
      const running = [gateway(hub({ "eu-1": {}, "us-1": {}, "ap-1": { removed: "keepData" } }))];
      expect(told(running, hub({ "eu-1": {}, "us-1": { removed: "keepData" } }))).to.deep.equal([]);
      expect(told(running, hub({ "eu-1": {}, "us-one": {} }))).to.deep.equal(["error agents.us-1 undefined"]);
      expect(told(running, {})).to.deep.equal(["error agents.eu-1 undefined", "error agents.us-1 undefined"]);
    });

    it("are those of the stores of an agent's hub", () => {
      const agent = parseSettings("eu-1", {
        environment: "prod",
        cluster: { name: "eu-1" },
        hub: { stack: "organization/observability/prod" },
      });
      const pods = [gateway({ access: { generations: [2] } })];
      expect(examine("eu-1", agent, snapshot({ pods }), [named(name)]).findings).to.deep.equal([]);
    });
  });

  describe("version of Mimir", () => {
    const newest = newestMimirStep;
    const live = (version: string, rolling: string[] = [], name = "mimir-ingester"): Partial<Facts> => {
      const ingester = statefulSet("mimir", name, 3);
      const labels = { "helm.sh/chart": `mimir-distributed-${version}` };
      return {
        statefulSets: [{ ...ingester, metadata: { ...ingester.metadata, labels } }],
        gossip: { mimir: { gossip: { label: "mimir.mimir.test", verified: true }, rolling } },
      };
    };
    const found = (facts: Partial<Facts>, chartVersion?: string) =>
      told("version of Mimir", facts, chartVersion ? { mimir: { chartVersion } } : {});

    it("is the newest in a new stack, and any available one", () => {
      expect(found({})).to.deep.equal([]);
      expect(found({}, "5.7.0")).to.deep.equal([]);
      for (const step of mimirSteps) expect(found(live(step), step), step).to.deep.equal([]);
      expect(found(live(newest))).to.deep.equal([]);
    });

    it("is that of another StatefulSet if the ingesters' was deleted for larger volumes", () => {
      expect(found(live(newest, [], "mimir-chunks-cache"), "5.7.0")).to.have.length(1);
      const [others, ingesters] = [live("5.7.0", [], "mimir-compactor"), live(newest)];
      const both = {
        ...ingesters,
        statefulSets: [others, ingesters].flatMap((one) => one.statefulSets ?? []),
      };
      expect(found(both)).to.deep.equal([]);
    });

    it("is upgraded one step at a time, also from a version that is not a step", () => {
      for (const [index, step] of mimirSteps.slice(1).entries())
        expect(found(live(mimirSteps[index] ?? ""), step), step).to.deep.equal([]);
      expect(found(live("5.5.1"), "5.7.0")).to.deep.equal([]);
      expect(found(live("5.7.3"), "5.8.0")).to.deep.equal([]);
      expect(found(live("5.7.0"))).to.deep.equal([
        "error mimir.chartVersion undefined: 5.8.0: Mimir runs chart version 5.7.0, and it can upgrade only one step at a time; docs/guides/upgrades.md#mimir",
      ]);
      expect(found(live("5.8.0"), "6.1.0")).to.deep.equal([
        'error mimir.chartVersion "6.1.0": 6.0.6: Mimir runs chart version 5.8.0, and it can upgrade only one step at a time; docs/guides/upgrades.md#mimir',
      ]);
      expect(found(live("5.5.1"), "5.8.0")[0]).to.match(/: 5\.7\.0: Mimir runs chart version 5\.5\.1/);
    });

    it("waits for the rollout of the last step", () => {
      expect(found(live("5.8.0", ["mimir/mimir-querier"]), "6.0.6")).to.deep.equal([
        'error mimir.chartVersion "6.0.6": 5.8.0 until its rollout is complete: mimir/mimir-querier',
      ]);
      expect(found(live("5.8.0", ["mimir/mimir-querier"]), "5.8.0")).to.deep.equal([]);
    });

    it("is rolled back one step with a warning, never two, and not from an unknown version", () => {
      expect(found(live("6.0.6", ["mimir/mimir-querier"]), "5.8.0")).to.deep.equal([
        'warning mimir.chartVersion "5.8.0": 6.0.6: Mimir runs chart version 6.0.6, and upstream does not guarantee that an older version can read its data',
      ]);
      expect(found(live("6.1.0"), "5.8.0")[0]).to.match(
        /^error .*: 6\.0\.6: Mimir runs chart version 6\.1\.0/,
      );
      expect(found(live("7.0.0"))[0]).to.match(/^error .*: 7\.0\.0, the running chart version of Mimir/);
    });
  });

  it("rejects another secret key of Grafana, or its removal", () => {
    const key = "a-key-of-more-than-16-characters";
    const withKey = (origin: string | undefined, secretKey?: string) =>
      told("Grafana's secret key", { grafanaKey: { key, origin } }, { grafana: { ...grafana, secretKey } });
    for (const origin of [undefined, "generated", "given"]) expect(withKey(origin, key)).to.deep.equal([]);
    for (const origin of [undefined, "generated"]) expect(withKey(origin)).to.deep.equal([]);
    expect(withKey("generated", "another-key-of-16-characters")).to.deep.equal([
      'error grafana.secretKey "[secret]": unset, or the generated key in Secret grafana/grafana-environment, which encrypted the secrets in Grafana\'s database',
    ]);
    expect(withKey(undefined, "another-key-of-16-characters")).to.have.length(1);
    const given =
      "the key in Secret grafana/grafana-environment, which encrypted the secrets in Grafana's database";
    expect(withKey("given", "another-key-of-16-characters")).to.deep.equal([
      `error grafana.secretKey "[secret]": ${given}`,
    ]);
    expect(withKey("given")).to.deep.equal([`error grafana.secretKey undefined: ${given}`]);
    // A new installation.
    expect(told("Grafana's secret key", {}, { grafana: { ...grafana, secretKey: key } })).to.deep.equal([]);
  });

  describe("replicas", () => {
    const live = (replicas: number) => ({
      statefulSets: [
        statefulSet("loki", "loki-ingester", replicas),
        statefulSet("mimir", "mimir-ingester", replicas),
        statefulSet("mimir", "mimir-store-gateway", replicas),
        statefulSet("mimir", "mimir-alertmanager", replicas),
        statefulSet("tempo", "tempo-ingester", replicas),
      ],
    });

    it("may increase or stay", () => {
      expect(told("replicas", live(0))).to.deep.equal([]);
      expect(told("replicas", live(1))).to.deep.equal([]);
    });

    it("of ingesters cannot decrease only by a lower number", () => {
      const found = told("replicas", live(4));
      expect(found.map((text) => text.split(":")[0])).to.deep.equal([
        "error loki.ingester.replicas 3",
        "error mimir.ingester.replicas 3",
        "error mimir.storeGateway.replicas 2",
        "error tempo.ingester.replicas 3",
      ]);
      expect(found[0]).to.include("4 or more: StatefulSet loki/loki-ingester has 4 replicas");
    });

    it("of a StatefulSet that was deleted for larger volumes are those of its pods", () => {
      const pods = ["mimir-ingester-2", "mimir-ingester-4", "mimir-ingester-zone-a-9"].map((name) => ({
        metadata: { namespace: "mimir", name },
      }));
      const [found, ...more] = told("replicas", { pods });
      expect(found).to.include("5 or more: StatefulSet mimir/mimir-ingester has 5 replicas");
      expect(more).to.deep.equal([]);
    });

    it("of store-gateways and Alertmanagers decrease in steps", () => {
      const one = (name: string, replicas: number) =>
        told("replicas", { statefulSets: [statefulSet("mimir", name, replicas)] });
      expect(one("mimir-store-gateway", 3)).to.deep.equal([]);
      expect(one("mimir-store-gateway", 4)[0]).to.include("3 or more: StatefulSet mimir/mimir-store-gateway");
      expect(one("mimir-alertmanager", 5)).to.deep.equal([]);
      expect(one("mimir-alertmanager", 6)[0]).to.include("4 or more");
    });

    it("of Alloy for traces decrease with a warning about the spans in queues", () => {
      const alloy = (replicas: number, prefix = "") => ({
        statefulSets: [statefulSet(`${prefix}alloy-traces`, `${prefix}alloy-traces`, replicas)],
      });
      const expected = (prefix: string) => [
        `warning alloyTraces.replicas 2: 3 or more while Tempo is unavailable or behind: StatefulSet ${prefix}alloy-traces/${prefix}alloy-traces has 3 replicas, and spans in the queue of a removed pod stay on its PVC until the number is raised again`,
      ];
      expect(told("replicas", alloy(2))).to.deep.equal([]);
      expect(told("replicas", alloy(3))).to.deep.equal(expected(""));
      expect(told("replicas", alloy(3, "b-"), { namespaces: { prefix: "b-" } })).to.deep.equal(
        expected("b-"),
      );
    });
  });

  describe("add-ons", () => {
    const helm = (release: string, namespace: string) => ({
      "meta.helm.sh/release-name": release,
      "meta.helm.sh/release-namespace": namespace,
    });
    const definition = (name: string, annotations = {}) => ({ definitions: [{ name, annotations }] });

    const keda = definition("scaledobjects.keda.sh", helm("keda", "keda"));
    const install = {
      kubePrometheusStack: { crds: "install" },
      openTelemetryOperator: { install: "install" },
      scaling: {
        keda: "install",
        verticalPodAutoscaler: "install",
        metricsServer: "install",
        ingesters: "recommend",
      },
    };

    it("of other owners are not installed again", () => {
      expect(told("add-ons", definition("prometheuses.monitoring.coreos.com"), install)).to.deep.equal([
        'error kubePrometheusStack.crds "install": auto or existing: the cluster has the CRDs of Prometheus Operator already, from another installation',
      ]);
      expect(told("add-ons", keda, install)).to.deep.equal([
        'error scaling.keda "install": auto or existing: the cluster has KEDA already, from Helm release keda/keda',
      ]);
      const server = (name: string) => ({ apiServices: [{ metadata: { name } }] });
      expect(told("add-ons", server("v1beta1.external.metrics.k8s.io"), install)[0]).to.match(
        /^error scaling.keda .*alloyMetrics.maxReplicas/,
      );
      expect(told("add-ons", server("v1beta1.metrics.k8s.io"), install)[0]).to.match(
        /^error scaling.metricsServer "install"/,
      );
      expect(told("add-ons", definition("instrumentations.opentelemetry.io"), install)[0]).to.match(
        /^error openTelemetryOperator.install "install": auto or existing/,
      );
      expect(told("add-ons", definition("verticalpodautoscalers.autoscaling.k8s.io"), install)[0]).to.match(
        /^error scaling.verticalPodAutoscaler /,
      );
    });

    it("of this stack, and those that it does not install, are not conflicts", () => {
      const own = definition("prometheuses.monitoring.coreos.com", helm("kps-crds", "monitoring"));
      expect(told("add-ons", own, install)).to.deep.equal([]);
      expect(
        told("add-ons", keda, { scaling: { keda: "existing", metricsServer: "install" } }),
      ).to.deep.equal([]);
      // Helm does not annotate objects in a chart's crds/.
      const vertical = {
        ...definition("verticalpodautoscalers.autoscaling.k8s.io"),
        releases: [{ namespace: "autoscaling", labels: { name: "vertical-pod-autoscaler" } }],
      };
      expect(told("add-ons", vertical, install)).to.deep.equal([]);
    });

    it("that are declared as existing but missing are reported", () => {
      expect(told("add-ons", {}, { scaling: { keda: "existing" } })).to.deep.equal([
        'warning scaling.keda "existing": auto or install: the cluster does not have KEDA',
      ]);
    });

    it("that this stack installed are not declared as existing", () => {
      const releases = [{ namespace: "monitoring", labels: { name: "kps-crds", status: "deployed" } }];
      const own = {
        ...definition("prometheuses.monitoring.coreos.com", helm("kps-crds", "monitoring")),
        releases,
      };
      const existing = { kubePrometheusStack: { crds: "existing" } };
      expect(told("add-ons", own, existing)).to.deep.equal([
        'error kubePrometheusStack.crds "existing": auto or install: this stack installed the CRDs of Prometheus Operator with Helm release monitoring/kps-crds, and up would delete it, with the objects of its kinds in the whole cluster (docs/guides/customizing.md#add-ons)',
      ]);
      // Helm uninstalls a release with all objects of its manifest, also if another release claims them.
      const claimed = {
        ...definition("prometheuses.monitoring.coreos.com", helm("prometheus", "other")),
        releases,
      };
      expect(told("add-ons", claimed, existing)).to.have.length(1);
      expect(told("add-ons", own, { kubePrometheusStack: { crds: "install" } })).to.deep.equal([]);
      expect(told("add-ons", { ...own, releases: [] }, existing)).to.deep.equal([]);
    });

    describe("with auto", () => {
      const resolved = (facts: Partial<Facts>, config: Config = {}) => {
        const { scaling, kubePrometheusStack, openTelemetryOperator } = withAddOns(
          "prod",
          settingsOf("prod", config),
          snapshot(facts),
        );
        const { metricsServer, keda, verticalPodAutoscaler } = scaling;
        return {
          crds: kubePrometheusStack.crds,
          operator: openTelemetryOperator.install,
          metricsServer,
          keda,
          verticalPodAutoscaler,
        };
      };
      const all = (choice: string) => ({
        crds: choice,
        operator: choice,
        metricsServer: choice,
        keda: choice,
        verticalPodAutoscaler: choice,
      });
      const vertical = { scaling: { ingesters: "recommend" } };
      const foreign: Partial<Facts> = {
        definitions: [
          { name: "prometheuses.monitoring.coreos.com" },
          { name: "scaledobjects.keda.sh", annotations: helm("keda", "keda") },
          { name: "verticalpodautoscalers.autoscaling.k8s.io" },
          { name: "instrumentations.opentelemetry.io" },
        ],
        apiServices: [
          {
            metadata: { name: "v1beta1.metrics.k8s.io", annotations: helm("metrics-server", "kube-system") },
          },
        ],
      };
      const ours = [
        { namespace: "monitoring", labels: { name: "kps-crds", status: "deployed" } },
        { namespace: "opentelemetry", labels: { name: "opentelemetry-operator", status: "deployed" } },
        ...["metrics-server", "keda", "vertical-pod-autoscaler"].map((name) => ({
          namespace: "autoscaling",
          labels: { name, status: "deployed" },
        })),
      ];

      it("are installed if the cluster has none, and used otherwise", () => {
        expect(resolved({}, vertical)).to.deep.equal(all("install"));
        expect(resolved(foreign, vertical)).to.deep.equal(all("existing"));
      });

      it("stay installed once this stack has installed them, whatever else the cluster has", () => {
        expect(resolved({ ...foreign, releases: ours }, vertical)).to.deep.equal(all("install"));
        // The record of another stack's release in another namespace belongs to that stack.
        const others = ours.map((release) => ({ ...release, namespace: "other" }));
        expect(resolved({ ...foreign, releases: others }, vertical)).to.deep.equal(all("existing"));
      });

      it("are installed again after an uninstallation whose record Helm keeps", () => {
        const gone = ours.map(({ labels, ...rest }) => ({
          ...rest,
          labels: { ...labels, status: "uninstalled" },
        }));
        expect(resolved({ ...foreign, releases: gone }, vertical)).to.deep.equal(all("existing"));
        expect(resolved({ releases: gone }, vertical)).to.deep.equal(all("install"));
      });

      it("follow an explicit setting, and are not checked if they are not needed", () => {
        expect(resolved(foreign, { scaling: { keda: "install" } }).keda).to.equal("install");
        expect(resolved({}, { scaling: { keda: "existing" } }).keda).to.equal("existing");
        expect(resolved(foreign).verticalPodAutoscaler).to.equal("install");
        const unread = withAddOns("prod", settingsOf("prod"), undefined);
        expect([unread.scaling.keda, unread.network.cilium]).to.deep.equal(["install", "off"]);
      });

      it("are rejected if the required facts cannot be read", () => {
        const { definitions: _, ...facts } = empty;
        const hidden = { facts, unread: { definitions: "forbidden" } };
        expect(() => withAddOns("prod", settingsOf("prod"), hidden)).to.throw(
          /kubePrometheusStack\.crds: invalid value "auto" .*install or existing, because these resources cannot be read: CustomResourceDefinitions \(forbidden\)/,
        );
      });

      it("are reported in a note, with their owner", () => {
        const settings = withAddOns("prod", settingsOf("prod"), snapshot(foreign));
        expect(examine("prod", settings, snapshot(foreign), [named("add-ons")]).notes).to.deep.equal([
          "kubePrometheusStack.crds: the stack uses the CRDs of Prometheus Operator from another installation.",
          "openTelemetryOperator.install: the stack uses the OpenTelemetry operator from another installation.",
          "scaling.metricsServer: the stack uses a server of metrics.k8s.io from Helm release kube-system/metrics-server.",
          "scaling.keda: the stack uses KEDA from Helm release keda/keda.",
        ]);
      });
    });
  });

  describe("CRDs of Prometheus Operator", () => {
    const check = "CRDs of Prometheus Operator";
    const existing = { kubePrometheusStack: { crds: "existing" } };
    const crds = (version: string, ...kinds: string[]) => ({
      definitions: kinds.map((kind) => ({
        name: `${kind}.monitoring.coreos.com`,
        annotations: { "operator.prometheus.io/version": version },
      })),
    });
    const kinds = ["alertmanagerconfigs", "alertmanagers", "podmonitors", "probes", "prometheuses"];
    kinds.push("prometheusrules", "scrapeconfigs", "servicemonitors");
    const changesOf = (facts: Partial<Facts>, config: Config = {}) =>
      examine("prod", settingsOf("prod", { ...existing, ...config }), snapshot(facts), [
        named(check),
      ]).findings.map(({ change }) => change);

    it("of another installation include every kind", () => {
      expect(told(check, crds("0.93.1", ...kinds), existing)).to.deep.equal([]);
      expect(told(check, crds("0.93.1", ...kinds.slice(2)), existing)).to.deep.equal([
        'error kubePrometheusStack.crds "existing": a cluster that also has alertmanagerconfigs.monitoring.coreos.com, alertmanagers.monitoring.coreos.com',
      ]);
      expect(told(check, {}, existing)).to.deep.equal([]);
      expect(told(check, crds("0.93.1", "servicemonitors"))).to.deep.equal([]);
    });

    it("of another installation have every field", () => {
      expect(told(check, crds("0.88.0", ...kinds), existing)).to.deep.equal([]);
      expect(told(check, crds("0.81.0", ...kinds), existing)).to.deep.equal([
        'warning kubePrometheusStack.crds "existing, version 0.81.0": version 0.88 or later: the API server drops newer fields of this stack\'s Prometheus without an error',
      ]);
      expect(changesOf(crds("0.81.0", ...kinds))[0]).to.match(
        /^Update them: kubectl apply .*\/v0\.\d+\.\d+\/stripped-down-crds\.yaml$/,
      );
    });

    it("of another installation are created if they are missing, and OpenShift's are not changed", () => {
      // OpenShift has no ScrapeConfig: https://github.com/openshift/cluster-monitoring-operator/tree/main/manifests
      const own = crds("0.85.0", ...kinds.filter((kind) => kind !== "scrapeconfigs"));
      const [create, update, ...more] = changesOf(own, { cluster: { platform: "openshift" } });
      expect(create).to.match(
        /^Create them: kubectl create -f https:\/\/[^ ]+\/v0\.\d+\.\d+\/example\/prometheus-operator-crd\/monitoring\.coreos\.com_scrapeconfigs\.yaml$/,
      );
      expect(update).to.match(/^Upgrade OpenShift/);
      expect(more).to.deep.equal([]);
    });
  });

  describe("KEDA", () => {
    const existing = { scaling: { keda: "existing" } };
    const facts = (version: string, labels: Record<string, string> = {}) => ({
      definitions: [{ name: "scaledobjects.keda.sh", labels: { "app.kubernetes.io/version": version } }],
      apiServices: [
        {
          metadata: { name: "v1beta1.external.metrics.k8s.io" },
          spec: { service: { namespace: "keda", name: "keda" }, groupPriorityMinimum: 1, versionPriority: 1 },
        },
      ],
      namespaces: [{ metadata: { name: "keda", labels } }],
    });
    const client = { "observability/client": "true" };

    it("of another installation accepts the stack's ScaledObject", () => {
      expect(told("KEDA", facts("2.17.2", client), existing)).to.deep.equal([]);
      expect(told("KEDA", facts("2.16.1", client), existing)).to.deep.equal([
        'error scaling.keda "existing, version 2.16.1": version 2.17 or later; or set alloyMetrics.maxReplicas to alloyMetrics.replicas',
      ]);
      expect(told("KEDA", facts("2.16.1", client), existing, "dev")).to.deep.equal([]);
    });

    it("of another installation runs, and did not only leave its CRDs", () => {
      const { definitions } = facts("2.20.2");
      expect(told("KEDA", { definitions }, existing)).to.deep.equal([
        'warning scaling.keda "existing": auto or install, unless KEDA starts: the cluster has its CRDs, but no APIService v1beta1.external.metrics.k8s.io, so Alloy for metrics does not scale',
      ]);
      expect(told("KEDA", {}, existing)).to.deep.equal([]);
    });

    it("of another installation may connect to Mimir", () => {
      expect(told("KEDA", facts("2.20.2"), existing)).to.deep.equal([
        'warning scaling.keda "existing": KEDA in a namespace that may connect to Mimir: NetworkPolicies block keda, so Alloy for metrics does not scale',
      ]);
      expect(told("KEDA", facts("2.20.2"), { ...existing, network: { policies: false } })).to.deep.equal([]);
      expect(told("KEDA", facts("2.20.2"), { scaling: { keda: "install" } })).to.deep.equal([]);
    });
  });

  describe("OpenTelemetry operator", () => {
    it("of another installation runs, and did not only leave its CRDs", () => {
      const existing = { openTelemetryOperator: { install: "existing" } };
      const definitions = [{ name: "opentelemetrycollectors.opentelemetry.io" }];
      const [line, ...more] = told("OpenTelemetry operator", { definitions }, existing);
      expect(line).to.match(/^warning openTelemetryOperator\.install "existing": .* but no webhook for them/);
      expect(more).to.deep.equal([]);
      const webhookGroups = ["apps", "opentelemetry.io"];
      expect(told("OpenTelemetry operator", { definitions, webhookGroups }, existing)).to.deep.equal([]);
      expect(told("OpenTelemetry operator", {}, existing)).to.deep.equal([]);
      expect(told("OpenTelemetry operator", { definitions })).to.deep.equal([]);
    });
  });

  describe("Vertical Pod Autoscaler", () => {
    it("of another installation runs, and did not only leave its CRDs", () => {
      const toldWith = (facts: Partial<Facts>, verticalPodAutoscaler = "existing") =>
        told("Vertical Pod Autoscaler", facts, {
          scaling: { ingesters: "recommend", verticalPodAutoscaler },
        });
      const definitions = [{ name: "verticalpodautoscalers.autoscaling.k8s.io" }];
      expect(toldWith({ definitions })).to.deep.equal([
        'warning scaling.verticalPodAutoscaler "existing": auto or install, unless it starts: the cluster has its CRDs, but no pod of its recommender, so ingesters get no recommendations',
      ]);
      const pods = [{ metadata: { name: "vpa-recommender-7d4b9c-x2x4z" } }];
      expect(toldWith({ definitions, pods })).to.deep.equal([]);
      expect(toldWith({ definitions, webhookGroups: ["", "autoscaling.k8s.io"] })).to.deep.equal([]);
      expect(toldWith({})).to.deep.equal([]);
      expect(toldWith({ definitions }, "install")).to.deep.equal([]);
    });
  });

  describe("certificates of kubelets", () => {
    it("can be verified by the stack's metrics-server", () => {
      const on = (more: Partial<V1Node>) => ({ nodes: [{ ...node("one", "a"), ...more }] });
      const check = "certificates of kubelets";
      const install = { scaling: { metricsServer: "install" } };
      const talos = on({
        status: { nodeInfo: { osImage: "Talos (v1.12.0)" } } as NonNullable<V1Node["status"]>,
      });
      const annotations = {
        "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock",
      };
      for (const facts of [talos, on({ metadata: { annotations } })])
        expect(told(check, facts, install)[0]).to.match(
          /^warning scaling.kubeletCertificates true: false, unless /,
        );
      expect(told(check, {}, install)).to.deep.equal([]);
      expect(told(check, talos, { scaling: { kubeletCertificates: false } })).to.deep.equal([]);
      expect(told(check, talos, { scaling: { metricsServer: "existing" } })).to.deep.equal([]);
      expect(told(check, talos, {}, "dev")).to.deep.equal([]);
      const api = (status: string) => ({
        apiServices: [
          {
            metadata: { name: "v1beta1.metrics.k8s.io" },
            status: { conditions: [{ type: "Available", status }] },
          },
        ],
      });
      expect(told(check, { ...talos, ...api("True") }, install)).to.deep.equal([]);
      expect(told(check, { ...talos, ...api("False") }, install)).to.have.length(1);
    });
  });

  describe("metrics of DNS", () => {
    it("are CoreDNS', which kube-dns of GKE does not have", () => {
      const dns = (...containerPorts: number[]) => ({
        pods: [
          {
            metadata: { namespace: "kube-system", name: "dns", labels: { "k8s-app": "kube-dns" } },
            spec: {
              containers: [
                { name: "dns", ports: containerPorts.map((containerPort) => ({ containerPort })) },
              ],
            },
          },
        ],
      });
      expect(told("metrics of DNS", dns(10053, 10054))[0]).to.match(
        /^warning kubePrometheusStack.controlPlane .*a list without dns/,
      );
      expect(told("metrics of DNS", dns(53, 9153))).to.deep.equal([]);
      expect(told("metrics of DNS", {})).to.deep.equal([]);
      const without = { kubePrometheusStack: { controlPlane: ["apiServer"] } };
      expect(told("metrics of DNS", dns(10053), without)).to.deep.equal([]);
    });
  });

  describe("nodes of DaemonSets", () => {
    const check = "nodes of DaemonSets";

    it("are not those of GKE Autopilot", () => {
      const autopilot = [node("gk3-one-pool-1", "a"), node("gk3-one-pool-2", "a")];
      expect(told(check, { nodes: autopilot })[0]).to.match(
        /^error cluster "GKE Autopilot": a cluster that accepts/,
      );
      expect(told(check, { nodes: [...autopilot, node("gke-one", "a")] })).to.deep.equal([]);
      expect(told(check, { nodes: [] })).to.deep.equal([]);
    });

    it("that do not run them are counted in a note", () => {
      const labeled = (labels: Record<string, string>) => ({ metadata: { name: "x", labels } });
      const nodes = [
        node("one", "a"),
        labeled({ "kubernetes.io/os": "windows" }),
        labeled({ "eks.amazonaws.com/compute-type": "fargate" }),
      ];
      const notes = (facts: Partial<Facts>) =>
        examine("prod", settingsOf("prod"), snapshot(facts), [named(check)]).notes;
      expect(notes({ nodes })).to.deep.equal([
        "logs and container metrics of 2 Windows or virtual nodes are not collected: no DaemonSet runs there",
      ]);
      expect(notes({})).to.deep.equal([]);
    });
  });

  describe("cert-manager", () => {
    const wanted = {
      network: { tls: { certificates: "certManager" } },
      openTelemetryOperator: { certManager: true },
    };

    it("must exist if a setting uses it", () => {
      expect(told("cert-manager", {}, wanted).map((text) => text.split(":")[0])).to.deep.equal([
        'error network.tls.certificates "certManager"',
        "error openTelemetryOperator.certManager true",
      ]);
      const definitions = [{ name: "certificates.cert-manager.io" }];
      expect(told("cert-manager", { definitions }, wanted)).to.deep.equal([]);
      expect(told("cert-manager")).to.deep.equal([]);
    });
  });

  describe("ports of nodes", () => {
    it("that are in use are reported", () => {
      const service = (namespace: string) => ({
        services: [
          { metadata: { namespace, name: "web" }, spec: { ports: [{ port: 80, nodePort: 30090 }] } },
        ],
      });
      expect(told("ports of nodes", service("shop"))).to.deep.equal([
        "error cadvisor.nodePort 30090: a free node port; Service shop/web uses this one",
      ]);
      expect(told("ports of nodes", service("monitoring"))).to.deep.equal([]);
      expect(
        told("ports of nodes", service("shop"), { cadvisor: { expose: ["serviceMonitor"] } }),
      ).to.deep.equal([]);
      const exporter = (port: object, hostNetwork: boolean, nodeName = "node-0") => ({
        pods: [
          {
            metadata: {
              namespace: "shop",
              name: "exporter-x",
              ownerReferences: [{ name: "exporter" } as never],
            },
            spec: {
              hostNetwork,
              ...(nodeName && { nodeName }),
              containers: [{ name: "x", ports: [port as never] }],
            },
          },
        ],
      });
      expect(told("ports of nodes", exporter({ containerPort: 9100 }, true))[0]).to.match(
        /^error kubePrometheusStack.nodeExporter.port 9100: .*shop\/exporter uses this one/,
      );
      expect(told("ports of nodes", exporter({ containerPort: 1, hostPort: 9100 }, false))).to.have.length(1);
      expect(told("ports of nodes", exporter({ containerPort: 9100 }, false))).to.deep.equal([]);
      const moved = { kubePrometheusStack: { nodeExporter: { port: 9101 } } };
      expect(told("ports of nodes", exporter({ containerPort: 9100 }, true), moved)).to.deep.equal([]);
      expect(told("ports of nodes", exporter({ containerPort: 9101 }, true), moved)).to.have.length(1);
      // It waits for the port, which this stack may have.
      expect(told("ports of nodes", exporter({ containerPort: 9100 }, true, ""))).to.deep.equal([]);
    });

    it("another Prometheus evaluates the same rules", () => {
      const other = (labels: Record<string, string> = {}) => ({
        prometheuses: [
          { namespace: "monitoring", name: "kps" },
          { namespace: "old", name: "old" },
        ],
        namespaces: [{ metadata: { name: "old", labels } }],
      });
      const [first, ...more] = told("other Prometheus", other());
      expect(first).to.match(/^warning cluster "Prometheus old\/old": .*each of their alerts is sent twice/);
      expect(more).to.deep.equal([]);
      expect(told("other Prometheus", other({ "observability/prefix": "none" }))).to.deep.equal([]);
      expect(told("other Prometheus", other({ "openshift.io/cluster-monitoring": "true" }))).to.deep.equal(
        [],
      );
      expect(told("other Prometheus", other(), { namespaces: { prefix: "b-" } })).to.deep.equal([]);
    });
  });

  describe("capacity", () => {
    it("below the requests is reported, minus the requests of other pods", () => {
      expect(told("capacity")).to.deep.equal([]);
      expect(told("capacity", { nodes: [node("one", "a")] })[0]).to.match(
        /^warning cluster "16 cores and 64Gi that are free for requests": larger, unless .* cores/,
      );
      const of = (namespace: string) => ({
        pods: [
          {
            metadata: { namespace, name: "large" },
            spec: {
              nodeName: "node-0",
              containers: [{ name: "x", resources: { requests: { cpu: "90", memory: "1Gi" } } }],
            },
          },
        ],
      });
      expect(told("capacity", of("shop"))[0]).to.match(/"6 cores and/);
      const requests = { cpu: "45", memory: "1Gi" };
      const meshed = {
        metadata: { namespace: "shop", name: "meshed" },
        spec: {
          nodeName: "node-0",
          containers: [{ name: "x", resources: { requests } }],
          initContainers: [{ name: "proxy", restartPolicy: "Always", resources: { requests } }],
        },
      };
      expect(told("capacity", { pods: [meshed] })[0]).to.match(/"6 cores and/);
      // The requests of the stack itself are not counted twice.
      expect(told("capacity", of("mimir"))).to.deep.equal([]);
    });
  });

  describe("backups", () => {
    it("are missing with a warning in prod that names the setting", () => {
      const [warning, ...others] = told("backups", {});
      expect(others).to.deep.equal([]);
      expect(warning).to.match(
        /^warning backups\.destination undefined: set to another S3: without it, there are no backups/,
      );
      expect(told("backups", {}, backedUp)).to.deep.equal([]);
      expect(told("backups", {}, {}, "dev")).to.deep.equal([]);
    });
  });

  describe("clients that NetworkPolicies allow", () => {
    const name = "clients that NetworkPolicies allow";
    const published = (network: Config) => ({
      grafana: { ...grafana, ingress: {} },
      network: { policies: true, ...network },
    });

    it("include the ingress controller of an Ingress", () => {
      expect(told(name, {}, published({}))).to.deep.equal([
        "error network.ingressNamespaces []: the namespace of the ingress controller, because grafana.ingress is set and network.policies is true; or set network.ingressRanges to the addresses of its load balancer",
      ]);
      expect(told(name, {}, published({ ingressRanges: ["10.0.0.0/16"] }))).to.deep.equal([]);
      expect(told(name, {}, published({ ingressNamespaces: ["ingress-nginx"] }))).to.deep.equal([]);
      expect(told(name, {}, published({ policies: false }))).to.deep.equal([]);
      expect(told(name, {}, { grafana, network: {} })).to.deep.equal([]);
    });

    it("are in existing namespaces", () => {
      expect(
        told(name, {}, published({ ingressNamespaces: ["ingress"], scraperNamespaces: ["datadog"] })),
      ).to.deep.equal([
        'warning network.ingressNamespaces[0] "ingress": an existing namespace: until it exists, nothing can connect from it',
        'warning network.scraperNamespaces[0] "datadog": an existing namespace: until it exists, nothing can connect from it',
      ]);
    });
  });

  describe("Grafana's database", () => {
    it("is missing with a warning in prod", () => {
      const { database: _, ...sqlite } = grafana;
      const paths = (config: Config, environment?: "dev") =>
        told("Grafana's database", {}, config, environment).map((text) => text.split(" ").slice(0, 2));
      expect(paths({ grafana: sqlite })).to.deep.equal([["warning", "grafana.database"]]);
      expect(paths({})).to.deep.equal([]);
      expect(paths({}, "dev")).to.deep.equal([]);
    });

    it("is not replaced by another, empty one while Grafana runs", () => {
      const running = (...claims: string[]): Partial<Facts> => ({
        pods: [
          {
            metadata: { namespace: "grafana", labels: { "app.kubernetes.io/name": "grafana" } },
            spec: {
              containers: [],
              volumes: claims.map((claimName) => ({ name: "storage", persistentVolumeClaim: { claimName } })),
            },
          },
        ],
      });
      const findings = (facts: Partial<Facts>, config: Config) =>
        told("Grafana's database", facts, config, "dev");
      expect(findings(running("grafana"), { grafana: { database } })).to.deep.equal([
        `error grafana.database "${database.host}": unset: users, dashboards and alert rules are in SQLite on the volume, and Grafana does not move them (docs/guides/grafana.md#another-database)`,
      ]);
      expect(findings(running(), {})).to.deep.equal([
        "error grafana.database undefined: set: users, dashboards and alert rules are in PostgreSQL, and Grafana does not move them (docs/guides/grafana.md#another-database)",
      ]);
      expect(findings(running("grafana"), {})).to.deep.equal([]);
      expect(findings(running(), { grafana: { database } })).to.deep.equal([]);
      expect(findings({ pods: [] }, { grafana: { database } })).to.deep.equal([]);
    });
  });

  describe("instrumentation of pods", () => {
    const pod = (name: string, annotations: Record<string, string>, ...initContainers: string[]) => ({
      metadata: { namespace: "shop", name, annotations },
      spec: { containers: [], initContainers: initContainers.map((one) => ({ name: one })) },
    });
    const python = { "instrumentation.opentelemetry.io/inject-python": "opentelemetry/default" };
    const injected = "opentelemetry-auto-instrumentation-python";
    const findings = (...pods: Facts["pods"]) => told("instrumentation of pods", { pods });

    it("is missing with a warning, because the operator's webhook ignores failures", () => {
      expect(findings(pod("cart-1", python, "wait"), pod("cart-2", python, injected))).to.deep.equal([
        'warning tracing "pods shop/cart-1": instrumented, as their annotations request: they started while the OpenTelemetry operator was unavailable, or tracing.languages lacks their language',
      ]);
      const many = ["a", "b", "c", "d", "e"].map((name) => pod(name, python));
      expect(findings(...many)[0]).to.include('"pods shop/a, shop/b, shop/c and 2 more"');
    });

    it("is not expected without the annotation", () => {
      const off = { "instrumentation.opentelemetry.io/inject-python": "false" };
      const names = { "instrumentation.opentelemetry.io/container-names": "app" };
      expect(findings(pod("a", {}), pod("b", off), pod("c", names))).to.deep.equal([]);
    });
  });

  describe("receivers of alerts", () => {
    it("are missing with a warning in prod", () => {
      const none = { alerting: { receivers: {} } };
      expect(told("receivers of alerts", {}, none).map((text) => text.split(" ").slice(0, 2))).to.deep.equal([
        ["warning", "alerting.receivers"],
        ["warning", "alerting.heartbeat"],
      ]);
      expect(told("receivers of alerts", {}, none, "dev")).to.deep.equal([]);
    });

    it("are reported by the doctor, too", () => {
      const { findings } = examine("prod", settingsOf("prod", { alerting: { receivers: {} } }), snapshot(), [
        named("receivers of alerts"),
      ]);
      expect(
        findings
          .map((finding) => asDoctorFinding("prod", finding))
          .map(({ severity, what }) => [severity, what]),
      ).to.deep.equal([
        [
          "warning",
          "alerting.receivers: not set (must be at least one receiver: without it, alerts of this stack are not delivered)",
        ],
        [
          "warning",
          "alerting.heartbeat: not set (must be a dead man's switch: without it, a failure of alerting itself goes unnoticed)",
        ],
      ]);
      expect(
        asDoctorFinding("prod", { path: "a", was: 1, allowed: "2", severity: "warning" }).severity,
      ).to.equal("note");
    });
  });
});
