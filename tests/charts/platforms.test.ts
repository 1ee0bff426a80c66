/** Each preset of `cluster.platform`, with its charts: the policies, a real API server, and users of pods on OpenShift. */
import { expect } from "chai";
import { ownSubjects } from "../../cli/commands/policies";
import { recordProgram } from "../../cli/lib/record";
import { releases } from "../../names";
import { check, violations } from "../../policies/check";
import { nameOf } from "../../policies/rule";
import { flattened, renderedSubject } from "../../policies/subjects";
import { platformNames } from "../../settings/platforms";
import { ApiServer } from "../support/api-server";
import { type Placed, type RenderedStack, renderStack } from "../support/rendered";
import { asText, backedUp } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

const configOf = (platform: string) => ({
  ...backedUp,
  cluster: { platform },
  scaling: { ingesters: "auto" },
});
/** Of a kind that only OpenShift has. */
const isOpenShift = ({ object }: Placed) => object.apiVersion.startsWith("security.openshift.io/");
const isGround = ({ object }: Placed) => ["Namespace", "CustomResourceDefinition"].includes(object.kind);

/** Every fixed user and group in an object, with its path. */
const fixedIds = (node: unknown, path = ""): string[] =>
  Object.entries((node ?? {}) as object).flatMap(([key, value]) =>
    /^(runAsUser|runAsGroup|fsGroup|supplementalGroups)$/.test(key)
      ? [`${path}.${key}=${JSON.stringify(value)}`]
      : typeof value === "object"
        ? fixedIds(value, `${path}.${key}`)
        : [],
  );

describe("charts: platforms", function () {
  this.timeout(600_000);
  const stacks = new Map<string, RenderedStack>();
  let api: ApiServer;
  const checked = new Set<string>();

  before(async function () {
    await needsCharts(this);
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    for (const platform of platformNames)
      stacks.set(platform, await renderStack({ environment: "prod", ...configOf(platform) }));
    api = await ApiServer.start(etcd, process.env["OBS_KUBE_APISERVER_NEXT"] ?? kubeApiserver);
    for (const { objects } of stacks.values())
      for (const { object } of objects.filter(isGround))
        expect((await api.create(object)).status).to.be.oneOf([201, 409]);
  });
  after(() => api?.stop());

  for (const platform of platformNames) {
    it(`${platform}: violates no mandatory policy`, async () => {
      const recording = await recordProgram("test", asText("prod", configOf(platform)));
      const rendered = (stacks.get(platform)?.objects ?? []).filter(
        // The chart of the Vertical Pod Autoscaler needs a wildcard on every platform, because it acts on any kind of
        // workload.
        ({ release }) => release !== undefined && release !== releases.verticalPodAutoscaler,
      );
      const subjects = [
        ...ownSubjects(recording),
        ...rendered.flatMap(({ object, release = "", namespace }) =>
          flattened(object).map((one) => renderedSubject(one, release, namespace)),
        ),
      ];
      const broken = violations(check(subjects, { environment: "prod" }));
      expect(
        broken.map(({ rule, subject, message }) => `${rule} ${nameOf(subject)}: ${message}`),
      ).to.deep.equal([]);
    });

    it(`${platform}: an API server accepts every object`, async () => {
      const complaints: string[] = [];
      for (const placed of (stacks.get(platform)?.objects ?? []).filter((one) => !isGround(one))) {
        // Most objects are the same on every platform.
        const key = JSON.stringify(placed.object);
        if (isOpenShift(placed) || checked.has(key)) continue;
        checked.add(key);
        const { status, message, warnings } = await api.check(placed.object, placed.namespace);
        if (status !== 201 || warnings.length)
          complaints.push(
            `${placed.object.kind} ${placed.object.metadata.name}: ${status} ${message} ${warnings}`,
          );
      }
      expect(complaints).to.deep.equal([]);
    });
  }

  it("openshift: no object without a namespace has the name of one that the platform has", () => {
    const objects = stacks.get("openshift")?.objects ?? [];
    const roles = objects.filter(({ object }) => /^ClusterRole(Binding)?$/.test(object.kind));
    expect(roles.length).to.be.greaterThan(10);
    // https://github.com/openshift/cluster-monitoring-operator/tree/main/assets
    const taken =
      /^(kube-state-metrics|node-exporter|prometheus-operator|metrics-server|openshift-.*|cluster-monitoring-.*)$/;
    expect(roles.map(({ object }) => object.metadata.name).filter((name) => taken.test(name))).to.deep.equal(
      [],
    );
  });

  it("openshift: no pod fixes a user or group, except node agents, whose constraints allow it", () => {
    const objects = stacks.get("openshift")?.objects ?? [];
    const fixed = objects
      .filter((placed) => !isGround(placed) && !isOpenShift(placed) && fixedIds(placed.object).length > 0)
      .map(
        ({ object }) =>
          `${object.kind} ${object.metadata.namespace} ${object["spec"].template.spec.serviceAccountName}`,
      );
    expect(fixed).to.have.members(["DaemonSet alloy-logs alloy-logs", "DaemonSet monitoring node-exporter"]);
    const [constraints] = objects.filter(isOpenShift);
    expect(constraints?.object["users"]).to.include.members([
      "system:serviceaccount:alloy-logs:alloy-logs",
      "system:serviceaccount:monitoring:node-exporter",
    ]);
    expect(constraints?.object["allowPrivilegedContainer"]).to.equal(false);
  });

  it("openshift: the same pods have fixed users on any other platform", () => {
    const fixed = (stacks.get("kubeadm")?.objects ?? []).filter(({ object }) => fixedIds(object).length > 0);
    expect(fixed.length).to.be.greaterThan(40);
  });
});
