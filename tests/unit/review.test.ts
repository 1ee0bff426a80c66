import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { expect } from "chai";
import { parse } from "yaml";
import { commentLimit } from "../../cli/commands/diff/markdown";
import { comment, counts, marker, type Review } from "../../cli/commands/review/comment";
import { type Preview, readEvents } from "../../cli/commands/review/preview";
import { root } from "../../cli/lib/stack-config";

const step = (op: string, name: string, diff?: string[]): EngineEvent =>
  ({
    resourcePreEvent: {
      metadata: {
        op,
        urn: `urn:pulumi:dev::observability::a:b:Parent$kubernetes:helm.sh/v3:Release::${name}`,
        ...(diff && { detailedDiff: Object.fromEntries(diff.map((path) => [path, { diffKind: "update" }])) }),
      },
    },
  }) as unknown as EngineEvent;
const policy = (enforcementLevel: string, message: string): EngineEvent =>
  ({
    policyEvent: {
      policyName: "pinned",
      enforcementLevel,
      message,
      resourceUrn: "urn:pulumi:dev::observability::kubernetes:helm.sh/v3:Release::loki",
    },
  }) as unknown as EngineEvent;
const preview = (events: EngineEvent[], failure?: string): Preview => readEvents(events, failure);
const report = {
  stack: "dev",
  base: { commit: "0123456789ab", name: "main" },
  charts: [],
  releases: [],
  notCompared: [],
  notes: [],
};
const review = (made: Review["preview"], stack = "dev"): Review => ({
  stack,
  preview: made,
  diff: report,
  against: "the stack's state",
});

describe("unit: review: a preview", () => {
  it("is the resources that change, each once, with paths and no values", () => {
    const made = preview([
      step("same", "a"),
      step("update", "loki", ["values.b", "values.a"]),
      step("replace", "minio"),
      step("create-replacement", "minio"),
      step("delete-replaced", "minio"),
    ]);
    expect(made).to.deep.include({ same: 1, passed: true, errors: [] });
    expect(made.changes).to.deep.equal([
      { op: "update", type: "Release", name: "loki", paths: ["values.a", "values.b"] },
      { op: "replace", type: "Release", name: "minio", paths: [] },
    ]);
    expect(counts(made)).to.equal("1 to update, 1 to replace; 1 unchanged");
    expect(counts(preview([step("same", "a")]))).to.equal("nothing to change; 1 unchanged");
  });

  it("has failed where a mandatory policy or the engine says so, and an advisory alone lets it pass", () => {
    expect(preview([policy("advisory", "x")]).passed).to.equal(true);
    const refused = preview([policy("mandatory", "\u001b[31mno\u001b[0m")], "exit 1");
    expect(refused).to.deep.include({ passed: false, errors: [] });
    expect(refused.findings).to.deep.equal([
      { policy: "pinned", level: "mandatory", resource: "Release loki", message: "no" },
    ]);
    expect(preview([], "no such host\npassword: hunter2").errors).to.deep.equal([
      "no such host\npassword: [secret 1]",
    ]);
  });
});

describe("unit: review: the comment", () => {
  it("tells each stack's resources, policies and objects, and is found again by its first line", () => {
    const said = comment(
      [review(preview([step("create", "b"), step("delete", "a"), policy("mandatory", "pin it")]))],
      "abcdef0123456789",
    );
    expect(said.startsWith(`${marker}\n`)).to.equal(true);
    for (const part of [
      "As of abcdef012345;",
      "#### dev",
      "1 to create, 1 to delete; 0 unchanged, **failed**",
      "resources: 2 changes",
      "| mandatory | pinned | Release loki | pin it |",
      "dev: no difference to main",
    ])
      expect(said).to.include(part);
    expect(said.indexOf("| delete |")).to.be.below(said.indexOf("| create |"));
  });

  it("says what could not be made", () => {
    const said = comment([{ ...review({ error: "no cluster" }), diff: { error: "no git" } }], "abc");
    expect(said)
      .to.match(/Preview\*\* could not be made:\n\n```\nno cluster/)
      .and.to.match(/could not be compared:\n\n```\nno git/);
    expect(comment([], "abc")).to.include("No stack was looked at");
  });

  it("is never longer than GitHub takes", () => {
    const many = preview(
      Array.from({ length: 3000 }, (_, i) => policy("advisory", `${i} ${"long ".repeat(100)}`)),
    );
    const diff = {
      ...report,
      releases: [
        {
          name: "loki",
          immutable: [],
          objects: Array.from({ length: 200 }, (_, i) => ({
            object: `ConfigMap a/${i}`,
            what: "changed" as const,
            restarts: false,
            diff: "+x\n".repeat(500),
          })),
        },
      ],
    };
    const said = comment(
      ["dev", "prod"].map((stack) => ({ ...review(many, stack), diff })),
      "abc",
    );
    expect(said.length).to.be.at.most(commentLimit);
    for (const part of ["#### dev", "#### prod", "left out"]) expect(said).to.include(part);
    expect(said.match(/<details>/g)?.length).to.equal(said.match(/<\/details>/g)?.length);
  });
});

describe("unit: deployments", () => {
  const read = (stack: string) =>
    parse(readFileSync(join(root, `Pulumi.${stack}.deploy.yaml`), "utf8")).settings;

  it("have short-lived credentials and no plain secret", () => {
    for (const stack of ["dev", "prod", "pr"]) {
      const { gitHub, operationContext } = read(stack);
      expect(gitHub.paths, stack).to.include.members([
        "charts.json",
        `Pulumi.${stack}.yaml`,
        "values/**",
        "components/**",
      ]);
      expect(operationContext.oidc.aws.roleArn, stack).to.match(new RegExp(`observability-${stack}$`));
      for (const value of Object.values(operationContext.environmentVariables))
        expect(value).to.be.a("string");
    }
    expect(read("pr").gitHub).to.deep.include({
      pullRequestTemplate: true,
      reviewStackLabels: ["review-stack"],
      deployCommits: false,
    });
    expect(read("prod").gitHub).to.include({
      pullRequestTemplate: false,
      deployCommits: false,
      previewPullRequests: true,
    });
  });
});
