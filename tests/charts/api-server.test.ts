/** Sends every object of both stacks to a real API server: known fields only, valid, and admitted by Pod Security. */
import { expect } from "chai";
import { podSecurity } from "../../names";
import { ApiServer } from "../support/api-server";
import { namespaces } from "../support/names";
import {
  find,
  type KubernetesObject,
  ownOf,
  type Placed,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { shapes } from "../support/stacks";
import { needs, needsCharts, skip } from "../support/tools";

/** Prerequisites of other objects, which are really created; all others are only checked. */
const isGround = ({ object }: Placed) => ["Namespace", "CustomResourceDefinition"].includes(object.kind);

/** Whether an object is a custom resource of an operator. */
const isCustom = ({ object }: Placed) =>
  /^(monitoring\.coreos\.com|opentelemetry\.io|keda\.sh|autoscaling\.k8s\.io)\//.test(object.apiVersion);

/**
 * Pods that read the node, each with its additional permissions: nothing else in these namespaces needs more than
 * `restricted`.
 */
const readsTheNode: Record<string, Record<string, RegExp>> = {
  [namespaces.alloyLogs]: { "alloy-logs": /^hostPath volumes \(volumes? [^)]*\)$/ },
  [namespaces.monitoring]: {
    cadvisor: /^hostPath volumes \(volumes? [^)]*\)$/,
    "node-exporter":
      /^host namespaces \(hostNetwork=true, hostPID=true\), hostPath volumes \(volumes? [^)]*\), hostPort \([^)]*\b9100\b[^)]*\)$/,
  },
};

/** A pod as the workload's controller would create it. */
const podOf = ({ object }: Placed): KubernetesObject => {
  const { metadata, spec } = object["spec"].template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: `${object.metadata.name}-pod` },
    // The StatefulSet controller adds a volume for each PVC of its template.
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

