/** Every object of both stacks before a real API server: known fields only, valid, and admitted by Pod Security. */
import { expect } from "chai";
import { namespaces, podSecurity } from "../../names";
import { ApiServer } from "../support/api-server";
import {
  type KubernetesObject,
  ownOf,
  type Placed,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { needs, needsCharts } from "../support/tools";

/** What others need before they can be checked; made for real, all else only for the sake of the answer. */
const isGround = ({ object }: Placed) => ["Namespace", "CustomResourceDefinition"].includes(object.kind);

/** A pod as the workload's controller would make it. */
const podOf = ({ object }: Placed): KubernetesObject => {
  const { metadata, spec } = object["spec"].template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: `${object.metadata.name}-pod` },
    // What a StatefulSet's controller adds: a volume for each claim of its template.
    spec: {
      ...spec,
      volumes: [
        ...(spec.volumes ?? []),
        ...(object["spec"].volumeClaimTemplates ?? []).map((claim: KubernetesObject) => ({
          name: claim.metadata.name,
          persistentVolumeClaim: { claimName: claim.metadata.name },
        })),
      ],
    },
  };
};

describe("charts: every object before a real API server", function () {
  this.timeout(120_000);
  let api: ApiServer;

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, kubeApiserver);
  });

  after(() => api?.stop());

  /** What was not accepted without a word, one line each. */
  const complaints = async (placed: Placed[], form = ({ object }: Placed) => object) => {
    const verdicts = placed.map(async (one) => {
      const object = form(one);
      const { status, message, warnings } = await api.check(object, one.namespace);
      const said = status === 201 ? warnings : [`${status} ${message}`, ...warnings];
      return said.map(
        (words) => `${one.release ?? "program"}: ${object.kind} ${object.metadata.name}: ${words}`,
      );
    });
    return (await Promise.all(verdicts)).flat();
  };

  /** Makes what the others need. */
  const prepare = async (stack: RenderedStack) => {
    for (const { object } of stack.objects.filter(isGround)) {
      const { status, message } = await api.create(object);
      expect(status, message).to.be.oneOf([201, 409]);
    }
  };

  for (const environment of ["dev", "prod"])
    it(`accepts the program's own objects of ${environment}`, async () => {
      const stack = await ownOf({ environment });
      await prepare(stack);
      const own = stack.objects.filter((one) => !isGround(one));
      expect(own).not.to.be.empty;
      expect(await complaints(own)).to.deep.equal([]);
    });

  for (const environment of ["dev", "prod"])
    describe(`charts: the releases of ${environment} before a real API server`, () => {
      let stack: RenderedStack;

      before(async function () {
        await needsCharts(this);
        stack = await renderStack({ environment });
        await prepare(stack);
      });

      it("accepts every object of every release", async () => {
        const objects = stack.objects.filter((one) => one.release !== undefined && !isGround(one));
        expect(new Set(objects.map(({ release }) => release)).size).to.be.at.least(3);
        expect(await complaints(objects)).to.deep.equal([]);
        console.log(`      ${objects.length} objects`);
      });

      it("admits the pods of every workload without a warning of Pod Security", async () => {
        expect(await complaints(workloads(stack), podOf)).to.deep.equal([]);
      });

      it("holds all namespaces to `restricted` but the one that reads the node's files", () => {
        const levels = stack.objects
          .filter(({ object }) => object.kind === "Namespace")
          .map(({ object: { metadata } }) => [
            metadata.name,
            ...["enforce", "audit", "warn"].map(
              (mode) => metadata.labels?.[`pod-security.kubernetes.io/${mode}`],
            ),
          ]);
        const wanted = Object.entries(namespaces).map(([key, name]) => [
          name,
          ...Array(3).fill(podSecurity[key as keyof typeof podSecurity]),
        ]);
        expect(levels).to.have.deep.members(wanted);
        expect(wanted.filter(([, level]) => level !== "restricted").map(([name]) => name)).to.deep.equal([
          namespaces.alloyLogs,
        ]);
      });
    });

  describe("charts: what a real API server refuses", () => {
    before(async function () {
      await needsCharts(this);
    });

    it("lets Alloy have no privilege but the node's files", async () => {
      const stack = await renderStack({ environment: "prod" });
      const [alloy] = workloads(stack).filter(({ namespace }) => namespace === namespaces.alloyLogs);
      if (!alloy) throw new Error("there is no workload in Alloy's namespace");
      const labels = { "pod-security.kubernetes.io/enforce": "baseline" };
      await api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "baseline", labels } });
      const { status, message } = await api.check(podOf(alloy), "baseline");
      expect(status).to.equal(403);
      expect(message).to.match(
        /violates PodSecurity "baseline:latest": hostPath volumes \(volumes? "[^"]*"\)$/,
      );
    });

    it("refuses a misspelled field, an invalid value and a privileged pod, so that this test can fail", async () => {
      const stack = await renderStack({ environment: "prod" });
      const [querier] = workloads(stack).filter(({ object }) => object.metadata.name === "loki-querier");
      if (!querier) throw new Error("there is no querier");
      const changed = (change: (object: KubernetesObject) => void): Placed => {
        const object = structuredClone(querier.object);
        change(object);
        return { ...querier, object };
      };
      const misspelled = changed((object) => {
        object["spec"].replica = 1;
      });
      const invalid = changed((object) => {
        object["spec"].template.spec.containers[0].resources.requests.memory = "1GiB";
      });
      const privileged = changed((object) => {
        object["spec"].template.spec.containers[0].securityContext = { privileged: true };
      });
      expect((await complaints([misspelled]))[0]).to.match(/400 .*unknown field "spec\.replica"/);
      expect((await complaints([invalid]))[0]).to.match(/400 .*quantities must match/);
      expect((await complaints([privileged]))[0]).to.match(/would violate PodSecurity "restricted/);
      expect((await complaints([privileged], podOf))[0]).to.match(/403 .*violates PodSecurity "restricted/);
    });
  });
});
