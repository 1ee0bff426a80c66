/** Both stacks keep to the rules, as far as the program itself goes; a stack that is broken in one place does not. */
import { expect } from "chai";
import { ownSubjects } from "../../cli/policies";
import type { Recording } from "../../cli/record";
import { check, violations } from "../../policies/check";
import { type Environment, nameOf } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { broken } from "../support/broken";
import { recordingOf } from "../support/stacks";

/** The mandatory findings of a recording: `rule subject: message`. */
const found = (recording: Recording, environment: Environment): string[] =>
  violations(check(ownSubjects(recording), { environment })).map(
    ({ rule, subject, message }) => `${rule} ${nameOf(subject)}: ${message}`,
  );

describe("unit: policies over stacks", function () {
  this.timeout(120_000);

  for (const environment of ["dev", "prod"] as const)
    it(`${environment} keeps to all of them as it is shipped`, async () => {
      expect(found(await recordingOf(environment), environment)).to.deep.equal([]);
    });

  for (const { about, environment = "prod", config = {}, alter, outputs = {}, rule, says } of broken)
    it(`${rule} tells where ${about}`, async () => {
      const recording = structuredClone(await recordingOf(environment, config));
      for (const resource of recording.resources) alter?.(resource);
      for (const [output, value] of Object.entries(outputs))
        recording.outputs[output] = { value, secret: false };
      const told = found(recording, environment);
      const { why } = rules.find(({ id }) => id === rule) ?? { why: "no such rule" };
      const asSaid = says.startsWith("output ") ? `Stack outputs: ${says}` : says;
      expect(
        told.some((line) => line.startsWith(`${rule} ${asSaid}: ${why}. `)),
        told.join("\n"),
      ).to.equal(true);
      // One thing is broken, and only the rule about it tells.
      expect(told.filter((line) => !line.startsWith(`${rule} `))).to.deep.equal([]);
    });
});