/** The pod that the OpenTelemetry operator creates for a collector, with regard to security. */
const collectorPod = ({ object }: Placed): KubernetesObject => {
  const { podSecurityContext, securityContext, resources } = object["spec"];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${object.metadata.name}-pod`, namespace: object.metadata.namespace ?? "" },
    spec: {
      securityContext: podSecurityContext,
      containers: [{ name: "otc-container", image: "collector:1", resources, securityContext }],
    },
  };
};

/** @param next path of a newer kube-apiserver; without it the one on PATH */
function acceptance(suite: Mocha.Suite, next: string | undefined) {
  // Helm renders each chart, and the API server checks each object.
  suite.timeout(600_000);
  let api: ApiServer;

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, next ?? kubeApiserver);
    console.log(`    ${await api.version()}`);
  });

  after(() => api?.stop());

  /** Errors and warnings about objects, one per line. */
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

  /** Creates the prerequisites. */
  const prepare = async (stack: RenderedStack) => {
    const made = stack.objects.filter(isGround).map(({ object }) => api.create(object));
    for (const { status, message } of await Promise.all(made))
      expect(status, message).to.be.oneOf([201, 409]);
  };

  for (const environment of ["dev", "prod"] as const)
    it(`accepts the program's own objects of ${environment}`, async () => {
      const stack = await ownOf(shapes[environment]);
      const kinds = new Set(stack.objects.map(({ object }) => object.kind));
      expect(kinds).to.include("NetworkPolicy");
      if (environment === "prod")
        expect([...kinds]).to.include.members(["CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget"]);
      await prepare(stack);
      // The CRDs of custom resources are in a chart.
      const own = stack.objects.filter((one) => !isGround(one) && !isCustom(one));
      expect(own).not.to.be.empty;
      expect(await complaints(own)).to.deep.equal([]);
    });

  for (const environment of ["dev", "prod"] as const)
    describe(`charts: the releases of ${environment} before a real API server`, () => {
      let stack: RenderedStack;

      before(async function () {
        await needsCharts(this);
        stack = await renderStack(shapes[environment]);
        await prepare(stack);
      });

      it("accepts every object of every release, and custom resources according to their CRDs", async () => {
        const objects = stack.objects.filter((one) => !isGround(one) && (one.release || isCustom(one)));
        expect(new Set(objects.flatMap(({ release }) => release ?? []))).to.deep.equal(
          new Set([
            ...["minio", "loki", "mimir", "kps", "alloy-logs", "alloy-metrics"],
            ...["tempo", "alloy-traces", "opentelemetry-operator", "grafana", "vertical-pod-autoscaler"],
            ...(environment === "prod" ? ["metrics-server", "keda"] : []),
          ]),
        );
        const kinds = new Set(objects.filter(isCustom).map(({ object }) => object.kind));
        expect(kinds).to.deep.equal(
          new Set([
            ...["Prometheus", "Alertmanager", "ServiceMonitor", "PodMonitor", "PrometheusRule"],
            ...["Instrumentation", "OpenTelemetryCollector", "VerticalPodAutoscaler"],
            ...(environment === "prod" ? ["ScaledObject", "TriggerAuthentication"] : []),
          ]),
        );
        expect(await complaints(objects)).to.deep.equal([]);
        console.log(`      ${objects.length} objects`);
      });

      it("admits the pods of every workload without a warning of Pod Security", async () => {
        expect(await complaints(workloads(stack), podOf)).to.deep.equal([]);
        const collectors = stack.objects.filter(({ object }) => object.kind === "OpenTelemetryCollector");
        expect(collectors).to.have.length(1);
        expect(await complaints(collectors, collectorPod)).to.deep.equal([]);
      });

      it("sets `restricted` for all namespaces except those with pods that read the node", () => {
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
        const lax = wanted.filter(([, level]) => level !== "restricted").map(([name]) => name);
        expect(lax).to.have.members(Object.keys(readsTheNode));
      });

      for (const [namespace, readers] of Object.entries(readsTheNode))
        it(`has in ${namespace} only ${Object.keys(readers).join(" and ")} with more permissions`, async () => {
          const placed = workloads(stack).filter((one) => one.object.metadata.namespace === namespace);
          const refused = async (level: string) => {
            const labels = { "pod-security.kubernetes.io/enforce": level };
            await api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: level, labels } });
            const verdicts = placed.map(async (one) => {
              const pod = podOf(one);
              const { message } = await api.check(
                { ...pod, metadata: { ...pod.metadata, namespace: level } },
                level,
              );
              const [, reason] = /violates PodSecurity "[^"]*": (.*)$/.exec(message) ?? [];
              return reason ? [[one.object.metadata.name, reason]] : [];
            });
            return Object.fromEntries((await Promise.all(verdicts)).flat());
          };
          expect(await refused("restricted")).to.have.all.keys(Object.keys(readers));
          const reasons = await refused("baseline");
          expect(reasons).to.have.all.keys(Object.keys(readers));
          for (const [name, reason] of Object.entries(readers)) expect(reasons[name]).to.match(reason);
        });
    });

  for (const name of ["hub", "agent"] as const)
    describe(`charts: the objects of a ${name} before a real API server`, () => {
      before(async function () {
        await needsCharts(this);
      });

      it("are accepted, and their pods are admitted", async () => {
        const stack = await renderStack(shapes[name]);
        await prepare(stack);
        const objects = stack.objects.filter((one) => !isGround(one));
        const kind = { hub: "Ingress", agent: "DaemonSet" }[name];
        expect(objects.map(({ object }) => object.kind)).to.include(kind);
        expect(await complaints(objects)).to.deep.equal([]);
        expect(await complaints(workloads(stack), podOf)).to.deep.equal([]);
      });
    });

  describe("charts: objects that a real API server rejects", () => {
    before(async function () {
      await needsCharts(this);
    });

    it("rejects a misspelled field, an invalid value and a privileged pod, so that this test can fail", async () => {
      const stack = await renderStack({ environment: "prod" });
      await prepare(stack);
      const changed = (kind: string, name: string, change: (object: KubernetesObject) => void): Placed[] => {
        const object = structuredClone(find(stack, kind, name));
        change(object);
        return [{ release: undefined, namespace: object.metadata.namespace ?? "default", object }];
      };
      const querier = (change: (object: KubernetesObject) => void) =>
        changed("Deployment", "loki-querier", change);
      const misspelled = querier((object) => {
        object["spec"].replica = 1;
      });
      const invalid = querier((object) => {
        object["spec"].template.spec.containers[0].resources.requests.memory = "1GiB";
      });
      const privileged = querier((object) => {
        object["spec"].template.spec.containers[0].securityContext = { privileged: true };
      });
      const monitor = changed("ServiceMonitor", "cadvisor", ({ spec }) => {
        spec.endpoints[0].prot = "http";
      });
      const rule = changed("PrometheusRule", "kps-general.rules", ({ spec }) => {
        spec.groups[0].rules[0].for = "ten minutes";
      });
      const instrumentation = changed("Instrumentation", "default", ({ spec }) => {
        spec.sampler.type = "some";
      });
      const collector = changed("OpenTelemetryCollector", "gateway", ({ spec }) => {
        spec.mode = "some";
      });
      const scaled = changed("ScaledObject", "alloy-metrics", ({ spec }) => {
        spec.triggers = "some";
      });
      const policy = changed("NetworkPolicy", "loki-gateway", ({ spec }) => {
        spec.ingress[0].ports[0].protocol = "some";
      });
      const grown = changed("HorizontalPodAutoscaler", "loki-querier", ({ spec }) => {
        spec.maxReplicas = 1;
      });
      expect((await complaints(scaled))[0]).to.match(/422 .*spec\.triggers/);
      expect((await complaints(policy))[0]).to.match(/422 .*Unsupported value: "some"/);
      expect((await complaints(grown))[0]).to.match(/422 .*spec\.minReplicas|422 .*spec\.maxReplicas/);
      expect((await complaints(misspelled))[0]).to.match(/400 .*unknown field "spec\.replica"/);
      expect((await complaints(invalid))[0]).to.match(/400 .*quantities must match/);
      expect((await complaints(privileged))[0]).to.match(/would violate PodSecurity "restricted/);
      expect((await complaints(privileged, podOf))[0]).to.match(/403 .*violates PodSecurity "restricted/);
      expect((await complaints(monitor))[0]).to.match(/400 .*unknown field "spec\.endpoints\[0\]\.prot"/);
      expect((await complaints(rule))[0]).to.match(/422 .*spec\.groups\[0\]\.rules\[0\]\.for/);
      expect((await complaints(instrumentation))[0]).to.match(
        /422 .*spec\.sampler\.type: Unsupported value: "some"/,
      );
      expect((await complaints(collector))[0]).to.match(/422 .*spec\.mode: Unsupported value: "some"/);
    });
  });
}

describe("charts: every object with a real API server", function () {
  acceptance(this, undefined);
});

describe("charts: every object with a newer API server", function () {
  const next = process.env["OBS_KUBE_APISERVER_NEXT"];
  before(function () {
    if (!next) skip(this, "OBS_KUBE_APISERVER_NEXT names no kube-apiserver");
  });
  acceptance(this, next);
});
