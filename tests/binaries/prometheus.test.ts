/** Prometheus validates the rules, and Alertmanager routes their alerts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { alertmanagerConfig } from "../../values/alertmanager";
import { renderStack } from "../support/rendered";
import { type Config, settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

/** Runs a program until it exits. */
const run = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { status, words: `${stdout}${stderr}` };
};

describe("binaries: Prometheus validates the rules", function () {
  this.timeout(120_000);
  let promtool: string;
  let folder: string;

  before(async function () {
    await needsCharts(this);
    [promtool = ""] = needs(this, "promtool");
    folder = mkdtempSync(join(tmpdir(), "observability-rules-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** The rules of a stack, each object in a file of its own. */
  const filesOf = async (config: Config, change = (text: string) => text) => {
    const { objects } = await renderStack(config);
    const rules = objects.filter(({ object }) => object.kind === "PrometheusRule");
    return rules.map(({ object }) => {
      const file = join(folder, `${object.metadata.name}.yaml`);
      writeFileSync(file, change(stringify(object["spec"])));
      return file;
    });
  };

  const everyPart = ["apiServer", "controllerManager", "scheduler", "etcd", "proxy", "dns"];
  const stacks: Record<string, Config> = {
    dev: { environment: "dev" },
    prod: { environment: "prod" },
    "prod with the whole control plane": {
      environment: "prod",
      kubePrometheusStack: { controlPlane: everyPart },
    },
  };
  for (const [name, config] of Object.entries(stacks))
    it(`of ${name}`, async () => {
      const files = await filesOf(config);
      expect(files).to.have.length.above(20);
      const { status, words } = run(promtool, "check", "rules", ...files);
      expect(status, words).to.equal(0);
    });

  it("and rejects an invalid one", async () => {
    const files = await filesOf({ environment: "dev" }, (text) => text.replaceAll("sum(", "summ("));
    const { status, words } = run(promtool, "check", "rules", ...files);
    expect(status).not.to.equal(0);
    expect(words).to.include('unknown function with name "summ"');
  });
});

describe("binaries: Alertmanager validates its configuration", function () {
  this.timeout(60_000);
  let amtool: string;
  let folder: string;

  before(function () {
    [amtool = ""] = needs(this, "amtool");
    folder = mkdtempSync(join(tmpdir(), "observability-alertmanager-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const fileOf = (receivers: Config, change = (text: string) => text) => {
    const file = join(folder, "alertmanager.yaml");
    const settings = settingsOf("prod", { alerting: { receivers } });
    writeFileSync(file, change(stringify(alertmanagerConfig(settings))));
    return file;
  };
  const two = {
    chat: { webhookUrl: "https://chat.example.com/hooks/1" },
    pager: { webhookUrl: "https://pager.example.com/hooks/2" },
  };

  const cases: [what: string, receivers: Config, alert: string[], told: string][] = [
    [
      "sends a warning to every receiver",
      two,
      ["alertname=KubePodCrashLooping", "severity=warning"],
      "chat,pager",
    ],
    ["sends an alert without a severity to every receiver", two, ["alertname=Mine"], "chat,pager"],
    ["sends the Watchdog to no receiver", two, ["alertname=Watchdog", "severity=none"], "(nobody)"],
    ["sends alerts that only silence others to no receiver", two, ["alertname=InfoInhibitor"], "(nobody)"],
    [
      "sends the smoke test's alert to the smoke test and to no receiver, whatever its severity",
      two,
      ["alertname=ObsSmoke", "namespace=obs-smoke", "severity=critical"],
      "(smoke test)",
    ],
    [
      "sends an alert of a namespace with a like name to every receiver",
      two,
      ["alertname=Mine", "namespace=obs-smoke-2", "severity=critical"],
      "chat,pager",
    ],
    ["sends nothing without receivers", {}, ["alertname=Mine", "severity=critical"], "(nobody)"],
  ];
  for (const [what, receivers, alert, told] of cases)
    it(what, () => {
      const file = fileOf(receivers);
      const checked = run(amtool, "check-config", file);
      expect(checked.status, checked.words).to.equal(0);
      const { words } = run(amtool, "config", "routes", "test", `--config.file=${file}`, ...alert);
      expect(words.trim()).to.equal(told);
    });

  it("and rejects an unknown receiver", () => {
    const { status, words } = run(
      amtool,
      "check-config",
      fileOf(two, (text) => text.replace("- name: pager", "- name: bell")),
    );
    expect(status).not.to.equal(0);
    expect(words).to.include('undefined receiver "pager"');
  });
});
