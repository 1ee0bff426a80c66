import { expect } from "chai";
import { quorums } from "../../values/quorums";
import { type Node, pinProblems, topologyCost, topologyLines, topologyProblems } from "../../values/topology";
import { type Config, settingsOf } from "../support/stacks";

/** Nodes by zone, with the number in each; a zone without a name has nodes without the label. */
const nodes = (byZone: Record<string, number>): Node[] =>
  Object.entries(byZone).flatMap(([zone, count]) =>
    Array.from({ length: count }, (_, index) => ({
      name: `node-${zone}-${index}`,
      ...(zone && { zone }),
    })),
  );
const sixInThree = nodes({ a: 2, b: 2, c: 2 });
const cluster = (config: Config) => settingsOf("prod", { cluster: config });
const lines = (of: Node[], config: Config = {}) =>
  topologyLines(topologyCost(settingsOf("prod", config), of));
const problems = (of: Node[], config: Config = {}) =>
  topologyProblems(settingsOf("prod", config), of).map(
    ({ path, was, allowed }) => `${path} ${was}: ${allowed}`,
  );

const single =
  "A component with one replica is unavailable with its node: tempo.queryFrontend for 80s and its start, grafana until the node returns.";

describe("unit: topology", () => {
  it("calculates how many members of each quorum can be lost", () => {
    const tolerated = (config: Config = {}) =>
      Object.fromEntries(
        quorums(settingsOf("prod", config)).map(({ members, count, tolerated: { writes, reads } }) => [
          members,
          [count, writes, reads],
        ]),
      );
    expect(tolerated()).to.deep.equal({
      "MinIO servers": [6, 2, 3],
      "Loki ingesters": [3, 1, 1],
      "Mimir ingesters": [3, 1, 1],
      "Tempo ingesters": [3, 1, 1],
      "Mimir store-gateways": [2, 2, 1],
      "Mimir Alertmanagers": [3, 1, 1],
      "Prometheus replicas": [2, 1, 1],
      Alertmanagers: [3, 2, 2],
    });
    const minio = (servers: number) => tolerated({ objectStorage: { minio: { servers } } })["MinIO servers"];
    // https://docs.min.io/community/minio-object-store/operations/concepts/erasure-coding.html
    expect([4, 5, 7, 8, 16].map(minio)).to.deep.equal([
      [4, 1, 2],
      [5, 2, 2],
      [7, 3, 3],
      [8, 3, 4],
      [16, 4, 4],
    ]);
    expect(tolerated({ loki: { replicationFactor: 2 } })["Loki ingesters"]).to.deep.equal([3, 0, 1]);
    expect(tolerated({ tempo: { ingester: { replicas: 5 } } })["Tempo ingesters"]).to.deep.equal([5, 1, 1]);
  });

  it("6 nodes in 3 zones: one node or one zone may be lost", () => {
    expect(problems(sixInThree)).to.deep.equal([]);
    expect(lines(sixInThree)).to.deep.equal([
      "The loss of one node costs neither writes nor reads.",
      "The loss of one zone costs neither writes nor reads.",
      single,
    ]);
    expect(lines(sixInThree, { tempo: { queryFrontend: { replicas: 2 } } })[2]).to.equal(
      "A component with one replica is unavailable with its node: grafana until the node returns.",
    );
    expect(lines(sixInThree, { loki: { indexGateway: { replicas: 1 } } })[2]).to.include(
      "loki.indexGateway until the node returns",
    );
    const none = { ...topologyCost(settingsOf("prod"), sixInThree), singles: [] };
    expect(topologyLines(none)).to.have.length(2);
    const minio = topologyCost(settingsOf("prod"), sixInThree).zone?.find(
      ({ quorum }) => quorum.members === "MinIO servers",
    );
    expect(minio?.lost).to.equal(2);
  });

  it("4 MinIO servers in 3 zones: the loss of a zone stops writes", () => {
    expect(lines(sixInThree, { objectStorage: { minio: { servers: 4 } } })[1]).to.equal(
      "The loss of one zone costs 2 of 4 MinIO servers (writes stop).",
    );
  });

  it("2 zones: the loss of a zone is the loss of a majority of three members", () => {
    const [node, zone] = lines(nodes({ a: 3, b: 3 }));
    expect(node).to.equal("The loss of one node costs neither writes nor reads.");
    expect(zone).to.equal(
      "The loss of one zone costs 3 of 6 MinIO servers (writes stop), " +
        ["Loki ingesters", "Mimir ingesters", "Tempo ingesters", "Mimir Alertmanagers"]
          .map((members) => `2 of 3 ${members} (writes and reads stop)`)
          .join(", ") +
        ".",
    );
  });

  it("3 nodes: rejects 6 MinIO servers, and reports their effect if placement is only preferred", () => {
    for (const three of [nodes({ a: 3 }), nodes({ a: 1, b: 1, c: 1 })]) {
      const [problem, ...others] = problems(three);
      expect(others).to.deep.equal([]);
      expect(problem).to.match(
        /^cluster\.antiAffinity quorum: preferred, or the cluster needs more nodes: it has 3/,
      );
      expect(problem).to.match(/there is none for 3 of 6 MinIO servers \(objectStorage\.minio\.servers\)$/);
      expect(problems(three, { cluster: { antiAffinity: "preferred" } })).to.deep.equal([]);
      expect(lines(three, { cluster: { antiAffinity: "preferred" } })[0]).to.equal(
        "The loss of one node costs neither writes nor reads.",
      );
    }
    const last = lines(nodes({ a: 3 }), { cluster: { antiAffinity: "preferred" } });
    expect(last).to.have.length(3);
    expect(last[2]).to.match(/only preferred/);
  });

  it("1 node: its loss is the loss of everything, and prod is rejected", () => {
    const dev = topologyCost(settingsOf("dev"), nodes({ "": 1 }));
    expect(
      dev.node.every(({ writes, reads, quorum }) => quorum.tolerated.writes > 0 || (!writes && !reads)),
    ).to.equal(true);
    expect(dev.zone).to.equal(undefined);
    expect(dev.guaranteed).to.equal(false);
    expect(topologyProblems(settingsOf("dev"), nodes({ "": 1 }))).to.deep.equal([]);
    expect(problems(nodes({ a: 1 }))[0]).to.match(/5 of 6 MinIO servers .*2 of 3 Loki ingesters/);
  });

  it("nodes without zones: cluster.zones must be false", () => {
    const six = nodes({ "": 6 });
    expect(problems(six)).to.deep.equal([
      "cluster.zones true: false, because no node has the label topology.kubernetes.io/zone",
    ]);
    expect(problems(six, { cluster: { zones: false } })).to.deep.equal([]);
    expect(lines(six, { cluster: { zones: false } })).to.deep.equal([
      "The loss of one node costs neither writes nor reads.",
      single,
    ]);
  });

  it("a zone with too few nodes leaves members of an even spread without a node", () => {
    expect(problems(nodes({ a: 1, b: 5 }))[0]).to.match(
      /evenly over the zones \(a: 1, b: 5\), and there is none for 3 of 6 MinIO servers/,
    );
    // A node without the label runs none of them.
    expect(problems([...nodes({ a: 2, b: 2, c: 1 }), ...nodes({ "": 1 })])[0]).to.match(
      /1 of 6 MinIO servers/,
    );
  });

  it("rejects rules that existing volumes cannot follow", () => {
    const pin = (workload: string, where: { node?: string; zone?: string }) => ({
      namespace: "loki",
      workload,
      ...where,
    });
    const told = (config: Config, ...pins: ReturnType<typeof pin>[]) =>
      pinProblems(cluster(config), sixInThree, pins).map(({ allowed }) => allowed);
    const ingesters = (...where: { node?: string; zone?: string }[]) =>
      where.map((one) => pin("loki-ingester", one));
    expect(told({}, ...ingesters({ zone: "a" }, { zone: "b" }, { zone: "c" }))).to.deep.equal([]);
    // The third PVC does not exist yet.
    expect(told({}, ...ingesters({ zone: "a" }, { zone: "b" }))).to.deep.equal([]);
    expect(told({}, ...ingesters({ zone: "a" }, { zone: "a" }, { zone: "b" }))[0]).to.match(
      /loki\/loki-ingester \(2 in a, 1 in b, 0 in c\)/,
    );
    expect(
      told({}, ...ingesters({ node: "node-a-0" }, { node: "node-a-1" }, { node: "node-b-0" }))[0],
    ).to.match(/2 in a, 1 in b, 0 in c/);
    expect(told({}, ...ingesters({ node: "node-a-0" }, { node: "node-a-0" }))[0]).to.match(/2 in node-a-0/);
    expect(
      told({ antiAffinity: "preferred" }, ...ingesters({ node: "node-a-0" }, { node: "node-a-0" })),
    ).to.deep.equal([]);
    // Pods outside quorums may stay on their nodes.
    expect(
      told({}, pin("loki-compactor", { zone: "a" }), pin("loki-compactor", { zone: "a" })),
    ).to.deep.equal([]);
  });
});
