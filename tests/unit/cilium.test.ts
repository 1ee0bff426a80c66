/** CiliumNetworkPolicies: the flows with nodes and the API server, and nothing else. */
import { expect } from "chai";
import { withCilium } from "../../components/preflight/add-ons";
import type { Snapshot } from "../../components/preflight/facts";
import { ciliumPolicies } from "../../values/network-cilium";
import { flows } from "../../values/network-flows";
import { parts } from "../../values/network-parts";
import { networkPolicies } from "../../values/network-policies";
import { gcsStorage, recordingOf, settingsOf } from "../support/stacks";

const on = (network = {}) => settingsOf("prod", { network: { policies: true, cilium: "on", ...network } });
const named = (name: string) => ciliumPolicies(on()).find(({ metadata }) => metadata.name === name);

describe("unit: policies of Cilium", () => {
  it("exist for each component with connections to or from nodes, and for DNS", () => {
    const wanted = new Set(
      flows(on()).flatMap(({ from, to }) => (to === "nodes" ? [from] : from === "nodes" ? [to] : [])),
    );
    const have = ciliumPolicies(on()).filter(({ metadata }) => metadata.name !== "dns-of-the-node");
    expect(have).to.have.length(wanted.size);
    expect(wanted.size).to.be.greaterThan(5);
    const namespaces = new Set(networkPolicies(on()).map(({ metadata }) => metadata.namespace));
    const dns = ciliumPolicies(on()).filter(({ metadata }) => metadata.name === "dns-of-the-node");
    expect(dns.map(({ metadata }) => metadata.namespace)).to.have.members([...namespaces]);
  });

  it("have the entities, ports and pods of the flow", () => {
    const entities = ["host", "remote-node", "kube-apiserver"];
    expect(named("prometheus-operator")?.spec).to.deep.equal({
      endpointSelector: { matchLabels: parts.prometheusOperator.labels },
      ingress: [{ fromEntities: entities, toPorts: [{ ports: [{ port: "10250", protocol: "TCP" }] }] }],
    });
    expect(named("grafana")?.spec).to.deep.equal({
      endpointSelector: {},
      egress: [
        {
          toEntities: entities,
          toPorts: [{ ports: ["443", "6443"].map((port) => ({ port, protocol: "TCP" })) }],
        },
      ],
    });
    expect(named("prometheus")?.spec.egress).to.deep.equal([{ toEntities: entities }]);
  });

  it("allow the metadata service of the node where pods have a cloud identity", () => {
    const settings = settingsOf("prod", {
      network: { policies: true, cilium: "on" },
      ...{ objectStorage: gcsStorage },
    });
    const ingester = ciliumPolicies(settings).find(({ metadata }) => metadata.name === "loki");
    expect(ingester?.spec.egress).to.deep.include({
      toEntities: ["host"],
      toPorts: [{ ports: ["80", "988"].map((port) => ({ port, protocol: "TCP" })) }],
    });
  });

  it("never allow addresses outside the cluster", () => {
    expect(JSON.stringify(ciliumPolicies(on()))).not.to.match(/"(world|all|cluster)"/);
  });

  it("are created only with NetworkPolicies, and if they are on", () => {
    expect(ciliumPolicies(on({ policies: false }))).to.deep.equal([]);
    expect(ciliumPolicies(on({ cilium: "off" }))).to.deep.equal([]);
  });

  it("are on automatically if the cluster has their CRD", () => {
    const auto = settingsOf("prod", { network: { policies: true } });
    const cluster = (...names: string[]): Snapshot => ({
      facts: { definitions: names.map((name) => ({ name })) },
      unread: {},
    });
    expect(withCilium(auto, cluster("ciliumnetworkpolicies.cilium.io")).network.cilium).to.equal("on");
    expect(withCilium(auto, cluster("networkpolicies.crd.projectcalico.org")).network.cilium).to.equal("off");
    expect(withCilium(auto, undefined).network.cilium).to.equal("off");
    expect(withCilium(on(), cluster()).network.cilium).to.equal("on");
  });

  it("are objects of the stack", async () => {
    const { resources } = await recordingOf("prod", { network: { policies: true, cilium: "on" } });
    const made = resources.filter(({ type }) => type === "kubernetes:cilium.io/v2:CiliumNetworkPolicy");
    expect(made).to.have.length(ciliumPolicies(on()).length);
  });
});
