import { expect } from "chai";
import { runApart } from "../../automation/command";
import { refusal } from "../../automation/ephemeral";
import { type Life, liveThrough } from "../../automation/life";
import { progress } from "../../automation/progress";
import { settingsOf } from "../support/stacks";

/** A lifecycle that only records its calls; any step can be made to fail. */
function rehearsal(overrides: Partial<Life<string>> = {}) {
  const done: string[] = [];
  const step =
    <T>(name: string, value: T) =>
    async () => {
      done.push(name);
      return value;
    };
  const life: Life<string> = {
    make: step("make", undefined),
    up: step("up", undefined),
    smoke: step("smoke", true),
    running: step("running", "outputs"),
    cancel: step("cancel", undefined),
    down: step("down", undefined),
    remove: step("remove", undefined),
    left: step("left", []),
    ...overrides,
  };
  const control = new AbortController();
  const told: string[] = [];
  const options = {
    keep: false,
    stop: control.signal,
    smokeWithin: 0.05,
    smokeEvery: 0.01,
    tell: (line: string) => told.push(line),
  };
  return { life, done, options, told, control };
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: Error) => error.message,
  );
const fails = (message: string) => async () => {
  throw new Error(message);
};

describe("unit: an ephemeral stack", () => {
  it("is created, deployed, smoke-tested, used and deleted, in that order", async () => {
    const { life, done, options } = rehearsal();
    const given = await liveThrough(life, options, async (running) => {
      done.push("action");
      return `${running} of the action`;
    });
    expect(given).to.equal("outputs of the action");
    expect(done).to.deep.equal(["make", "up", "smoke", "running", "action", "down", "remove", "left"]);
  });

  it("is deleted if the update, the smoke test or the action fails, with that error", async () => {
    const up = rehearsal({ up: fails("Loki does not start") });
    expect(await messageOf(liveThrough(up.life, up.options, async () => 1))).to.equal("Loki does not start");
    expect(up.done).to.deep.equal(["make", "down", "remove", "left"]);

    const smoke = rehearsal({ smoke: async () => false });
    expect(await messageOf(liveThrough(smoke.life, smoke.options, async () => 1))).to.equal(
      "the smoke test did not pass within 0.05 s",
    );
    expect(smoke.told.filter((line) => line.startsWith("smoke test, try")).length).to.be.greaterThan(0);
    expect(smoke.done.slice(-3)).to.deep.equal(["down", "remove", "left"]);

    const action = rehearsal();
    expect(await messageOf(liveThrough(action.life, action.options, fails("no Grafana")))).to.equal(
      "no Grafana",
    );
    expect(action.done.slice(-3)).to.deep.equal(["down", "remove", "left"]);
  });

  it("unlocks the stack before it deletes it after an interruption, even while an action waits", async () => {
    const { life, done, options, control } = rehearsal();
    const running = liveThrough(life, options, async () => {
      setImmediate(() => control.abort(new Error("interrupted")));
      await new Promise(() => undefined);
    });
    expect(await messageOf(running)).to.equal("interrupted");
    expect(done.slice(-4)).to.deep.equal(["cancel", "down", "remove", "left"]);

    const before = rehearsal();
    before.control.abort(new Error("interrupted"));
    expect(await messageOf(liveThrough(before.life, before.options, async () => 1))).to.equal("interrupted");
    expect(before.done).to.deep.equal([]);
  });

  it("stays if it is to be kept, even after a failure", async () => {
    const { life, done, options } = rehearsal({ smoke: async () => false });
    await messageOf(liveThrough(life, { ...options, keep: true }, async () => 1));
    expect(done).to.deep.equal(["make", "up"]);
  });

  it("reports both errors if the deletion fails, too, and the remaining objects", async () => {
    const down = rehearsal({ up: fails("no room"), down: fails("the API server is unavailable") });
    expect(await messageOf(liveThrough(down.life, down.options, async () => 1))).to.equal(
      "no room\nThe deletion failed as well: the API server is unavailable",
    );
    expect(down.done).to.deep.equal(["make"]);
    const left = rehearsal({ left: async () => ["Namespace loki"] });
    expect(await messageOf(liveThrough(left.life, left.options, async () => 1))).to.include(
      "still in the cluster: Namespace loki",
    );
  });

  it("is rejected if it is not a dev stack, is protected, or exists already", () => {
    const none = { exists: false, namespaces: [] };
    const dev = settingsOf("dev");
    const held = settingsOf("dev", { cluster: { protect: true } });
    expect(refusal("x", dev, none, false)).to.equal(undefined);
    expect(refusal("x", settingsOf("prod"), none, true)).to.include("is a prod stack (must be dev");
    expect(refusal("x", held, none, true)).to.include("cluster.protect: stack x is protected (must be false");
    expect(refusal("x", dev, { ...none, exists: true }, false)).to.include("exists already");
    expect(refusal("x", dev, { ...none, namespaces: ["loki"] }, false)).to.include("a stack: loki");
    expect(refusal("x", dev, { exists: true, namespaces: ["loki"] }, true)).to.equal(undefined);
  });

  it("runs programs in their own process group, and stops them with one signal", async () => {
    const script = 'trap "echo ended; exit 7" INT; echo $$; ps -o pgid= -p $$; while :; do sleep 0.05; done';
    const control = new AbortController();
    const { code, stdout } = await runApart(
      "sh",
      ["-c", script],
      {},
      {
        stop: control.signal,
        onOutput: (text) => {
          if (/^\d+\s+\d+/.test(text) || text.trim().split(/\s+/).length > 1) control.abort();
          else setTimeout(() => control.abort(), 200);
        },
      },
    );
    const [pid, group, last] = stdout.trim().split(/\s+/);
    expect(group).to.equal(pid);
    expect([code, last]).to.deep.equal([7, "ended"]);
  });

  it("reports releases and errors, each error once", () => {
    const told: string[] = [];
    const { onEvent, errors, end } = progress((line) => told.push(line.trim()));
    const urn = "urn:pulumi:s::p::a:index:Loki$kubernetes:helm.sh/v3:Release::loki";
    const base = { sequence: 0, timestamp: 0 };
    const outputs = (op: string, of: string) =>
      onEvent({ ...base, resOutputsEvent: { metadata: { urn: of, op } } } as never);
    outputs("create", urn);
    outputs("same", urn);
    outputs("create", urn.replace("Release", "Other"));
    const bad = { severity: "error", urn, message: "no image\n" };
    for (const _ of [1, 2]) onEvent({ ...base, diagnosticEvent: bad } as never);
    end();
    expect(told).to.deep.equal(["create Release loki", "Release loki: no image"]);
    expect(errors).to.deep.equal(["Release loki: no image"]);
  });
});
