/** The example policy for monitors and rules, on a real API server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseAllDocuments } from "yaml";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { namespaceOwner, owner } from "../../names";
import { ApiServer } from "../support/api-server";
import type { Labels } from "../support/remote-write";
import type { KubernetesObject } from "../support/rendered";
import { needs } from "../support/tools";

const policy = (): KubernetesObject[] =>
  parseAllDocuments(readFileSync(join(root, "examples", "monitor-policy", "policy.yaml"), "utf8")).map(
    (document) => document.toJS(),
  );

/** A kind of the Prometheus Operator, with any fields. */
const definition = (kind: string, plural: string): KubernetesObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.monitoring.coreos.com` },
  spec: {
    group: "monitoring.coreos.com",
    names: { kind, plural },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
});

const of = (kind: string, spec: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind,
  metadata: { name: "one", ...metadata },
  spec,
});
const monitor = (...endpoints: object[]) => of("ServiceMonitor", { selector: {}, endpoints });
const rule = (labels?: Labels, annotations?: Labels) =>
  of("PrometheusRule", { groups: [] }, { labels, annotations });

const token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const secret = { name: "shop", key: "token" };
const accepted: Record<string, KubernetesObject> = {
  "a monitor without authentication": monitor({ port: "http" }, { port: "admin", bearerTokenFile: "" }),
  "a monitor with a Secret": monitor({ port: "https", authorization: { credentials: secret } }),
  "a monitor with a CA": monitor({ port: "https", tlsConfig: { caFile: "/ca.crt", serverName: "shop" } }),
  "a rule of Prometheus": rule(),
  "a rule of the tenant of applications": rule({ team: "shop", [owner.ruleTenant]: "pods" }, { note: "1" }),
};
const refused: Record<string, [KubernetesObject, string]> = {
  "a token": [monitor({ port: "http" }, { port: "https", bearerTokenFile: token }), "bearerTokenFile"],
  "a client certificate": [
    monitor({ port: "https", tlsConfig: { certFile: "/a", keyFile: "/b" } }),
    "certFile",
  ],
  "a rule of another tenant": [rule({ [owner.ruleTenant]: "nodes" }), owner.ruleTenant],
  "a rule that reads other tenants": [
    rule({ [owner.ruleTenant]: "pods" }, { [owner.sourceTenants]: "payments" }),
    owner.sourceTenants,
  ],
};

describe("examples: the policy for monitors and rules", function () {
  this.timeout(120_000);
  let api: ApiServer;
  /** Namespaces, with their labels. */
  const trusted: Record<string, Labels> = {
    "kube-system": {},
    monitoring: { [namespaceOwner.label]: namespaceOwner.project },
    operators: { "observability/monitors": "trusted" },
  };

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, kubeApiserver);
    const spaces = Object.entries({ shop: {}, ...trusted }).map(([name, labels]) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    }));
    const kinds = [
      definition("ServiceMonitor", "servicemonitors"),
      definition("PrometheusRule", "prometheusrules"),
    ];
    for (const object of [...spaces, ...kinds, ...policy()]) {
      const { status, message } = await api.create(object);
      expect(status, message).to.be.oneOf([201, 409]);
    }
    const [first] = Object.values(refused);
    await until(60, "the policy", async () =>
      first && (await api.check(first[0], "shop")).status === 422 ? true : undefined,
    );
  });

  after(() => api?.stop());

  for (const [name, object] of Object.entries(accepted))
    it(`accepts ${name}`, async () => {
      const { status, message } = await api.check(object, "shop");
      expect(status, message).to.equal(201);
    });

  for (const [name, [object, words]] of Object.entries(refused))
    it(`rejects ${name}, except in trusted namespaces`, async () => {
      const { status, message } = await api.check(object, "shop");
      expect([status, message]).to.deep.equal([422, message]);
      expect(message).to.include(words);
      for (const namespace of Object.keys(trusted))
        expect((await api.check(object, namespace)).status, namespace).to.equal(201);
    });
});
