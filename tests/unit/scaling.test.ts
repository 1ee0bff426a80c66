import { expect } from "chai";
import { keepsOld, outdated, stepsLeft } from "../../cli/commands/rotate";
import {
  hasAutoscaling,
  horizontalAutoscalers,
  installsKeda,
  installsMetricsServer,
  installsVerticalPodAutoscaler,
  isScaled,
  querierBudgets,
  releaseReplicas,
  targetAutoscaler,
  verticalAutoscalers,
} from "../../values/scaling";
import { kedaValues, metricsServerValues, verticalPodAutoscalerValues } from "../../values/scaling-charts";
import { type Config, settingsOf } from "../support/stacks";

const still: Config = {
  ...Object.fromEntries(
    ["loki", "mimir", "tempo"].map((store) => [store, { querier: { replicas: 2, maxReplicas: 2 } }]),
  ),
  alloyMetrics: { replicas: 3, maxReplicas: 3 },
};

describe("unit: scaling (R13)", () => {
  it("exists if there may be more replicas than the minimum, and then the release sets no number", () => {
    expect([
      isScaled({ replicas: 2, maxReplicas: 2 }),
      isScaled({ replicas: 2, maxReplicas: 3 }),
    ]).to.deep.equal([false, true]);
    expect(releaseReplicas({ replicas: 2, maxReplicas: 2 })).to.equal(2);
    expect(releaseReplicas({ replicas: 2, maxReplicas: 5 })).to.equal(null);
  });

  it("queriers: the bounds of the settings, at scaling.cpu, with a slow scale-in", () => {
    const found = horizontalAutoscalers(settingsOf("prod", { scaling: { cpu: 55, calmDown: "2m" } }));
    expect(
      found.map(({ metadata: { name, namespace }, spec }) => [
        ...[namespace, name, spec["minReplicas"], spec["maxReplicas"]],
      ]),
    ).to.deep.equal([
      ["loki", "loki-querier", 2, 5],
      ["mimir", "mimir-querier", 2, 6],
      ["tempo", "tempo-querier", 2, 4],
    ]);
    for (const { spec } of found) {
      expect(spec["metrics"]).to.deep.equal([
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 55 } },
        },
      ]);
      expect(spec["behavior"]).to.deep.equal({
        scaleDown: {
          stabilizationWindowSeconds: 120,
          policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
        },
      });
    }
    expect(horizontalAutoscalers(settingsOf("prod"))[0]?.spec).to.deep.include({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "loki-querier" },
    });
  });

  it("the budget of queriers exists only with their autoscaling, under another name than the chart's", () => {
    const names = querierBudgets(settingsOf("prod")).map(({ metadata }) => metadata.name);
    expect(names).to.deep.equal(["loki-querier-scaled", "tempo-querier-scaled"]);
    expect(querierBudgets(settingsOf("prod", still))).to.deep.equal([]);
  });

  it("Alloy metrics: by the number of its targets, queried from Mimir as a reader whose password is in a Secret", () => {
    const [authentication, scaled] = targetAutoscaler(
      settingsOf("prod", { alloyMetrics: { targetsPerReplica: 77 } }),
    );
    expect(authentication?.spec["secretTargetRef"]).to.deep.equal(
      ["username", "password"].map((parameter) => ({
        parameter,
        name: "gateway-credentials",
        key: `mimir-pods.nodes-read.${parameter}`,
      })),
    );
    expect(scaled?.spec).to.deep.include({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "alloy-metrics" },
      minReplicaCount: 3,
      maxReplicaCount: 10,
      fallback: { failureThreshold: 3, replicas: 3, behavior: "currentReplicas" },
    });
    const [trigger] = (scaled?.spec["triggers"] ?? []) as Record<string, unknown>[];
    expect(trigger).to.deep.include({
      metricType: "AverageValue",
      authenticationRef: { name: authentication?.metadata.name },
    });
    expect(trigger?.["metadata"]).to.deep.include({
      query: "count(up)",
      threshold: "77",
      authModes: "basic",
      // A Mimir without samples removes no replica: they buffer the samples.
      ignoreNullValues: "false",
    });
    expect(targetAutoscaler(settingsOf("dev"))).to.deep.equal([]);
  });

  it("ingesters: recommendations, or restarts with more CPU: the limits that follow from memory are those of the settings", () => {
    const modes = (ingesters: string) =>
      verticalAutoscalers(settingsOf("prod", { scaling: { ingesters } })).map(
        ({ spec }) => (spec["updatePolicy"] as Record<string, unknown>)["updateMode"],
      );
    expect([modes("off"), modes("recommend"), modes("auto")]).to.deep.equal([
      [],
      ["Off", "Off", "Off"],
      ["Recreate", "Recreate", "Recreate"],
    ]);
    const ingester = { cpu: "1500m", memory: "1Gi", memoryLimit: "2Gi" };
    const specOf = (ingesters: string) =>
      verticalAutoscalers(settingsOf("dev", { scaling: { ingesters }, loki: { ingester } }))[0]?.spec;
    const bounds = {
      containerName: "*",
      minAllowed: { cpu: "1500m", memory: "1Gi" },
      maxAllowed: { cpu: "6", memory: String(2 * 1024 ** 3) },
      controlledValues: "RequestsOnly",
    };
    expect(specOf("auto")?.["updatePolicy"]).to.include({ minReplicas: 2 });
    expect(specOf("auto")?.["resourcePolicy"]).to.deep.equal({
      containerPolicies: [{ ...bounds, controlledResources: ["cpu"] }],
    });
    expect(specOf("recommend")?.["resourcePolicy"]).to.deep.equal({ containerPolicies: [bounds] });
  });

  it("installs the required components, and no namespace if there are none", () => {
    const what = (config: Config) => {
      const settings = settingsOf("prod", config);
      return [installsMetricsServer, installsKeda, installsVerticalPodAutoscaler, hasAutoscaling].map((of) =>
        of(settings),
      );
    };
    expect(what({})).to.deep.equal([true, true, false, true]);
    expect(what(still)).to.deep.equal([false, false, false, false]);
    expect(what({ scaling: { metricsServer: "existing", keda: "existing" } })).to.deep.equal([
      false,
      false,
      false,
      false,
    ]);
    expect(what({ ...still, scaling: { ingesters: "recommend" } })).to.deep.equal([false, false, true, true]);
    const existing = { ingesters: "recommend", verticalPodAutoscaler: "existing" };
    expect(what({ ...still, scaling: existing })).to.deep.equal([false, false, false, false]);
  });

  it("has images from images.registry, KEDA that watches one namespace and leaves its CRDs, and an updater only if it may restart pods", () => {
    const settings = settingsOf("prod", {
      images: { registry: "registry.example.com" },
      scaling: { ingesters: "recommend" },
    });
    for (const values of [metricsServerValues, kedaValues, verticalPodAutoscalerValues]) {
      const text = JSON.stringify(values(settings));
      expect(text).to.include("registry.example.com");
      expect(text).not.to.match(/registry\.k8s\.io|ghcr\.io/);
    }
    expect(kedaValues(settings)).to.include({ watchNamespace: "alloy-metrics" });
    const kept = (protect: boolean) => {
      const { crds } = kedaValues(settingsOf("prod", { cluster: { protect } }));
      return (crds as { additionalAnnotations: unknown }).additionalAnnotations;
    };
    expect([kept(true), kept(false)]).to.deep.equal([{ "helm.sh/resource-policy": "keep" }, {}]);
    const enabled = (ingesters: string) => {
      const { updater, admissionController } = verticalPodAutoscalerValues(
        settingsOf("prod", { scaling: { ingesters } }),
      ) as Record<string, { enabled: boolean }>;
      return [updater?.enabled, admissionController?.enabled];
    };
    expect([enabled("recommend"), enabled("auto")]).to.deep.equal([
      [false, false],
      [true, true],
    ]);
    const args = (kubeletCertificates: boolean) =>
      metricsServerValues(settingsOf("prod", { scaling: { kubeletCertificates } }))["args"];
    expect([args(true), args(false)]).to.deep.equal([[], ["--kubelet-insecure-tls"]]);
  });
});

