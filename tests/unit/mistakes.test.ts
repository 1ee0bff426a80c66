/** Mistakes and their errors: each one alone, named, with what is allowed and how to change it. */
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
      // What is there no setting for is to be taken out, everything else to be changed.
      expect(mistake.change.startsWith("Remove it"), path).to.equal(
        settingAt(path) === undefined || mistake.says.includes("(must not be set"),
      );
    });

  it("about volumes are none where the settings fit the volumes", () => {
    for (const mistake of mistakes.filter(({ installed }) => installed)) {
      const { storageClass } = mistake.installed ?? {};
      const config = storageClass ? { cluster: { storageClass } } : {};
      expect(() => answer({ ...mistake, config }), mistake.about).to.throw("the settings are accepted");
    }
  });

  it("about secrets in plain text are of prod stacks, and of what is not encrypted", () => {
    const config = { alerting: { receivers: { oncall: { pagerdutyKey: "in-plain-text" } } } };
    const found = (environment: Environment, encrypted: boolean, text = config) =>
      plainSecrets(settingsOf(environment, text), () => encrypted);
    expect(found("prod", false).map(({ path, was }) => [path, was])).to.deep.equal([
      ["alerting.receivers.oncall.pagerdutyKey", "[secret]"],
    ]);
    expect(found("prod", true)).to.deep.equal([]);
    expect(found("dev", false)).to.deep.equal([]);
    // What a config file has encrypted, a command sees as this.
    const hidden = { alerting: { receivers: { oncall: { pagerdutyKey: "[secret]" } } } };
    expect(found("prod", false, hidden)).to.deep.equal([]);
  });
});
