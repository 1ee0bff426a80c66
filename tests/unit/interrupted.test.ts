/**
 * Cleanup after a killed update removes only its own leftovers: locks, plugins, releases, objects. Also the points of
 * the drill.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import type { KubeConfig, V1Secret } from "@kubernetes/client-node";
import { expect } from "chai";
import {
  blockingRecords,
  madeByUpdate,
  type PendingOperation,
  pendingReleases,
  unknownObjects,
} from "../../cli/commands/lifecycle/pending-operations";
import { isStale, lockFolder, settled } from "../../cli/commands/lifecycle/recovery";
import { requireOwnNamespaces, requireSameCluster, stashIn } from "../../cli/lib/same-cluster";
import { root } from "../../cli/lib/stack-config";
import { familyOf, points, reached, seenIn } from "../interrupt/points";
import { settingsOf } from "../support/stacks";

const operation = (type: string, kind: string, inputs: Record<string, unknown>): PendingOperation => ({
  type,
  resource: { urn: `urn:${kind}`, type: kind, inputs, parent: "urn:parent", dependencies: ["urn:namespace"] },
});
const releaseType = "kubernetes:helm.sh/v3:Release";
const record = (name: string, status: string): V1Secret => ({ metadata: { labels: { name, status } } });

describe("interrupted updates", () => {
  it("leave stale locks if their process ran on this machine and has exited", () => {
    const lock = { pid: 7, username: "root", hostname: "here", timestamp: "2026-01-01T00:00:00Z" };
    expect(isStale(lock, "here", () => false)).to.equal(true);
    expect(isStale(lock, "here", () => true)).to.equal(false);
    expect(isStale(lock, "elsewhere", () => false)).to.equal(false);
  });

  it("leave locks in the backend's folder, if it is local", () => {
    const below = ".pulumi/locks/organization/observability/dev";
    expect(lockFolder("dev", "file:///state")).to.equal(`/state/${below}`);
    expect(lockFolder("dev", "file://~")).to.equal(join(homedir(), below));
    expect(lockFolder("dev", "file://./state")).to.equal(join(root, "state", below));
    for (const other of ["s3://state", "https://api.pulumi.com", undefined])
      expect(lockFolder("dev", other)).to.equal(undefined);
  });

  it("leave releases that were being installed, which the state lacks, or upgraded", () => {
    const made = { name: "loki", namespace: "loki" };
    expect(
      pendingReleases([
        operation("creating", releaseType, made),
        operation("updating", releaseType, { ...made, name: "mimir" }),
        operation("creating", "kubernetes:core/v1:Secret", made),
        operation("creating", releaseType, { chart: "loki" }),
      ]),
    ).to.deep.equal([
      { ...made, first: true },
      { ...made, name: "mimir", first: false },
    ]);
  });

  it("leave Helm's records: all of a first installation, the pending ones of an upgrade, none of others", () => {
    const records = [
      record("loki", "superseded"),
      record("loki", "deployed"),
      record("loki", "pending-upgrade"),
      record("other", "pending-install"),
    ];
    const of = (first: boolean) =>
      blockingRecords(records, { name: "loki", namespace: "loki", first }).map(
        ({ metadata }) => metadata?.labels?.["status"],
      );
    expect(of(true)).to.deep.equal(["superseded", "deployed", "pending-upgrade"]);
    expect(of(false)).to.deep.equal(["pending-upgrade"]);
  });

  it("leave objects that the state lacks", () => {
    const inputs = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "cadvisor", namespace: "monitoring" },
    };
    const kind = "kubernetes:core/v1:Service";
    const resources = [
      { urn: "urn:namespace", type: "kubernetes:core/v1:Namespace", created: "2026-01-01T10:00:05.7Z" },
      { urn: "urn:parent", type: "component", created: "2026-01-01T10:00:00Z" },
      { urn: "urn:other", type: "component", created: "2026-01-01T11:00:00Z" },
    ];
    expect(
      unknownObjects(
        [
          operation("creating", kind, inputs),
          operation("updating", kind, inputs),
          operation("creating", releaseType, { name: "loki", namespace: "loki" }),
          operation("creating", "random:index:RandomPassword", inputs),
        ],
        resources,
      ),
    ).to.deep.equal([{ ...inputs, notBefore: new Date("2026-01-01T10:00:05Z") }]);
  });

  it("created only Pulumi's objects that are newer than their dependencies", () => {
    const made = (manager: string, at: string) =>
      madeByUpdate(
        {
          metadata: { creationTimestamp: new Date(at), managedFields: [{ manager: "kubelet" }, { manager }] },
        },
        { notBefore: new Date("2026-01-01T10:00:05Z") },
      );
    expect(made("pulumi-kubernetes-1a2b3c4d", "2026-01-01T10:00:05Z")).to.equal(true);
    expect(made("pulumi-kubernetes-1a2b3c4d", "2026-01-01T10:00:04Z")).to.equal(false);
    expect(made("kubectl-client-side-apply", "2026-01-01T10:00:05Z")).to.equal(false);
    expect(madeByUpdate({}, { notBefore: new Date(0) })).to.equal(false);
    // Without creation times in the state, nothing is deleted.
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "a" } };
    const [undated] = unknownObjects([operation("creating", "kubernetes:core/v1:Service", service)], []);
    expect(undated).to.deep.equal(service);
    const metadata = { creationTimestamp: new Date(), managedFields: [{ manager: "pulumi-kubernetes-1" }] };
    expect(madeByUpdate({ metadata }, {})).to.equal(false);
  });

  it("are repaired by removing only pending operations", () => {
    const rest = { resources: [{ urn: "urn:a", type: "a" }], secrets_providers: { type: "passphrase" } };
    expect(settled({ version: 3, deployment: { ...rest, pending_operations: [{}] } })).to.deep.equal({
      version: 3,
      deployment: rest,
    });
  });
});

describe("the cluster of a state", () => {
  const stash = (name: string, output: unknown) => ({
    urn: `urn:pulumi:dev::observability::pulumi:index:Stash::${name}`,
    type: "pulumi:index:Stash",
    outputs: { input: output, output },
  });
  const state = (...resources: ReturnType<typeof stash>[]) => ({ version: 3, deployment: { resources } });
  const recorded = { uid: "1", identifier: "eu" };
  /** The result of the check, in a cluster whose namespace kube-system has a UID. */
  const checked = (uid: string, of: ReturnType<typeof state>, away = true) => {
    const readNamespace = async () => ({ metadata: { uid } });
    const config = { makeApiClient: () => ({ readNamespace }) } as unknown as KubeConfig;
    const settings = settingsOf("dev", { cluster: { context: "here" } });
    return requireSameCluster("dev", { settings, config }, of, away).then(
      () => "accepted",
      (error: Error) => error.message,
    );
  };

  it("is in the stack's own Stash", () => {
    const own = stash("cluster", recorded);
    expect(stashIn(state(stash("other", { uid: "2" }), own))).to.equal(own);
    expect(stashIn({ version: 3, deployment: {} })).to.equal(undefined);
  });

  it("is the only one in which up, down and the cleanup after a killed update work", async () => {
    const of = state(stash("cluster", recorded));
    expect(await checked("1", of)).to.equal("accepted");
    const refused = await checked("2", of);
    expect(refused).to.include('cluster.context: invalid value "here" (must be a context of the cluster');
    expect(refused).to.include("has the UID 1 there, and 2 here");
    expect(refused).to.include(
      "If that cluster no longer exists: pulumi stack rm --force --preserve-config dev",
    );
    // Not for up: the state has the key of MinIO's objects.
    const replaced = await checked("2", of, false);
    expect(replaced).to.include(`pulumi state delete --stack dev '${stash("cluster", recorded).urn}'`);
    expect(replaced).not.to.include("stack rm");
    expect(await checked("2", state())).to.equal("accepted");
  });
});

