/** Presets of `cluster.platform`, and the preflight's detection of platforms. */
import type { V1Node } from "@kubernetes/client-node";
import { expect } from "chai";
import { scriptPod } from "../../cli/lib/script-pod";
import { check as eksNetwork } from "../../components/preflight/checks/eks-network";
import { check, platformOf } from "../../components/preflight/checks/platform";
import { check as storageClass } from "../../components/preflight/checks/storage-class";
import type { Facts } from "../../components/preflight/facts";
import type { Settings } from "../../settings";
import { platformNames, platforms } from "../../settings/platforms";
import { isTree, leavesOf, type Tree, valueAt } from "../../settings/tree";
import { alloyLogsValues } from "../../values/alloy-logs";
import { alloyTracesValues } from "../../values/alloy-traces";
import { gatewayIngresses } from "../../values/gateway-ingress";
import { grafanaValues } from "../../values/grafana";
import { networkPolicies } from "../../values/network-policies";
import { platformValues } from "../../values/user-ids";
import { type Config, errorOf, recordingOf, settingsOf } from "../support/stacks";

/** Settings without network settings, which the shipped stack has. */
const on = (platform: string, more = {}) =>
  settingsOf("prod", { network: {}, cluster: { platform }, ...more });

const node = (version: string, more: Partial<V1Node["metadata"]> = {}, providerID = ""): V1Node => ({
  metadata: { name: "one", ...more },
  spec: { providerID },
  status: { nodeInfo: { kubeletVersion: version } as NonNullable<V1Node["status"]>["nodeInfo"] & object },
});
const kubeadm = {
  annotations: { "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock" },
};
const nodes: Record<(typeof platformNames)[number], V1Node> = {
  kind: node("v1.34.3", kubeadm, "kind://docker/kind/kind-worker"),
  k3s: node("v1.34.3+k3s1"),
  kubeadm: node("v1.34.3", kubeadm),
  eks: node("v1.34.2-eks-ecaa3a6"),
  gke: node("v1.34.1-gke.3849001"),
  aks: node("v1.34.1", { labels: { "kubernetes.azure.com/cluster": "MC_group_cluster_westeurope" } }),
  openshift: node("v1.33.5", { labels: { "node.openshift.io/os_id": "rhel" } }),
};
const context = (settings: ReturnType<typeof settingsOf>, platform: (typeof platformNames)[number]) => ({
  stack: "test",
  settings,
  facts: { nodes: [nodes[platform]], storageClasses: [], csiDrivers: [], claims: [] } as unknown as Facts,
});

