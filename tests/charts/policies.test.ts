/** The policies for all objects of a stack, including those that Helm renders from the charts. */
import { expect } from "chai";
import { withDefaults } from "../../bench/defaults";
import { ownSubjects, renderedSubjects } from "../../cli/commands/policies";
import { recordProgram } from "../../cli/lib/record";
import { releasesOf } from "../../cli/lib/render";
import { check, type Finding, violations } from "../../policies/check";
import { exceptionFor, exceptions } from "../../policies/exceptions";
import { type Environment, nameOf, type Subject, type Tree } from "../../policies/rule";
import { asText } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** Resources that a stack registers and objects of its charts; or of a single chart, with changed values. */
async function subjectsOf(
  environment: Environment,
  only?: string,
  alter?: (values: Tree) => void,
): Promise<Subject[]> {
  const recording = await recordProgram("test", asText(environment));
  const wanted = releasesOf(recording.resources).filter(({ name }) => only === undefined || name === only);
  const rendered: Subject[] = [];
  for (const release of wanted) {
    alter?.(release.values);
    rendered.push(...(await renderedSubjects(release)));
  }
  return [...ownSubjects(recording), ...rendered];
}

const told = (findings: Finding[]): string[] =>
  violations(findings).map(
    ({ rule, subject, message }) => `${rule} ${nameOf(subject)}: ${message.split(": ")[0]}`,
  );

describe("charts: policies", function () {
  this.timeout(300_000);
  const whole = new Map<Environment, Subject[]>();

  before(async function () {
    await needsCharts(this);
    for (const environment of ["dev", "prod"] as const) whole.set(environment, await subjectsOf(environment));
  });

  for (const environment of ["dev", "prod"] as const)
    it(`${environment} violates no mandatory policy, with its charts`, () => {
      expect(told(check(whole.get(environment) ?? [], { environment }))).to.deep.equal([]);
    });

  it("the charts' own defaults violate policies that the stack's values comply with", async () => {
    const { resources } = await recordProgram("test", asText("prod"));
    const subjects: Subject[] = [];
    for (const release of releasesOf(resources))
      subjects.push(...(await renderedSubjects(withDefaults(release))));
    const broken = violations(check(subjects, { environment: "prod" })).map(({ rule }) => rule);
    expect(broken).to.include.members([
      "resources-set",
      "seccomp",
      "no-privilege",
      "non-root",
      "readiness-probes",
      "images-registries",
      "disruption-budgets",
    ]);
  });

  it("every exception is needed by one of them, or by a hub", async () => {
    const urls = {
      loki: "https://hub.test:30443",
      mimir: "https://hub.test:30444",
      tempo: "https://hub.test:30445",
    };
    const access = { endpoints: urls, service: { type: "NodePort" } };
    const hub = ownSubjects(await recordProgram("test", asText("prod", { agents: { "eu-1": {} }, access })));
    const complaints = [...[...whole], ["prod", hub] as const].flatMap(([environment, subjects]) =>
      check(subjects, { environment, exceptions: [] }),
    );
    const unused = exceptions.filter(
      (exception) =>
        !complaints.some(({ rule, subject, message }) =>
          exceptionFor(rule, subject, message.split(": ")[0] ?? "", [exception]),
        ),
    );
    expect(unused.map(({ rule, reason }) => `${rule}: ${reason}`)).to.deep.equal([]);
  });

  const cases: [string, string, (values: Tree) => void, string][] = [
    [
      "node-exporter gains privileges",
      "kps",
      (values) => {
        values["prometheus-node-exporter"].containerSecurityContext = {
          seccompProfile: { type: "RuntimeDefault" },
        };
      },
      "no-privilege DaemonSet monitoring/node-exporter: container node-exporter may gain privileges, keeps capabilities",
    ],
    [
      "a gateway of several has no budget",
      "mimir",
      (values) => {
        values["gateway"].podDisruptionBudget = null;
      },
      "disruption-budgets Deployment mimir/mimir-gateway: it has replicas and no PodDisruptionBudget",
    ],
    [
      "a component has no memory limit",
      "tempo",
      (values) => {
        values["querier"].resources = { requests: { cpu: "1", memory: "1Gi" } };
      },
      "resources-set Deployment tempo/tempo-querier: container querier lacks a memory limit",
    ],
    [
      "a Service is open to the internet",
      "grafana",
      (values) => {
        values["service"] = { type: "LoadBalancer" };
      },
      "services-internal Service grafana/grafana: its type is LoadBalancer",
    ],
  ];
  for (const [about, release, alter, says] of cases)
    it(`detect: ${about}`, async () => {
      const findings = check(await subjectsOf("prod", release, alter), { environment: "prod" });
      // The unit tests cover violations in the release's values.
      expect(told(findings.filter(({ subject }) => subject.release === release))).to.deep.equal([says]);
    });
});