describe("the namespaces of a stack", () => {
  it("are the only ones in which a restore and upgrade --volumes work", async () => {
    const checked = (annotations: Record<string, string>) => {
      const readNamespace = async () => ({ metadata: { annotations } });
      const config = { makeApiClient: () => ({ readNamespace }) } as unknown as KubeConfig;
      const settings = settingsOf("dev", { cluster: { context: "here" } });
      return requireOwnNamespaces("dev", { settings, config }).then(
        () => "accepted",
        (error: Error) => error.message,
      );
    };
    expect(await checked({})).to.equal("accepted");
    expect(await checked({ "observability/stack": "observability/dev" })).to.equal("accepted");
    expect(await checked({ "observability/stack": "observability/prod" })).to.include(
      'cluster.context: invalid value "here" (must be a context of the cluster of stack dev: namespace monitoring belongs to stack observability/prod)',
    );
  });
});

describe("the drill of interrupted updates", () => {
  const line = (kind: string, op: string, urn: string, planning?: boolean) =>
    JSON.stringify({
      [kind]: { planning, metadata: { op, urn: `urn:pulumi:s::p::${urn}`, type: urn.split("::")[0] } },
    });

  it("parses steps from the engine's event log", () => {
    const urn = "kubernetes:helm.sh/v3:Release::loki";
    const resource = "kubernetes:helm.sh/v3:Release loki";
    expect(seenIn(line("resourcePreEvent", "create", urn))).to.deep.equal({ moment: "begins", resource });
    expect(seenIn(line("resOutputsEvent", "create", urn))).to.deep.equal({ moment: "done", resource });
    expect(seenIn(line("resourcePreEvent", "create", urn, true))).to.equal(undefined);
    expect(seenIn(line("resourcePreEvent", "same", urn))).to.equal(undefined);
    expect(seenIn(JSON.stringify({ diagnosticEvent: { message: "x" } }))).to.equal(undefined);
  });

  it("detects when an update has reached a point", () => {
    const point = { name: "", moment: "begins", resource: /:Namespace /, count: 2, end: "Ctrl-C" } as const;
    const seen = ["loki", "mimir"].map((name) => ({
      moment: "begins" as const,
      resource: `kubernetes:core/v1:Namespace ${name}`,
    }));
    expect(reached(point, seen)).to.equal(true);
    expect(reached(point, seen.slice(1))).to.equal(false);
    expect(reached({ ...point, moment: "done" }, seen)).to.equal(false);
  });

  it("has ten points, and every kind of interruption at two or more", () => {
    expect(new Set(points.map(({ name }) => name)).size).to.equal(10);
    for (const end of ["Ctrl-C", "Ctrl-C twice", "engine killed", "all killed"])
      expect(points.filter((point) => point.end === end).length, end).to.be.at.least(2);
  });

  it("kills a process with all of its child processes, and nothing else", () => {
    const processes = [
      { pid: 2, parent: 1 },
      { pid: 3, parent: 2 },
      { pid: 4, parent: 3 },
      { pid: 5, parent: 1 },
    ];
    expect(familyOf(2, processes)).to.deep.equal([2, 3, 4]);
  });
});
