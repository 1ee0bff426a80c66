/** Rings of real stores: separate with labels, merged without, and complete while a running store gets its label. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import type { Store } from "../../names";
import { type GossipStep, gossipAt, gossipSteps, memberlist } from "../../values/gossip";
import { Member, seen } from "../support/members";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: gossip labels", function () {
  this.timeout(300_000);
  let loki: string;
  let mimir: string;
  let folder: string;
  let running: Member[] = [];

  before(function () {
    [loki = "", mimir = ""] = needs(this, "loki", "mimir");
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-gossip-"));
  });
  afterEach(async () => {
    await Promise.all(running.map((member) => member.stop("SIGKILL")));
    running = [];
    rmSync(folder, { recursive: true, force: true });
  });

  const member = async (store: "loki" | "mimir", id: string) => {
    const made = await Member.of(store, store === "loki" ? loki : mimir, folder, id);
    running.push(made);
    return made;
  };

  const label = (step: GossipStep, store: Store) =>
    step === "former" ? {} : memberlist(store, settingsOf("prod", { cluster: { gossipLabels: step } }));

  /** A Loki, and a Mimir that joins it, as if the address had belonged to a Mimir before. */
  const met = async (step: GossipStep) => {
    const [one, other] = [await member("loki", "loki-ingester-0"), await member("mimir", "mimir-ingester-0")];
    await one.start(label(step, "loki"), []);
    await other.start(label(step, "mimir"), [one.address]);
    return [one, other] as const;
  };

  it("separate Loki and Mimir when one joins the address of the other", async () => {
    const [one, other] = await met("verify");
    // Ten exchanges of the whole state.
    await wait(10_000);
    expect([await one.ring(), await other.ring()]).to.deep.equal([["loki-ingester-0"], ["mimir-ingester-0"]]);
  });

  it("are necessary: without them the rings merge", async () => {
    const both = ["loki-ingester-0", "mimir-ingester-0"];
    expect(await seen([...(await met("former"))], both, 60)).to.deep.equal([both, both]);
  });

  for (const store of ["loki", "mimir"] as const)
    describe(`of ${store}`, () => {
      const ids = ["ingester-0", "ingester-1", "ingester-2"];
      let members: Member[];

      beforeEach(async () => {
        members = [];
        for (const id of ids) members.push(await member(store, id));
        for (const each of members) await each.start(label("former", store), addresses());
        expect(await seen(members, ids, 60)).to.deep.equal([ids, ids, ids]);
      });

      const addresses = () => members.map(({ address }) => address);

      it("are added in three steps, and the ring is complete after each restart", async () => {
        for (const step of gossipSteps.slice(1))
          for (const each of members) {
            await each.stop();
            await each.start(label(step, store), addresses());
            expect(await seen(members, ids, 60), `${each.id} at ${step}`).to.deep.equal([ids, ids, ids]);
          }
        expect(gossipAt("verify", store, settingsOf("prod")).verified).to.equal(true);
      });

      it("split the ring if a step is skipped", async () => {
        const [first] = members;
        await first?.stop();
        await first?.start(label("verify", store), addresses());
        await wait(10_000);
        expect(await seen(members, ids, 0)).to.deep.equal([["ingester-0"], ids.slice(1), ids.slice(1)]);
      });
    });
});
