/** Each policy separately: accepted resources, rejected ones, and its messages. */
import { expect } from "chai";
import { check, findingsOf, violations } from "../../policies/check";
import { configProblems, contextOf, levelOf } from "../../policies/config";
import { exceptionFor, exceptions } from "../../policies/exceptions";
import { known } from "../../policies/known";
import { policiesOf } from "../../policies/pack";
import type { Rule } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { subjectOf } from "../../policies/subjects";
import { ruleSpecs } from "../support/rule-specs";
import { deployment, said, thing } from "../support/subjects";

const rule = (id: string): Rule => {
  const found = rules.find((one) => one.id === id);
  if (!found) throw new Error(`there is no rule ${id}`);
  return found;
};

describe("unit: policies", () => {
  it("have unique names, and a spec here", () => {
    const ids = rules.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    expect([...new Set(ruleSpecs.map((spec) => spec.rule))].sort()).to.deep.equal([...ids].sort());
  });

  for (const { rule, environment = "prod", passes, fails, says } of ruleSpecs)
    describe(`${rule} in ${environment}`, () => {
      it("accepts compliant resources", () => {
        expect(said(rule, passes, environment)).to.deep.equal([]);
      });

      it("reports the problem, the reason and the fix", () => {
        expect(said(rule, fails, environment)).to.deep.equal(says);
      });
    });

  it("all accept a usual Deployment", () => {
    expect(check([deployment()], { environment: "prod" })).to.deep.equal([]);
  });

  describe("levels", () => {
    it("are the environment's defaults, or configured for a policy or for all", () => {
      expect(levelOf(rule("replica-minimums"), "dev")).to.equal("disabled");
      expect(levelOf(rule("replica-minimums"), "prod")).to.equal("mandatory");
      expect(levelOf(rule("tenancy"), "dev", { all: "advisory" })).to.equal("advisory");
      expect(
        levelOf(rule("tenancy"), "dev", { all: "advisory", tenancy: { enforcementLevel: "disabled" } }),
      ).to.equal("disabled");
    });

    it("decide whether a violation stops an update", () => {
      const subjects = [deployment({ image: "grafana/loki" })];
      const stops = (level: string) =>
        violations(check(subjects, { environment: "prod", config: { "images-pinned": level } })).length;
      expect([stops("mandatory"), stops("advisory"), stops("disabled")]).to.deep.equal([1, 0, 0]);
    });

    it("do not apply to exceptions, which name subjects without the prefix of a second stack", () => {
      const allowed = (name: string) => {
        const subject = { ...deployment({ image: "grafana/loki" }), name };
        const exceptions = [{ rule: "images-pinned", subject: { name: "app" }, reason: "a test" }];
        const how = { environment: "prod" as const, prefix: "b-", exceptions };
        return findingsOf(rule("images-pinned"), [subject], how)[0]?.allowed;
      };
      expect([allowed("b-app"), allowed("app"), allowed("c-app")]).to.deep.equal([
        "a test",
        "a test",
        undefined,
      ]);
    });

    it("can have parameters", () => {
      const config = { "images-registries": { registries: ["registry.example.com"] } };
      const found = (image: string) =>
        findingsOf(rule("images-registries"), [deployment({ image })], { environment: "prod", config })
          .length;
      expect([found("registry.example.com/loki:1"), found("grafana/loki:1")]).to.deep.equal([0, 1]);
      expect(contextOf(rule("sampling"), "prod").config).to.deep.equal({ prodMaximum: 0.1, devMinimum: 1 });
    });

    it("are rejected with an unknown policy, level or parameter", () => {
      const problems = configProblems(rules, {
        tenency: "advisory",
        tenancy: "optional",
        sampling: { maximum: 1 },
        all: "advisory",
      });
      expect(problems).to.have.length(3);
      expect(problems[0]).to.match(
        /^tenency: unknown policy\. Did you mean tenancy\? Valid: all, charts-pinned, /,
      );
      expect(problems.slice(1)).to.deep.equal([
        'tenancy: invalid value "optional" (must be one of mandatory, advisory, disabled)',
        "sampling.maximum: unknown parameter. Valid: enforcementLevel, prodMaximum, devMinimum",
      ]);
    });
  });

  describe("exceptions", () => {
    it("name an existing policy, and a reason", () => {
      for (const { rule: id, reason } of exceptions) {
        expect(() => rule(id)).not.to.throw();
        expect(reason, id).to.match(/\.$/);
      }
    });

    it("allow exactly what they name", () => {
      const allowed = { kind: "DaemonSet", namespace: "monitoring", name: "cadvisor", object: {} };
      const what = "a volume mounts /sys of the node";
      expect(exceptionFor("no-host-paths", allowed, what)?.reason).to.match(/^cAdvisor measures containers/);
      expect(exceptionFor("no-host-paths", allowed, "a volume mounts /etc of the node")).to.equal(undefined);
      expect(exceptionFor("no-host-paths", { ...allowed, name: "other" }, what)).to.equal(undefined);
      expect(exceptionFor("no-privilege", allowed, what)).to.equal(undefined);
      for (const name of ["cadvisor", "alloy-logs"]) {
        const pod = { ...allowed, name, namespace: name === "cadvisor" ? "monitoring" : name };
        expect(exceptionFor("non-root", pod, `container ${name.split("-")[0]} runs as root`)).to.not.equal(
          undefined,
        );
        expect(exceptionFor("non-root", pod, "container other runs as root")).to.equal(undefined);
      }
    });

    it("are reported with the violations, and stop nothing", () => {
      const service = thing(
        "Service",
        "cadvisor",
        { spec: { type: "NodePort" } },
        { namespace: "monitoring" },
      );
      const [finding, ...more] = check([service], { environment: "prod" });
      expect(more).to.deep.equal([]);
      expect(finding?.allowed).to.match(/^Enabled by default/);
      expect(violations(finding ? [finding] : [])).to.deep.equal([]);
    });
  });

  it("check patches of objects like objects", () => {
    const found = (type: string, inputs: object) => {
      const subject = subjectOf({ type: `kubernetes:${type}`, name: "app", inputs, protect: false });
      return check(subject ? [subject] : [], { environment: "prod" }).map(({ rule: id }) => id);
    };
    expect(found("core/v1:ServicePatch", { spec: { type: "LoadBalancer" } })).to.include("services-internal");
    expect(
      found("rbac.authorization.k8s.io/v1:ClusterRoleBindingPatch", { roleRef: { name: "cluster-admin" } }),
    ).to.deep.equal(["rbac-no-admin"]);
    expect(found("core/v1:NamespacePatch", {})).to.not.include("stateful-protected");
  });

  describe("as Pulumi's policies", () => {
    const policies = policiesOf(rules, { environment: "prod" });

    it("include all except those about objects of charts", () => {
      const left = rules.filter(({ id }) => !policies.some(({ name }) => name === id)).map(({ id }) => id);
      expect(left).to.deep.equal(["tokens-needed"]);
    });

    it("ignore values that are unknown before the update, and check the rest", () => {
      const { unknownCheckingProxy } = require("@pulumi/policy");
      const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
      const props = unknownCheckingProxy({ a: { b: unknownText, c: [1, unknownText] }, d: "x" });
      expect(known(props)).to.deep.equal({ a: { c: [1] }, d: "x" });
    });
  });
});