describe("unit: obs rotate", () => {
  const lists = (generations: number[]) => stepsLeft(generations).map((step) => step.generations);

  it("has three updates: passwords accepted in addition, used, and the only ones", () => {
    expect(lists([1])).to.deep.equal([[1, 2], [2, 1], [2]]);
    expect(lists([7])).to.deep.equal([[7, 8], [8, 7], [8]]);
  });

  it("repeats an update that was started, because its result is unknown", () => {
    expect(lists([1, 2])).to.deep.equal([[1, 2], [2, 1], [2]]);
    expect(lists([2, 1])).to.deep.equal([[2, 1], [2]]);
    expect(stepsLeft([2, 1])[0]?.waits, "clients are waited for again").to.equal(true);
  });

  it("does not revoke the passwords of agents before they had time for the new ones", () => {
    const hub = (generations: number[], agent = {}) =>
      settingsOf("dev", {
        access: { generations, ingress: { domain: "hub.test" } },
        agents: { "eu-1": agent },
      });
    expect([[1], [1, 2], [2, 1]].map((generations) => keepsOld(hub(generations)))).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect(keepsOld(hub([1], { removed: "keepData" }))).to.equal(false);
    expect(keepsOld(settingsOf("dev"))).to.equal(false);
    expect(keepsOld(settingsOf("dev"), true)).to.equal(true);
  });

  it("names the agents that have not reported the generation of the new passwords", () => {
    const reported = (...values: number[]) => values.map((value) => ({ labels: {}, value }));
    // While the rules of an agent are replaced, both may have a sample.
    const all = { "eu-1": reported(2), "us-1": reported(1), "ap-1": reported(), "ap-2": reported(1, 2) };
    expect(outdated(all, 2)).to.deep.equal(["us-1", "ap-1"]);
    expect(outdated({}, 2)).to.deep.equal([]);
  });

  it("never lets clients use a password that the gateways do not accept yet", () => {
    for (const start of [[3], [3, 4], [4, 3]]) {
      let taken = start;
      for (const { generations } of stepsLeft(start)) {
        expect(taken).to.include(generations[0]);
        taken = generations;
      }
    }
  });

  it("waits for clients after they are changed, and describes each update", () => {
    expect(stepsLeft([1]).map(({ waits }) => waits)).to.deep.equal([false, true, false]);
    expect(stepsLeft([1]).map(({ what }) => what)).to.deep.equal([
      "the gateways accept generation 2 in addition to 1",
      "clients change to generation 2",
      "generation 1 is revoked",
    ]);
  });
});
