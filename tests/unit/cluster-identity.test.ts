/** The identity of a stack's cluster in its state, with a mocked engine. */
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { clusterIdentity } from "../../components/cluster-identity";
import type { Snapshot } from "../../components/preflight/facts";
import { SettingsError } from "../../settings";
import { settingsOf } from "../support/stacks";

/** The state after an earlier run. */
type State = { uid: string; identifier: string; prefix?: string; agent?: boolean };

/** An engine that responds like Pulumi's own provider: a Stash keeps its first value. */
async function withState<T>(state: State | undefined, work: () => Promise<T>): Promise<T> {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => ({
      id: `${name}-id`,
      state: type === "pulumi:index:Stash" ? { ...inputs, output: state ?? inputs.input } : inputs,
    }),
    call: ({ inputs }) => inputs,
  });
  return work();
}

const at = (clusterUid: string): Snapshot => ({ facts: { clusterUid }, unread: {} });
const settings = (name: string) => settingsOf("prod", { cluster: { name, context: "current" } });

describe("unit: identity of the cluster", () => {
  it("is the cluster's name on a first run", async () => {
    expect(await withState(undefined, () => clusterIdentity("prod", settings("eu"), at("1")))).to.equal("eu");
  });

  it("stays the same when cluster.name changes, so that nothing is replaced", async () => {
    const state = { uid: "1", identifier: "eu" };
    const found = await withState(state, () => clusterIdentity("prod", settings("europe"), at("1")));
    expect(found).to.equal("eu");
  });

  it("rejects another cluster, and explains how to replace one that no longer exists", async () => {
    const state = { uid: "1", identifier: "eu" };
    const refused = await withState(state, () => clusterIdentity("prod", settings("eu"), at("2"))).catch(
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(SettingsError);
    const { message } = refused as SettingsError;
    expect(message).to.include(
      'cluster.context: invalid value "current" (must be a context of the cluster that stack prod',
    );
    expect(message).to.include("has the UID 1 there, and 2 here");
    expect(message).to.match(/pulumi state delete --stack prod 'urn:pulumi:.*::pulumi:index:Stash::cluster'/);
    // A refresh waits for the lost MinIO, and ends with an error.
    expect(message).to.include("if it had the stack's MinIO, docs/guides/backup.md#an-empty-cluster");
  });

  it("rejects another prefix of the namespaces, and treats a stack without a record as one without a prefix", async () => {
    const prefixed = (prefix: string) => settingsOf("prod", { namespaces: { prefix } });
    const refusal = (state: State, prefix: string) =>
      withState(state, () => clusterIdentity("prod", prefixed(prefix), at("1"))).then(
        () => "accepted",
        (error: Error) => error.message,
      );
    const state = { uid: "1", identifier: "eu" };
    expect(await refusal(state, "")).to.equal("accepted");
    expect(await refusal(state, "b-")).to.match(
      /namespaces.prefix: invalid value "b-" \(must be "", with which stack prod/,
    );
    expect(await refusal({ ...state, prefix: "b-" }, "b-")).to.equal("accepted");
    expect(await refusal({ ...state, prefix: "b-" }, "")).to.include(
      "pulumi config set --stack prod --path namespaces.prefix b-",
    );
  });

  it("rejects turning a stack with stores into an agent, which would delete them, and the reverse", async () => {
    const hub = { stack: "organization/observability/hub" };
    const refusal = (state: State | undefined, asAgent: boolean) =>
      withState(state, () =>
        clusterIdentity("dev", { ...settings("eu"), ...(asAgent && { hub }) }, at("1")),
      ).then(
        () => "accepted",
        (error: Error) => error.message,
      );
    const state = { uid: "1", identifier: "eu" };
    expect(await refusal(state, false)).to.equal("accepted");
    expect(await refusal(undefined, true)).to.equal("accepted");
    expect(await refusal({ ...state, agent: true }, true)).to.equal("accepted");
    const refused = await refusal(state, true);
    expect(refused).to.include(
      `hub: invalid value "${hub.stack}" (must be unset, because stack dev was created with`,
    );
    expect(refused).to.include("pulumi config rm --stack dev hub");
    expect(await refusal({ ...state, agent: true }, false)).to.include("run ./obs down dev first");
  });

  it("is required: a cluster that does not show it is rejected", async () => {
    const hidden: Snapshot = { facts: {}, unread: { clusterUid: "namespaces is forbidden" } };
    const refused = await withState(undefined, () => clusterIdentity("prod", settings("eu"), hidden)).catch(
      (error: unknown) => error,
    );
    expect((refused as Error).message).to.include("Namespace kube-system (namespaces is forbidden)");
  });

  it("needs no cluster if nothing is installed", async () => {
    expect(await clusterIdentity("prod", settings("eu"), undefined)).to.equal("eu");
  });
});
