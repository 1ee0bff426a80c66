import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { expect } from "chai";
import type { Context } from "../../cli/commands/doctor/check";
import { blockedCreates, check, summarized } from "../../cli/commands/doctor/checks/pods";
import { podTrouble } from "../../cli/commands/doctor/pod-trouble";
import { settingPath } from "../../cli/commands/doctor/setting-path";
import { settingsOf } from "../support/stacks";

const now = Date.parse("2026-01-01T12:00:00Z");
const ago = (seconds: number) => new Date(now - seconds * 1000);
const settings = settingsOf("dev");

/** A pod of Loki's ingester with one container in a state. */
const pod = (status: Partial<V1ContainerStatus>, more: V1Pod["status"] = {}): V1Pod => ({
  metadata: { namespace: "loki", name: "loki-ingester-0", creationTimestamp: ago(1000) },
  spec: { containers: [{ name: "ingester", resources: { limits: { memory: "512Mi" } } }] },
  status: {
    phase: "Running",
    conditions: [{ type: "Ready", status: status.ready ? "True" : "False" }],
    containerStatuses: [
      { name: "ingester", image: "loki:1", imageID: "", ready: false, restartCount: 0, ...status },
    ],
    ...more,
  },
});
const event = (reason: string, message: string): CoreV1Event => ({
  metadata: {},
  type: "Warning",
  involvedObject: { kind: "Pod", namespace: "loki", name: "loki-ingester-0" },
  reason,
  message,
  lastTimestamp: ago(5),
});
const around = (events: CoreV1Event[], logs = {}) => ({
  namespace: "loki",
  pods: [],
  claims: [],
  events,
  logs,
});
const trouble = (one: V1Pod, { events = [] as CoreV1Event[], dead = false, logs = {} } = {}) =>
  podTrouble(one, around(events, logs), settings, dead, now);
const ended = (reason: string, exitCode: number, seconds: number) => ({
  terminated: { reason, exitCode, finishedAt: ago(seconds) },
});

