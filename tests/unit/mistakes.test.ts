/** Mistakes and their errors: each separately, with its name, the allowed values and the fix. */
import { expect } from "chai";
import { schema } from "../../settings";
import { settingAt } from "../../settings/describe";
import { plainSecrets } from "../../settings/plain-secrets";
import { answer, message, mistakes } from "../support/mistakes";
import { type Environment, settingsOf } from "../support/stacks";

describe("mistakes in settings", () => {
  it("differ, and cover every section", () => {
    for (const part of ["about", "says"] as const)
      expect(new Set(mistakes.map((mistake) => mistake[part])).size, part).to.equal(mistakes.length);
    const sections = mistakes.flatMap(({ config }) => Object.keys(config));
    expect(sections).to.include.members(Object.keys(schema.shape));
  });

  for (const mistake of mistakes)
    it(`are reported: ${mistake.about}`, () => {
      const { problems, message: said } = answer(mistake);
      expect(said).to.equal(message(mistake));
      expect(problems).to.have.length(1);
      const [path = ""] = mistake.says.split(": ");
      expect(problems[0]?.path).to.equal(path);
      expect(said)
        .to.match(/must (not )?be |Valid: /)
        .and.to.include(`--path '${path}`);
      // An unknown setting must be removed, every other one changed.
      expect(mistake.change.startsWith("Remove it"), path).to.equal(
        settingAt(path) === undefined || mistake.says.includes("(must not be set"),
      );
    });

  it("about volumes do not occur if the settings fit the volumes", () => {
    for (const mistake of mistakes.filter(({ installed }) => installed)) {
      const { storageClass } = mistake.installed ?? {};
      const config = storageClass ? { cluster: { storageClass } } : {};
      expect(() => answer({ ...mistake, config }), mistake.about).to.throw("the settings are accepted");
    }
  });

  it("about secrets in plain text occur only for prod stacks, and for unencrypted values", () => {
    const config = { alerting: { receivers: { oncall: { pagerdutyKey: "in-plain-text" } } } };
    const found = (environment: Environment, encrypted: boolean, text = config) =>
      plainSecrets(settingsOf(environment, text), () => encrypted);
    expect(found("prod", false).map(({ path, was }) => [path, was])).to.deep.equal([
      ["alerting.receivers.oncall.pagerdutyKey", "[secret]"],
    ]);
    expect(found("prod", true)).to.deep.equal([]);
    expect(found("dev", false)).to.deep.equal([]);
    // The form in which a command reads encrypted values of a config file.
    const hidden = { alerting: { receivers: { oncall: { pagerdutyKey: "[secret]" } } } };
    expect(found("prod", false, hidden)).to.deep.equal([]);
  });
});
