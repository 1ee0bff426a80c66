import { V1LabelSelector, V1StatefulSet, V1StatefulSetSpec } from "@kubernetes/client-node";
import { expect } from "chai";
import { differences } from "../../cli/commands/upgrade/immutable";
import type { KubernetesObject } from "../../cli/lib/render";

describe("unit: upgrade: fields that cannot change", () => {
  const set = (spec: object, name = "one"): KubernetesObject => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: { selector: { matchLabels: { a: "1" } }, serviceName: "s", ...spec },
  });
  const claims = (storage: string, more: object = {}) => ({
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...more },
      },
    ],
  });
  const between = (before: KubernetesObject, after: KubernetesObject) =>
    differences([before], [after], "ns").map(({ field, todo }) => `${field}: ${todo}`);

  it("are the same in the words of the API server, its defaults, and the client's own classes", () => {
    const live = { status: { phase: "Pending" }, ...claims("1Gi", { volumeMode: "Filesystem" }) };
    expect(
      between(set({ podManagementPolicy: "OrderedReady", ...live }), set(claims("1024Mi"))),
    ).to.deep.equal([]);
    const read = Object.assign(new V1StatefulSet(), {
      kind: "StatefulSet",
      metadata: { name: "one", namespace: "ns" },
      spec: Object.assign(new V1StatefulSetSpec(), {
        serviceName: "s",
        selector: Object.assign(new V1LabelSelector(), { matchLabels: { a: "1" } }),
      }),
    });
    expect(between(read as unknown as KubernetesObject, set({}))).to.deep.equal([]);
  });

  it("of a StatefulSet are told one by one, with what to do", () => {
    expect(between(set({}), set({ selector: { matchLabels: { a: "2" } } }))[0]).to.match(
      /^spec\.selector: .*kubectl delete statefulset -n ns one; /,
    );
    expect(between(set({}), set({ serviceName: "t" }))[0]).to.match(
      /^spec\.serviceName: .*--cascade=orphan.*restart/,
    );
    expect(between(set({}), set({ podManagementPolicy: "Parallel" }))[0]).to.match(
      /^spec\.podManagementPolicy: .*--cascade=orphan/,
    );
    expect(between(set(claims("1Gi")), set(claims("2Gi")))[0]).to.include("./obs upgrade --volumes");
    for (const other of [claims("512Mi"), claims("2Gi", { storageClassName: "fast" }), {}])
      expect(between(set(claims("1Gi")), set(other))[0]).to.match(
        /volumeClaimTemplates: .*orphan.*stay as they are/,
      );
    const all = between(set({}), set({ serviceName: "t", podManagementPolicy: "Parallel" }));
    expect(all).to.have.length(2);
  });

  it("of other kinds too", () => {
    const object = (kind: string, rest: object): KubernetesObject =>
      ({ apiVersion: "v1", kind, metadata: { name: "one" }, ...rest }) as KubernetesObject;
    for (const kind of ["Deployment", "DaemonSet"])
      expect(
        between(
          object(kind, { spec: { selector: { a: "1" } } }),
          object(kind, { spec: { selector: { a: "2" } } }),
        ),
        kind,
      ).to.have.length(1);
    const service = (clusterIP?: string) => object("Service", { spec: { clusterIP } });
    expect(between(service("10.0.0.1"), service())).to.deep.equal([]);
    expect(between(service("10.0.0.1"), service("None"))).to.have.length(1);
    expect(between(service("None"), service())).to.have.length(1);
    const binding = (name: string) =>
      object("ClusterRoleBinding", { roleRef: { kind: "ClusterRole", name } });
    expect(between(binding("a"), binding("a"))).to.deep.equal([]);
    expect(between(binding("a"), binding("b"))[0]).to.include("kubectl delete clusterrolebinding one;");
    const volume = (storage: string, storageClassName?: string) =>
      object("PersistentVolumeClaim", { spec: { storageClassName, resources: { requests: { storage } } } });
    expect(between(volume("1Gi", "fast"), volume("2Gi"))).to.deep.equal([]);
    expect(between(volume("2Gi", "fast"), volume("1Gi"))).to.have.length(1);
    expect(between(volume("1Gi", "fast"), volume("1Gi", "slow"))).to.have.length(1);
  });

  it("do not matter for what is new, gone, elsewhere or of another kind", () => {
    const other = set({ serviceName: "t" });
    expect(differences([], [other], "ns")).to.deep.equal([]);
    expect(differences([set({})], [], "ns")).to.deep.equal([]);
    const elsewhere = { ...other, metadata: { name: "one", namespace: "other" } };
    expect(differences([set({})], [elsewhere], "ns")).to.deep.equal([]);
    const job = (image: string) => ({ ...set({ template: image }), kind: "ConfigMap" });
    expect(differences([job("a")], [job("b")], "ns")).to.deep.equal([]);
  });
});
