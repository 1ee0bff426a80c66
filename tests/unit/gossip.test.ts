import { expect } from "chai";
import { stringify } from "yaml";
import { gossipProblems } from "../../components/preflight/checks/gossip";
import { gossipOf, type LiveGossip } from "../../components/preflight/gossip";
import { type Store, stores } from "../../names";
import { problemText } from "../../settings/problem-text";
import { type GossipStep, gossipAt, gossipSteps, memberlist } from "../../values/gossip";
import { lokiValues } from "../../values/loki";
import { mimirValues } from "../../values/mimir";
import { tempoValues } from "../../values/tempo";
import { type Config, settingsOf } from "../support/stacks";

const at = (step: GossipStep, name = "prod") => settingsOf("prod", { cluster: { name, gossipLabels: step } });

/** Stores that run at a step. */
const running = (step: GossipStep, rolling: string[] = []) =>
  Object.fromEntries(
    stores.map((store): [Store, LiveGossip] => [
      store,
      { gossip: gossipAt(step, store, settingsOf("prod")), rolling },
    ]),
  );
const told = (config: Config, live: Partial<Record<Store, LiveGossip>>) =>
  gossipProblems("prod", settingsOf("prod", config), live).map((problem) => problemText("prod", problem));
const wants = (step: string): Config => ({ cluster: { gossipLabels: step } });

describe("unit: gossip labels", () => {
  it("are in the values of each store, different for each store and cluster", () => {
    const labels = (name: string) => {
      const settings = at("verify", name);
      const values = [lokiValues(settings), mimirValues(settings), tempoValues(settings)];
      return values.map((each) => /"cluster_label":"([^"]*)"/.exec(JSON.stringify(each))?.[1]);
    };
    expect(labels("prod")).to.deep.equal(["loki.loki.prod", "mimir.mimir.prod", "tempo.tempo.prod"]);
    expect(new Set([...labels("prod"), ...labels("other")]).size).to.equal(6);
  });

  it("are verified in new stacks of both environments", () => {
    for (const environment of ["dev", "prod"] as const)
      for (const store of stores)
        expect(memberlist(store, settingsOf(environment))).to.have.all.keys(
          "cluster_label",
          "abort_if_cluster_join_fails",
        );
  });

  it("find no other member without stopping, so that a store survives a start without DNS", () => {
    for (const store of stores)
      expect(memberlist(store, at("verify")).abort_if_cluster_join_fails, store).to.equal(false);
  });

  it("change one thing at each step, and the label only while no member verifies it", () => {
    for (const store of stores)
      for (const [index, step] of gossipSteps.slice(1).entries()) {
        const [one, other] = [gossipSteps[index] ?? step, step].map((each) =>
          gossipAt(each, store, at("verify")),
        );
        expect(one).not.to.deep.equal(other);
        expect(
          one?.label === other?.label || (!one?.verified && !other?.verified),
          `${store} ${step}`,
        ).to.equal(true);
      }
  });

  it("are read from the text of a configuration", () => {
    for (const store of stores)
      for (const step of gossipSteps.slice(1)) {
        const settings = at(step);
        expect(gossipOf(stringify({ memberlist: memberlist(store, settings) }))).to.deep.equal(
          gossipAt(step, store, settings),
        );
      }
    expect(gossipOf("memberlist:\n  join_members: [loki-memberlist]\n")).to.deep.equal({
      label: "",
      verified: true,
    });
  });

  it("are valid if nothing runs, nothing changes or one step is taken", () => {
    expect(told({}, {})).to.deep.equal([]);
    for (const [index, step] of gossipSteps.entries())
      for (const next of gossipSteps.slice(Math.max(1, index - 1), index + 2))
        expect(told(wants(next), running(step)), `${step} to ${next}`).to.deep.equal([]);
  });

  it("reject a jump, with the command for the next step", () => {
    expect(told({}, running("former"))).to.deep.equal([
      '  cluster.gossipLabels: invalid value "verify" (must be prepare: members of the rings that run now (loki, mimir, tempo) discard what members at the step verify send; docs/guides/upgrades.md)\n' +
        "    set it with: pulumi config set --stack prod --path 'cluster.gossipLabels' prepare; then run ./obs up prod, and continue with the next step",
    ]);
    const next = (from: GossipStep, to: string) =>
      told(wants(to), running(from)).map((text) => /gossipLabels' (\w+)/.exec(text)?.[1]);
    expect(next("former", "introduce")).to.deep.equal(["prepare"]);
    expect(next("prepare", "verify")).to.deep.equal(["introduce"]);
    expect(next("verify", "prepare")).to.deep.equal(["introduce"]);
  });

  it("name only the stores whose rings would split", () => {
    const live = { ...running("verify"), mimir: { gossip: { label: "", verified: true }, rolling: [] } };
    expect(told({}, live)[0]).to.include("(mimir)").and.to.include("must be prepare");
  });

  it("reject a step while the rollout of the last one is not complete", () => {
    expect(told(wants("introduce"), running("prepare", ["loki/loki-ingester"]))[0])
      .to.include("must be prepare until the last rollout is complete")
      .and.to.include("loki/loki-ingester");
    // A rollout at the same step is allowed.
    expect(told({}, running("verify", ["loki/loki-ingester"]))).to.deep.equal([]);
  });

  it("reject another name of the cluster, which is part of the label", () => {
    const [text = "", ...others] = told({ cluster: { name: "other" } }, running("verify"));
    expect(others).to.deep.equal([]);
    expect(text)
      .to.include('cluster.name: invalid value "other"')
      .and.to.include('"loki.loki.prod"')
      .and.to.include('"loki.loki.other"');
  });
});
