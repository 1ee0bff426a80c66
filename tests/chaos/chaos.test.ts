/** Kills every component of a running stack in turn, and holds away those that carry signals, under numbered signals. */
import type { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import Mocha from "mocha";
import { look } from "../../cli/cluster";
import { kubeConfig } from "../../components/kube-config";
import { skip } from "../support/tools";
import { wholeAt } from "./account";
import { patience, seenAfter, until } from "./case";
import { type Component, findComponents, Harms, nameOf } from "./components";
import { expectationOf } from "./expectations";
import { newRun, removeLoad, startLoad } from "./load";
import { planned, readAsked } from "./plan";
import { type Case, type Harm, readReport, tableText, withCase, writeReport } from "./report";
import { Watch } from "./watch";

/** What has to be calm before the next harm, in milliseconds. */
const justNow = 15_000;

describe("chaos: every component of a running stack", function () {
  // A case has limits of its own.
  this.timeout(30 * 60_000);
  const begun = Date.now();
  const asked = readAsked(process.env);
  let config: KubeConfig | undefined;
  let harms: Harms;
  let watch: Watch | undefined;
  let components: Component[] = [];
  let cases: Case[] = [];

  /** Puts back and takes away all that this test changed; more than once does no harm. */
  const cleanUp = async () => {
    await harms?.putBack();
    await watch?.end();
    if (config) await removeLoad(config);
  };
  const interrupted = () => {
    console.error("\nobs: interrupted: putting everything back");
    cleanUp().finally(() => process.exit(130));
  };
  /** All signals are found soon after they are written. */
  const calm = async (since: number) => {
    const isCalm = () => watch !== undefined && wholeAt(0, watch.looksSince(since)) !== undefined;
    if (!(await until(patience, isCalm))) {
      const reasons = JSON.stringify(watch?.reasons);
      throw new Error(`before the harm: the signals are not found soon after they are written; ${reasons}`);
    }
  };

  before(async function () {
    const stack = process.env["OBS_TEST_STACK"] ?? skip(this, "OBS_TEST_STACK names no running stack");
    if (process.env["OBS_TEST_KUBECONFIG"]) process.env["KUBECONFIG"] = process.env["OBS_TEST_KUBECONFIG"];
    const { settings, cluster } = await look(stack);
    if ("reason" in cluster) skip(this, `no cluster answers for stack ${stack} (${cluster.reason})`);
    if (settings.environment === "prod" && process.env["OBS_CHAOS_YES"] !== "true")
      throw new Error(`stack ${stack} is a prod stack: say OBS_CHAOS_YES=true to harm its components`);
    config = kubeConfig(settings);
    harms = new Harms(config);
    components = await findComponents(config);
    for (const component of components)
      expect(await harms.isWhole(component), `${nameOf(component)} is whole before any harm`).to.equal(true);
    cases = asked.report ? readReport(asked.report) : [];
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
    const run = newRun();
    const started = Date.now();
    await startLoad(config, settings, run);
    watch = new Watch(config, run);
    watch.start();
    await calm(started);
    for (const { component, harm } of planned(components, asked, cases))
      this.test?.parent?.addTest(caseTest(component, harm));
  });

  after(async () => {
    await cleanUp();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupted);
    if (cases.length) console.log(`\n${tableText(cases)}`);
  });

  it("expects something of each", () => {
    const unknown = components.map(nameOf).filter((name) => !expectationOf(name));
    expect(unknown, "tests/chaos/expectations.ts has no line for these").to.deep.equal([]);
    expect(components).not.to.have.length(0);
  });

  const caseTest = (component: Component, harm: Harm) =>
    new Mocha.Test(`${harm} ${nameOf(component)}`, async function (this: Mocha.Context) {
      if (Date.now() - begun > asked.budget * 1000) return this.skip();
      if (!config || !watch) throw new Error("the load does not run");
      await calm(Date.now() - justNow);
      const seen = await seenAfter({ config, harms, watch, pause: asked.pause }, component, harm);
      cases = withCase(cases, seen);
      if (asked.report) writeReport(asked.report, cases);
      console.log(`\n${tableText([seen])}`);
      expect(seen.failures.join("\n")).to.equal("");
    });
});
