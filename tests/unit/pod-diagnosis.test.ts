import type { CoreV1Event, V1ContainerStatus, V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import { expect } from "chai";
import { diagnose, type Observed } from "../../components/pod-diagnosis";

const at = (minute: number) => new Date(Date.UTC(2026, 10, 1, 12, minute));

/** A pod as the API server returns it, not ready unless stated otherwise. */
const pod = (name: string, status: V1Pod["status"], claim?: string): V1Pod => ({
  metadata: { name, namespace: "loki", creationTimestamp: at(0) },
  spec: {
    containers: [],
    ...(claim && { volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }] }),
  },
  status: { phase: "Pending", conditions: [{ type: "Ready", status: "False" }], ...status },
});
const container = (name: string, status: Partial<V1ContainerStatus>): V1ContainerStatus => ({
  name,
  image: "docker.io/grafana/loki:3.7.6",
  imageID: "",
  ready: false,
  restartCount: 0,
  ...status,
});
const event = (kind: string, name: string, reason: string, message: string, minute = 1): CoreV1Event => ({
  metadata: {},
  type: "Warning",
  involvedObject: { kind, name, namespace: "loki" },
  reason,
  message,
  lastTimestamp: at(minute),
});
const unscheduled = (message: string): V1Pod["status"] => ({
  conditions: [
    { type: "PodScheduled", status: "False", reason: "Unschedulable", message },
    { type: "Ready", status: "False" },
  ],
});
const observed = (all: Partial<Observed>): Observed => ({
  ...{ namespace: "loki", pods: [], claims: [], events: [], logs: {} },
  ...all,
});
const text = (all: Partial<Observed>) => diagnose([observed(all)]).join("\n");

describe("unit: reasons why pods are not ready", () => {
  it("are empty if all are ready, completed or terminating", () => {
    const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
    const leaving = pod("c", {});
    leaving.metadata = { ...leaving.metadata, deletionTimestamp: at(1) };
    const pods = [pod("a", ready), pod("b", { phase: "Succeeded" }), leaving];
    expect(diagnose([observed({ pods })], at(1).getTime())).to.deep.equal([]);
  });

  it("include a lost node, which does not delete its pods", () => {
    const left = { ...pod("loki-ingester-0", {}), spec: { containers: [], nodeName: "node-1" } };
    left.metadata = { ...left.metadata, deletionTimestamp: at(1) };
    expect(diagnose([observed({ pods: [left] })], at(2).getTime())).to.deep.equal([
      "Pod loki/loki-ingester-0 is not ready:",
      "    deleted, but node node-1 does not confirm it",
    ]);
  });

  it("include a missing node, once for identical pods", () => {
    const message = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.";
    const pods = [0, 1, 2].map((n) => pod(`loki-ingester-${n}`, unscheduled(message)));
    expect(text({ pods })).to.equal(
      `Pod loki/loki-ingester-0 (and 2 alike) is not ready:\n    Unschedulable: ${message}`,
    );
  });

  it("include a PVC without a volume, with the provisioner's reason", () => {
    const claim: V1PersistentVolumeClaim = {
      metadata: { name: "data-loki-ingester-0" },
      spec: { storageClassName: "fast" },
      status: { phase: "Pending" },
    };
    const pods = [
      pod(
        "loki-ingester-0",
        unscheduled("pod has unbound immediate PersistentVolumeClaims"),
        "data-loki-ingester-0",
      ),
    ];
    const events = [
      event("PersistentVolumeClaim", "data-loki-ingester-0", "ProvisioningFailed", "class is gone", 1),
      event(
        "PersistentVolumeClaim",
        "data-loki-ingester-0",
        "ProvisioningFailed",
        'StorageClass "fast" not found',
        2,
      ),
    ];
    expect(text({ pods, claims: [claim], events })).to.include(
      '    claim data-loki-ingester-0: Pending, StorageClass fast; ProvisioningFailed: StorageClass "fast" not found',
    );
    expect(text({ pods })).to.include("    claim data-loki-ingester-0: missing");
    expect(text({ pods, claims: [{ ...claim, status: { phase: "Bound" } }] })).not.to.include("claim data");
  });

  it("include an image that cannot be pulled", () => {
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "loki:nope"' };
    expect(
      text({ pods: [pod("loki-0", { containerStatuses: [container("loki", { state: { waiting } })] })] }),
    ).to.equal(
      'Pod loki/loki-0 is not ready:\n    container loki: ImagePullBackOff: Back-off pulling image "loki:nope"',
    );
  });

  it("include a container that exits, with its last lines, shortened", () => {
    const status = container("loki", {
      restartCount: 4,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 1, reason: "Error" } },
    });
    const lines = text({
      pods: [
        pod("loki-0", {
          phase: "Running",
          containerStatuses: [status, container("other", { ready: true, state: { running: {} } })],
        }),
      ],
      logs: { "loki-0/loki": `1\n2\n3\n4\n5\n6\n${"x".repeat(1000)}\n` },
    }).split("\n");
    expect(lines[1]).to.equal(
      "    container loki: CrashLoopBackOff, ended with exit code 1 (Error), 4 restarts",
    );
    expect(lines.slice(2, 6)).to.deep.equal(["3", "4", "5", "6"].map((line) => `      | ${line}`));
    expect(lines[6]).to.have.length.below(260);
    expect(lines).to.have.length(7);
  });

  it("include a probe that fails, or an init container", () => {
    const running = container("loki", { state: { running: {} } });
    const message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    expect(
      text({
        pods: [pod("loki-0", { phase: "Running", containerStatuses: [running] })],
        events: [
          event("Pod", "loki-0", "Unhealthy", message),
          event("Pod", "loki-1", "Failed", "another pod's"),
        ],
      }),
    ).to.equal(
      `Pod loki/loki-0 is not ready:\n    Unhealthy: ${message}\n    container loki: runs, not ready`,
    );
    const init = text({
      pods: [
        pod("loki-0", {
          initContainerStatuses: [
            container("done", { state: { terminated: { exitCode: 0 } } }),
            container("wait", { state: { running: {} } }),
          ],
          containerStatuses: [container("loki", { state: { waiting: { reason: "PodInitializing" } } })],
        }),
      ],
    });
    expect(init).to.equal("Pod loki/loki-0 is not ready:\n    container wait: runs, not ready");
  });

  it("include a pod that could not be created, until one was", () => {
    const failed = event("StatefulSet", "loki-ingester", "FailedCreate", "exceeded quota: small", 5);
    expect(text({ events: [failed] })).to.equal(
      "StatefulSet loki/loki-ingester cannot create pods:\n    exceeded quota: small",
    );
    const created = pod("loki-ingester-0", { conditions: [{ type: "Ready", status: "True" }] });
    created.metadata = {
      ...created.metadata,
      creationTimestamp: at(6),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "loki-ingester", uid: "" }],
    };
    expect(text({ events: [failed], pods: [created] })).to.equal("");
  });

  it("stay short, however many pods there are", () => {
    const pods = Array.from({ length: 30 }, (_, n) => pod(`p${n}`, unscheduled(`reason ${"abc".repeat(n)}`)));
    const lines = diagnose([observed({ pods })]);
    expect(lines).to.have.length(21);
    expect(lines.at(-1)).to.equal("20 more pods are not ready: kubectl get pods -A");
  });
});