describe("doctor: pods", () => {
  it("has no finding for a ready pod", () => {
    expect(trouble(pod({ ready: true }))).to.equal(undefined);
  });

  it("names the image that cannot be pulled, with a higher severity if no other pod serves", () => {
    const one = pod({ state: { waiting: { reason: "ImagePullBackOff", message: "Back-off" } } });
    const events = [event("Failed", "Failed to pull image loki:1: not found")];
    const found = trouble(one, { events });
    expect(found?.what).to.contain("cannot pull the image loki:1");
    expect(found?.evidence).to.contain("not found");
    expect(found?.severity).to.equal("warning");
    expect(trouble(one, { dead: true })?.severity).to.equal("critical");
  });

  it("names limit and setting of a container that was OOM killed", () => {
    const found = trouble(
      pod({
        restartCount: 3,
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: ended("OOMKilled", 137, 20),
      }),
    );
    expect(found?.what).to.contain("its limit is 512Mi (loki.ingester.memoryLimit)");
    expect(found?.fix).to.contain("pulumi config set --path loki.ingester.memoryLimit");
  });

  it("recognizes a container that could not start for lack of memory", () => {
    const state = { waiting: { reason: "RunContainerError" } };
    const lastState = {
      terminated: { exitCode: 128, reason: "StartError", message: "container init was OOM-killed" },
    };
    expect(trouble(pod({ state, lastState }))?.what).to.contain("killed for memory");
  });

  it("ignores events that happened long ago", () => {
    expect(trouble(pod({ ready: true, restartCount: 9, lastState: ended("OOMKilled", 137, 7200) }))).to.equal(
      undefined,
    );
  });

  it("reports a crash loop with its exit code, and recent restarts of a running container", () => {
    const loop = pod({
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: ended("Error", 1, 20),
      restartCount: 4,
    });
    const logs = { "loki-ingester-0/ingester": 'level=error msg="no such bucket"\n' };
    expect(trouble(loop, { logs })?.evidence).to.contain("exit code 1").and.to.contain("no such bucket");
    const again = (restartCount: number) =>
      trouble(pod({ ready: true, restartCount, lastState: ended("Error", 1, 120) }));
    expect(again(1)?.severity).to.equal("note");
    expect(again(1)?.evidence).to.contain("ended with exit code 1 (Error), 1 restarts");
    expect(again(5)?.severity).to.equal("warning");
  });

  it("names missing keys of a Secret or ConfigMap", () => {
    const message = `couldn't find key S3_ACCESS_KEY in Secret loki/loki-s3`;
    const found = trouble(pod({ state: { waiting: { reason: "CreateContainerConfigError", message } } }));
    expect(found?.what).to.contain(message);
  });

  it("reports the response of a failing probe", () => {
    const events = [event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")];
    const found = trouble(pod({ state: { running: {} } }), { events });
    expect(found?.what).to.contain("its probe fails");
    expect(found?.evidence).to.contain("503");
  });

  it("gives a new pod time, unless no other pod serves", () => {
    const young = pod({ state: { running: {} } });
    young.metadata = { ...young.metadata, creationTimestamp: ago(10) };
    expect(trouble(young)?.severity).to.equal("note");
    expect(trouble(young, { dead: true })?.severity).to.equal("warning");
  });

  it("distinguishes a pod without a node from one without a volume", () => {
    const pending = (message: string) => {
      const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
      const one = pod({}, { phase: "Pending", conditions, containerStatuses: [] });
      one.spec?.containers.splice(1);
      if (one.spec) one.spec.volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-0" } }];
      return trouble(one)?.what;
    };
    expect(pending("0/1 nodes are available: 1 Insufficient memory.")).to.contain("no node with room");
    expect(pending("pod has unbound immediate PersistentVolumeClaims")).to.contain("its volume (data-0)");
  });

  it("is critical if no pod of a workload is ready, except for a Job", async () => {
    const replica = (name: string, ready: boolean, kind = "ReplicaSet"): V1Pod => {
      const one = pod({ ready, image: "loki:1" });
      const ownerReferences = [{ apiVersion: "v1", kind, name: "owner", uid: "1" }];
      const labels = { "pod-template-hash": name.replace("loki-querier-", "") };
      return {
        ...one,
        metadata: { ...one.metadata, name: `${name}-x`, generateName: `${name}-`, labels, ownerReferences },
      };
    };
    const severities = async (...pods: V1Pod[]) => {
      const list =
        <T>(items: T[]) =>
        async () =>
          items;
      const cluster = { pods: list(pods), claims: list([]), events: list([]) };
      const config = { makeApiClient: () => ({ readNamespacedPodLog: async () => "" }) };
      const found = await check.look({ cluster, config, settings } as unknown as Context);
      return found.map(({ severity }) => severity);
    };
    const broken = replica("loki-querier-5c5", false);
    expect(await severities(broken)).to.deep.equal(["critical"]);
    // During a rollout, the pods of the previous ReplicaSet serve.
    expect(await severities(broken, replica("loki-querier-7d9", true))).to.deep.equal(["warning"]);
    expect(await severities(replica("backup", false, "Job"))).to.deep.equal(["warning"]);
  });

  it("reports workloads that cannot create their pods", () => {
    const involvedObject = { kind: "StatefulSet", namespace: "loki", name: "loki-ingester" };
    const [found] = blockedCreates(around([{ ...event("FailedCreate", "exceeded quota"), involvedObject }]));
    expect(found?.what).to.equal("StatefulSet loki/loki-ingester cannot create its pods");
    expect(found?.evidence).to.equal("exceeded quota");
  });

  it("finds the setting of a pod, a workload and a PVC", () => {
    const path = (namespace: string, name: string, field: string) =>
      settingPath(settings, namespace, name, field);
    expect(path("loki", "loki-query-frontend-7db9d75598-7ljnq", "memoryLimit")).to.equal(
      "loki.queryFrontend.memoryLimit",
    );
    expect(path("loki", "data-loki-index-gateway-0", "disk")).to.equal("loki.indexGateway.disk");
    expect(path("mimir", "storage-mimir-store-gateway-0", "disk")).to.equal("mimir.storeGateway.disk");
    expect(path("minio", "minio-57955d5bf8-gbv4d", "memoryLimit")).to.equal(
      "objectStorage.minio.memoryLimit",
    );
    expect(path("monitoring", "prometheus-kps-prometheus-0", "memoryLimit")).to.equal(
      "kubePrometheusStack.prometheus.memoryLimit",
    );
    expect(path("loki", "something-else", "memoryLimit")).to.equal(undefined);
    const second = settingsOf("dev", { namespaces: { prefix: "b-" } });
    expect(settingPath(second, "b-monitoring", "b-kps-operator-7db9d75598-7ljnq", "memoryLimit")).to.equal(
      "kubePrometheusStack.operator.memoryLimit",
    );
  });

  it("reports many restarts, as after the loss of a node, as one note", () => {
    const restarted = (number: number) => {
      const last = { terminated: { exitCode: 255, finishedAt: ago(60) } };
      const one = pod({ ready: true, restartCount: 1, lastState: last });
      Object.assign(one.metadata ?? {}, { name: `loki-ingester-${number}` });
      const observed = { namespace: "loki", pods: [one], claims: [], events: [], logs: {} };
      return podTrouble(one, observed, settings, false, now) ?? [];
    };
    const restarts = (count: number) => Array.from({ length: count }, (_, index) => restarted(index)).flat();
    expect(summarized(restarts(5))).to.have.lengthOf(5);
    const [, , kept] = summarized(restarts(3));
    if (!kept) throw new Error("no finding");
    const critical = { ...kept, severity: "critical" as const };
    const found = summarized([critical, ...restarts(40)]);
    expect(found.map(({ severity, what, evidence }) => [severity, what, evidence])).to.deep.equal([
      ["critical", critical.what, critical.evidence],
      [
        "note",
        "40 containers were restarted within the last 10 minutes, and are ready",
        "ingester of loki/loki-ingester-0, ingester of loki/loki-ingester-1, ingester of loki/loki-ingester-2, ingester of loki/loki-ingester-3, ingester of loki/loki-ingester-4 and 35 more",
      ],
    ]);
  });
});
