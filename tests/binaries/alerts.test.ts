/** The stack's own alerts: each file has a test next to it, which promtool runs. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { root } from "../../cli/lib/stack-config";
import { needs } from "../support/tools";

const folder = join(root, "alerts");
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"));

interface Rules {
  groups: { rules: { alert?: string; labels?: { severity?: string } }[] }[];
}
interface Tests {
  tests: { alert_rule_test: { alertname: string; exp_alerts: { exp_labels: { severity?: string } }[] }[] }[];
}

describe("binaries: the stack's own alerts", function () {
  this.timeout(180_000);
  let promtool: string;

  before(function () {
    [promtool = ""] = needs(this, "promtool");
  });

  for (const file of files) {
    const test = file.replace(".yaml", ".test.yaml");

    it(`${file}: is valid for promtool, and its test passes`, () => {
      expect(existsSync(join(folder, test)), test).to.equal(true);
      for (const args of [
        ["check", "rules", file],
        ["test", "rules", test],
      ]) {
        const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: folder, encoding: "utf8" });
        expect(status, `${stdout}${stderr}`).to.equal(0);
      }
    });

    it(`${file}: every alert is tested both inactive and firing`, () => {
      const { groups } = parse(readFileSync(join(folder, file), "utf8")) as Rules;
      const { tests } = parse(readFileSync(join(folder, test), "utf8")) as Tests;
      const cases = tests.flatMap((one) => one.alert_rule_test);
      for (const { alert, labels } of groups.flatMap(({ rules }) => rules)) {
        if (!alert) continue; // the alerts that query a recording rule test it
        const own = cases.filter(({ alertname }) => alertname === alert);
        expect(
          own.some((one) => one.exp_alerts.length === 0),
          `${alert} silent`,
        ).to.equal(true);
        // An alert with two severities must fire with each.
        expect(
          own.some((one) =>
            one.exp_alerts.some(({ exp_labels }) => exp_labels.severity === labels?.severity),
          ),
          `${alert} firing, ${labels?.severity}`,
        ).to.equal(true);
      }
    });
  }
});