describe("unit: platforms", () => {
  it("change the defaults of the settings in their preset, and no others", () => {
    const plain = settingsOf("prod", { network: {} }) as unknown as Tree;
    for (const platform of platformNames) {
      const settings = on(platform) as unknown as Tree;
      const preset = leavesOf(platforms[platform].settings);
      for (const { keys, value } of preset)
        expect(valueAt(settings, keys), `${platform} ${keys}`).to.deep.equal(value);
      const changed = leavesOf(settings)
        .filter(
          ({ keys, value }) =>
            !isTree(value) && JSON.stringify(value) !== JSON.stringify(valueAt(plain, keys)),
        )
        .map(({ keys }) => keys.join("."));
      expect([...preset.map(({ keys }) => keys.join(".")), "cluster.platform"]).to.include.members(changed);
    }
  });

  it("do not change a setting of the stack", () => {
    const settings = on("k3s", { cadvisor: { containerdSocket: "/run/other.sock" } });
    expect(settings.cadvisor.containerdSocket).to.equal("/run/other.sock");
  });

  it("must exist", () => {
    expect(errorOf(() => on("minikube")).message).to.contain(
      'cluster.platform: invalid value "minikube" (must be one of kind, k3s, kubeadm, eks, gke, aks, openshift)',
    );
  });

  for (const platform of platformNames)
    it(`${platform} is recognized by its nodes`, () => {
      expect(platformOf([nodes[platform]])).to.equal(platform);
      expect(check.find(context(on(platform), platform))).to.deep.equal([]);
      expect(check.notes?.(context(on(platform), platform))).to.deep.equal([]);
      const unset = context(settingsOf("prod"), platform);
      // Without the preset, OpenShift rejects the pods.
      const [severity, note] = platform === "openshift" ? ["error", 0] : [undefined, 1];
      expect(check.find(unset)[0]?.severity).to.equal(severity);
      expect(check.notes?.(unset)).to.deep.equal(
        [
          `the cluster has nodes of ${platforms[platform].title}: cluster.platform: ${platform} sets the defaults for it`,
        ].slice(0, note),
      );
    });

  it("result in a warning if they differ from the nodes' platform, unless that is unknown", () => {
    expect(check.find(context(on("gke"), "eks"))).to.deep.equal([
      {
        severity: "warning",
        path: "cluster.platform",
        was: "gke",
        allowed: "eks: the cluster has nodes of Amazon EKS",
      },
    ]);
    expect(platformOf([node("v1.34.3")])).to.equal(undefined);
  });

  it("name a StorageClass if the platform has no default", () => {
    const [finding] = storageClass.find(context(settingsOf("prod"), "eks"));
    expect(finding?.allowed).to.match(
      /ebs\.csi\.eks\.amazonaws\.com in Auto Mode, otherwise of ebs\.csi\.aws\.com/,
    );
  });

  it("eks: the control plane reaches pods with the Amazon VPC CNI, in Auto Mode and with Cilium's ENI mode", () => {
    const found = (facts: Partial<Facts> = {}, labels = {}, version = "v1.34.2-eks-ecaa3a6") =>
      eksNetwork
        .find({
          stack: "test",
          settings: on("eks"),
          facts: { nodes: [node(version, { labels })], daemonSets: [], ciliumConfig: undefined, ...facts },
        })
        .map(({ severity, was }) => `${severity} ${was}`);
    const overlay = ["warning Amazon EKS without DaemonSet kube-system/aws-node"];
    expect(found()).to.deep.equal(overlay);
    expect(found({ ciliumConfig: { ipam: "cluster-pool" } })).to.deep.equal(overlay);
    expect(found({ ciliumConfig: { ipam: "eni" } })).to.deep.equal([]);
    expect(found({}, { "eks.amazonaws.com/compute-type": "auto" })).to.deep.equal([]);
    const daemonSets = [{ metadata: { namespace: "kube-system", name: "aws-node" } }];
    expect(found({ daemonSets })).to.deep.equal([]);
    expect(found({}, {}, "v1.34.2")).to.deep.equal([]);
  });

  it("with SELinux: only DaemonSets get another type, which other policies do not have", () => {
    const types = (config: Config) =>
      JSON.stringify(alloyLogsValues(settingsOf("dev", config))).includes(
        '"seLinuxOptions":{"type":"spc_t"}',
      );
    expect([
      types({}),
      types({ cluster: { selinux: true } }),
      types({ cluster: { platform: "openshift" } }),
    ]).to.deep.equal([false, true, true]);
  });

  it("openshift: Ingresses without a Secret have an empty entry, for which routers use their certificate", () => {
    const tlsOf = (platform: string, own: object) => {
      const settings = settingsOf("dev", {
        cluster: { platform },
        grafana: { url: "https://grafana.apps.test", ingress: own },
        otlp: { ingress: { host: "otlp.apps.test", ...own } },
        access: { ingress: { domain: "apps.test", ...own } },
        network: { ingressNamespaces: ["ingress"] },
      });
      return [
        grafanaValues(settings)["ingress"] as { tls: object[] },
        alloyTracesValues(settings)["ingress"] as { tls: object[] },
        ...gatewayIngresses(settings).map(({ spec }) => spec),
      ].map(({ tls }) => tls);
    };
    const hosts = ["grafana", "otlp", "loki", "mimir", "tempo"].map((name) => [`${name}.apps.test`]);
    const named = hosts.map((hosts) => [{ hosts }]);
    expect(tlsOf("openshift", {})).to.deep.equal(hosts.map(() => [{}]));
    expect(tlsOf("openshift", { className: "openshift-internal" })).to.deep.equal(hosts.map(() => [{}]));
    expect(tlsOf("openshift", { className: "nginx" })).to.deep.equal(named);
    expect(tlsOf("eks", {})).to.deep.equal(named);
    expect(tlsOf("openshift", { tlsSecret: "own" })).to.deep.equal(
      hosts.map((hosts) => [{ hosts, secretName: "own" }]),
    );
  });

  interface Secret {
    metadata: { name: string; namespace: string };
    stringData: object;
  }

  it("openshift: Routes verify pods that serve TLS with the CA certificate in a Secret", async () => {
    const config = (platform: string, className?: string) => {
      const ingress = { tlsSecret: "own", ...(className && { className }) };
      return {
        cluster: { platform },
        grafana: { url: "https://grafana.apps.test", ingress },
        otlp: { ingress: { host: "otlp.apps.test", ...ingress } },
        network: { ingressNamespaces: ["ingress"], tls: { certificates: "ownCa" } },
      };
    };
    const annotationsOf = (settings: Settings) =>
      [grafanaValues(settings), alloyTracesValues(settings)].map(
        ({ ingress }) => (ingress as { annotations: Record<string, string> }).annotations,
      );
    const nginx = { "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" };
    const route = {
      "route.openshift.io/termination": "reencrypt",
      "route.openshift.io/destination-ca-certificate-secret": "observability-ca",
    };
    for (const annotations of annotationsOf(settingsOf("dev", config("openshift"))))
      expect(annotations).to.include(route).and.not.include(nginx);
    for (const other of [config("openshift", "nginx"), config("eks")])
      for (const annotations of annotationsOf(settingsOf("dev", other)))
        expect(annotations)
          .to.include(nginx)
          .and.not.have.any.keys(...Object.keys(route));
    const secretsOf = async (settings: Config) =>
      (await recordingOf("dev", settings)).resources
        .filter(({ type }) => type === "kubernetes:core/v1:Secret")
        .map(({ inputs }) => inputs as unknown as Secret)
        .filter(({ metadata }) => metadata.name === "observability-ca")
        .map(({ metadata, stringData }) => [metadata.namespace, Object.keys(stringData)]);
    const minio = ["minio", ["ca.crt"]];
    expect(await secretsOf(config("openshift"))).to.have.deep.members([
      minio,
      ["grafana", ["tls.crt"]],
      ["alloy-traces", ["tls.crt"]],
    ]);
    expect(await secretsOf(config("eks"))).to.deep.equal([minio]);
  });

  it("openshift: routers reach Grafana, also with the host's network", () => {
    const policies = networkPolicies(on("openshift", { network: { policies: true } }));
    const grafana = policies.find(({ metadata }) => metadata.name === "grafana");
    const values = ["openshift-ingress", "openshift-host-network"];
    expect(grafana?.spec.ingress?.flatMap(({ from = [] }) => from)).to.deep.include({
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values }],
      },
    });
  });

  it("openshift: pods of commands, and values of a release without users", () => {
    const pod = {
      name: "one",
      namespace: "two",
      script: "cli/lib/network-probe.sh",
      env: [],
      seconds: 60,
      grace: 1,
    };
    expect(scriptPod(on("openshift"), pod).spec?.securityContext).not.to.have.any.keys(
      "runAsUser",
      "runAsGroup",
    );
    expect(scriptPod(on("kubeadm"), pod).spec?.securityContext).to.include.keys("runAsUser", "runAsGroup");
    const values = { alloy: { securityContext: { runAsUser: 473, runAsNonRoot: true } } };
    expect(platformValues(on("openshift"), "alloy-metrics", values)).to.deep.equal({
      alloy: { securityContext: { runAsNonRoot: true } },
    });
    expect(platformValues(on("kubeadm"), "alloy-metrics", values)).to.equal(values);
  });
});
