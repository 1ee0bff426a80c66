/** `obs upgrade --check` and the check before `up`: a real API server accepts or rejects objects without a change. */
import { AppsV1Api, KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { dryRunObjects } from "../../cli/commands/upgrade/dry-run";
import { ApiServer } from "../support/api-server";
import type { KubernetesObject } from "../support/rendered";
import { needs } from "../support/tools";

const labels = { app: "one" };
const template = { metadata: { labels }, spec: { containers: [{ name: "one", image: "one:1" }] } };
const object = (apiVersion: string, kind: string, rest: object): KubernetesObject =>
  ({ apiVersion, kind, metadata: { name: "one" }, ...rest }) as KubernetesObject;
const claim = (storage: string) => ({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } });

const set = (over: object = {}) =>
  object("apps/v1", "StatefulSet", {
    spec: {
      selector: { matchLabels: labels },
      serviceName: "one",
      template,
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim("1Gi") }],
      ...over,
    },
  });
const deployment = (app: string, replicas = 1) =>
  object("apps/v1", "Deployment", {
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: { ...template, metadata: { labels: { app } } },
    },
  });
const service = (clusterIP?: string) =>
  object("v1", "Service", { spec: { ports: [{ port: 80 }], ...(clusterIP && { clusterIP }) } });
const binding = (name: string) =>
  object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
  });
const definition = {
  ...object("apiextensions.k8s.io/v1", "CustomResourceDefinition", {
    spec: {
      group: "example.com",
      names: { kind: "Thing", plural: "things" },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
            },
          },
        },
      ],
    },
  }),
  metadata: { name: "things.example.com" },
} as KubernetesObject;
const thing = (size: unknown) => object("example.com/v1", "Thing", { spec: { size } });

describe("charts: a dry run of objects", function () {
  this.timeout(120_000);
  let api: ApiServer;
  let config: KubeConfig;

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, kubeApiserver);
    config = new KubeConfig();
    config.loadFromFile(api.kubeconfig());
    const namespace = { ...object("v1", "Namespace", {}), metadata: { name: "shop" } } as KubernetesObject;
    for (const one of [namespace, definition, set(), deployment("one"), service(), binding("view")]) {
      const placed =
        one.kind === "Namespace" || /Definition|Cluster/.test(one.kind) ? {} : { namespace: "shop" };
      const { status, message } = await api.create({ ...one, metadata: { ...placed, ...one.metadata } });
      expect(status, `${one.kind}: ${message}`).to.equal(201);
    }
  });

  after(async () => api?.stop());

  const refused = async (...objects: KubernetesObject[]) =>
    (await dryRunObjects(config, objects, "shop")).refused;

  it("accepts objects as they are, allowed changes, new objects, hooks and CRDs, and changes nothing", async () => {
    const hook = set({ serviceName: "two" });
    hook.metadata["annotations"] = { "helm.sh/hook": "pre-install" };
    const elsewhere = { ...set(), metadata: { name: "one", namespace: "none" } } as KubernetesObject;
    const unknown = object("example.org/v1", "Other", {});
    const changed = set({
      template: { ...template, spec: { containers: [{ name: "one", image: "one:2" }] } },
    });
    for (const objects of [
      [set(), deployment("one"), service(), binding("view"), thing(1)],
      [thing(null)],
      [changed, deployment("one", 3)],
      [hook, definition, elsewhere, unknown],
      [object("v1", "Namespace", {}), object("scheduling.k8s.io/v1", "PriorityClass", { value: 1 })],
    ])
      expect(await refused(...objects)).to.deep.equal([]);
    const apps = config.makeApiClient(AppsV1Api);
    const live = await apps.readNamespacedDeployment({ namespace: "shop", name: "one" });
    expect(live.spec?.replicas).to.equal(1);
  });

  it("rejects changes of immutable fields, with the message of the API server and a fix", async () => {
    for (const [one, message, fix] of [
      [
        set({ serviceName: "two" }),
        /updates to statefulset spec/,
        "kubectl delete statefulset -n shop one --cascade=orphan",
      ],
      [set({ podManagementPolicy: "Parallel" }), /updates to statefulset spec/, "--cascade=orphan"],
      [
        set({ volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim("2Gi") }] }),
        /updates to statefulset spec/,
        "./obs upgrade --volumes",
      ],
      [deployment("two"), /selector.*immutable/, "kubectl delete deployment -n shop one"],
      [service("None"), /clusterIP/i, "kubectl delete service -n shop one"],
      [binding("edit"), /roleRef/, "kubectl delete clusterrolebinding one"],
      [thing("large"), /spec\.size: expected numeric/, "kubectl delete thing -n shop one"],
    ] as const) {
      const [found, ...more] = await refused(one);
      expect(more).to.deep.equal([]);
      expect(found?.object).to.equal(`${one.kind} ${one.kind === "ClusterRoleBinding" ? "one" : "shop/one"}`);
      expect(found?.message).to.match(message);
      expect(found?.fix).to.include(fix);
    }
  });
});
