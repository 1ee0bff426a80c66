/** Maintenance of the project: Renovate, workflows, releases. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { parse } from "yaml";
import { pins } from "../../charts";
import { root } from "../../cli/lib/stack-config";
import imagePins from "../../images.json";
import { releaseNotes } from "../../scripts/release-notes";
import { mimirSteps } from "../../settings/mimir-steps";
import { notes, support } from "../../upgrades";

const text = (path: string) => readFileSync(join(root, path), "utf8");

describe("unit: upkeep: Renovate", () => {
  interface Rule {
    matchDepNames?: string[];
    allowedVersions?: string;
    matchUpdateTypes?: string[];
    enabled?: boolean;
  }
  // JSON5 is JavaScript.
  const config = runInNewContext(`(${text("renovate.json5")})`) as {
    customManagers: { matchStrings: string[]; datasourceTemplate: string; packageNameTemplate?: string }[];
    packageRules: Rule[];
  };

  it("finds every chart of charts.json once, with its repository and version", () => {
    const ofCharts = config.customManagers.filter(({ matchStrings }) =>
      matchStrings.some((expression) => expression.includes('"repository"')),
    );
    const found = ofCharts.flatMap(({ matchStrings, datasourceTemplate }) =>
      matchStrings.flatMap((expression) =>
        [...text("charts.json").matchAll(new RegExp(expression, "g"))].map(({ groups }) => ({
          datasource: datasourceTemplate,
          ...groups,
        })),
      ),
    );
    const wanted = Object.entries(pins).map(([depName, { repository, version: currentValue }]) =>
      repository.startsWith("oci://")
        ? { datasource: "docker", depName, repository: repository.slice("oci://".length), currentValue }
        : { datasource: "helm", depName, registryUrl: repository, currentValue },
    );
    expect(found).to.have.deep.members(wanted);
  });

  it("finds every image of charts.json and images.json", () => {
    const expressions = config.customManagers.flatMap(({ matchStrings }) => matchStrings);
    const found = expressions.flatMap((expression) =>
      ["charts.json", "images.json"]
        .flatMap((file) => [...text(file).matchAll(new RegExp(expression, "g"))])
        .map(({ groups }) => `${groups?.["depName"]}:${groups?.["currentValue"]}`),
    );
    const images = Object.values(pins).flatMap((pin) => ("image" in pin ? [pin.image] : []));
    expect(images).to.have.length(5);
    images.push(...Object.values(pins["mimir-distributed"].steps));
    expect(found).to.include.members([...images, ...Object.values(imagePins)]);
  });

  it("proposes no version of an image that the project cannot use", () => {
    const limit = (image: string) =>
      config.packageRules.filter(({ matchDepNames }) => matchDepNames?.includes(`docker.io/${image}`));
    expect(limit("grafana/loki")[0]?.allowedVersions).to.equal("<3.8.0");
    expect(limit("grafana/tempo")[0]?.allowedVersions).to.equal("<3.0.0");
    expect(limit("grafana/mimir")[0]).to.deep.include({
      matchUpdateTypes: ["major", "minor"],
      enabled: false,
    });
    const [, stable = ""] =
      /^\/(.*)\/$/.exec(limit("nginxinc/nginx-unprivileged")[0]?.allowedVersions ?? "") ?? [];
    const allowed = ["1.30.5-alpine", "1.32.0-alpine", "1.31.4-alpine", "1.30.5", "2.0.0-alpine"].map((tag) =>
      new RegExp(stable).test(tag),
    );
    expect(allowed).to.deep.equal([true, true, false, false, false]);
  });

  it("has the support of each pinned image in the table of upgrades.ts", () => {
    const overrides = Object.values(pins).flatMap((pin) => ("image" in pin ? [pin.image] : []));
    for (const image of [...overrides, ...Object.values(pins["mimir-distributed"].steps), imagePins.nginx]) {
      const [, name, line] = /^docker\.io\/(.*):v?(\d+\.\d+)\./.exec(image) ?? [];
      expect(
        support.map((one) => `${one.image} ${one.line}`),
        image,
      ).to.include(`${name} ${line}`);
    }
    for (const { until, link } of support) {
      expect(new Date(until).toISOString()).to.equal(`${until}T00:00:00.000Z`);
      expect(link).to.match(/^https:/);
    }
  });

  it("keeps the minor versions before Mimir's pin as steps", () => {
    const steps = mimirSteps.map((version) => version.split(".").map(Number));
    expect(mimirSteps.at(-1)).to.equal(pins["mimir-distributed"].version);
    for (const [index, [major = 0, minor = 0]] of steps.slice(1).entries()) {
      const [majorBefore = 0, minorBefore = 0] = steps[index] ?? [];
      // Within a major version no minor version is missing; the next major version begins with its first.
      const next = major === majorBefore ? [major, minorBefore + 1] : [majorBefore + 1, 0];
      expect([major, minor], mimirSteps[index + 1]).to.deep.equal(next);
    }
  });

  it("finds the operator's chart in the instructions for its installation", () => {
    const expressions = config.customManagers.flatMap(({ matchStrings }) => matchStrings);
    const found = expressions.flatMap((expression) => [
      ...text("docs/guides/deployments.md").matchAll(new RegExp(expression, "g")),
    ]);
    expect(found.map(({ groups }) => groups?.["packageName"])).to.deep.equal([
      "ghcr.io/pulumi/helm-charts/pulumi-kubernetes-operator",
    ]);
    expect(found[0]?.groups?.["currentValue"]).to.match(/^\d+\.\d+\.\d+$/);
  });

  it("stays below every limit of upgrades.ts", () => {
    for (const { chart, from } of notes.filter(({ limit }) => limit)) {
      const rule = config.packageRules.find(({ matchDepNames }) => matchDepNames?.includes(chart));
      const [, major] = /^<(\d+)\.0\.0$/.exec(rule?.allowedVersions ?? "") ?? [];
      expect(Number(major), chart).to.equal(Number(pins[chart].version.split(".")[0]) + 1);
      if (from && "chart" in from) expect(Number(major), chart).to.equal(Number(from.chart.split(".")[0]));
    }
  });
});

describe("unit: upkeep: workflows", () => {
  interface Job {
    permissions?: Record<string, string>;
    "timeout-minutes"?: number;
    if?: string;
    /** A reusable workflow, whose own jobs have the steps. */
    uses?: string;
    steps: { uses?: string; name?: string; run?: string; with?: Record<string, unknown> }[];
  }
  const folder = ".github/workflows";
  const files = readdirSync(join(root, folder));
  const workflow = (file: string) =>
    parse(text(join(folder, file))) as {
      on: Record<string, unknown>;
      permissions: object;
      jobs: Record<string, Job>;
    };

  for (const file of files)
    it(`${file} pins actions by commit, gives a token no permissions by default, and has timeouts`, () => {
      for (const [, action] of text(join(folder, file)).matchAll(/uses: (.*)/g))
        expect(action).to.match(
          /^([\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\.\/\.github\/workflows\/kind\.yaml)$/,
        );
      const { permissions, jobs } = workflow(file);
      expect(permissions).to.deep.equal({});
      for (const [name, job] of Object.entries(jobs).filter(([, { uses }]) => !uses)) {
        expect(job["timeout-minutes"], name).to.be.a("number");
        for (const { uses, with: given, run } of job.steps) {
          if (uses?.startsWith("actions/checkout@"))
            expect(given, name).to.include({ "persist-credentials": false });
          // A shell never evaluates the name of a branch or a pull request.
          expect(run ?? "", name).not.to.include("${{");
        }
      }
    });

  it("allow writes only in jobs that run neither the repository's code nor a package", () => {
    const writers = files.flatMap((file) =>
      Object.entries(workflow(file).jobs)
        .filter(([, { permissions }]) => Object.values(permissions ?? {}).includes("write"))
        .map(([name, job]) => ({ name, job })),
    );
    expect(writers.map(({ name }) => name).sort()).to.deep.equal(["comment", "publish", "release"]);
    for (const { job } of writers)
      for (const { uses, run } of job.steps) {
        expect(uses ?? "").to.match(/^$|^actions\/download-artifact@/);
        expect(run ?? "").not.to.match(/\b(npm|npx|node|pip|mkdocs|\.\/obs)\b/);
      }
  });

  it("install the stack on a kind cluster, and test it, for each pull request, push and night", () => {
    for (const file of ["main.yaml", "pull-request.yaml"])
      expect(workflow(file).jobs["kind"]?.uses, file).to.equal("./.github/workflows/kind.yaml");
    expect(workflow("main.yaml").jobs["kind"]?.if).to.equal(undefined);
    const commands = workflow("kind.yaml").jobs["up"]?.steps.flatMap(({ run }) => run ?? []) ?? [];
    expect(commands.filter((run) => run.startsWith("./obs")).map((run) => run.split(" ")[1])).to.deep.equal([
      "up",
      "smoke",
      "doctor",
      "dashboards",
      "preview",
      "down",
    ]);
  });

  it("never run a pull request with the permissions of main", () => {
    for (const file of files)
      expect(Object.keys(workflow(file).on)).not.to.include.members(["pull_request_target"]);
    expect(Object.keys(workflow("pull-request.yaml").on)).to.deep.equal(["pull_request"]);
    expect(workflow("pull-request.yaml").jobs["comment"]?.if).to.include(
      "head.repo.full_name == github.repository",
    );
  });

  /** Runs a step of the pull request's workflow in a folder with these files; scripts among them replace programs. */
  const step = (job: string, files: Record<string, string>, env: Record<string, string>) => {
    const place = mkdtempSync(join(tmpdir(), "step-"));
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(place, file)), { recursive: true });
      writeFileSync(join(place, file), content);
      chmodSync(join(place, file), 0o755);
    }
    const steps = workflow("pull-request.yaml").jobs[job]?.steps ?? [];
    const script = steps.filter(({ run }) => run).at(-1)?.run ?? "exit 9";
    const { status } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      cwd: place,
      env: { PATH: [place, process.env["PATH"]].join(delimiter), ...env },
    });
    return { status, read: (file: string) => readFileSync(join(place, file), "utf8") };
  };

  /** Posts the reviews of two stacks with a `gh` that returns IDs and records its calls. */
  const post = (ids: string): string[] => {
    const gh = `#!/bin/sh\necho "$*" >> log\ncase "$*" in *--paginate*) printf '${ids}';; esac\n`;
    const files = { gh, "review/dev.md": "", "review/prod.md": "" };
    return step("comment", files, { REPOSITORY: "acme/obs", NUMBER: "7" }).read("log").trim().split("\n");
  };

  it("post one comment for each stack and update it from then on", () => {
    const sent = (file: string) =>
      `api --method POST repos/acme/obs/issues/7/comments --field body=@review/${file} --silent`;
    const calls = post("");
    expect([calls[1], calls[3], calls.length]).to.deep.equal([sent("dev.md"), sent("prod.md"), 4]);
    expect(calls[0]).to.include("repos/acme/obs/issues/7/comments").and.to.include("<!-- obs-review dev -->");
    expect(post("42\\n43\\n")[1]).to.include("--method PATCH repos/acme/obs/issues/comments/42 ");
  });

  it("review a stack with its preview and diff, and fail if one of them fails", () => {
    const review = (diff: number, preview: number) => {
      const obs = `#!/bin/sh\necho "$*"\ncase "$1" in diff) exit ${diff};; preview) echo '\`\`\`'; exit ${preview};; esac\n`;
      const env = { STACK: "dev", REAL: "", COMMIT: "0123456789abcdef", AGAINST: "no state" };
      return step("review", { obs }, { ...env, GITHUB_STEP_SUMMARY: "summary" });
    };
    const { status, read } = review(2, 0);
    expect(status).to.equal(0);
    const said = read("review/dev.md");
    expect(said).to.match(/^<!-- obs-review dev -->\n### dev at 0123456789ab, compared with no state\n/);
    // Indented, so that no fence in the output ends the code block.
    expect(said).to.include("\n    preview dev --policies").and.to.include("\n    ```\n");
    expect(said).to.match(/\ndiff dev --base HEAD\^1 --markdown\n$/);
    expect(read("summary")).to.equal(said);
    expect([review(0, 0), review(1, 0), review(2, 255)].map((one) => one.status)).to.deep.equal([0, 1, 1]);
  });
});

describe("unit: upkeep: releases", () => {
  const changelog =
    "# Changelog\n\n## Unreleased\n\n- new\n\n## 1.2.0 (2026-01-01)\n\n- a\n- b\n\n## 1.1.0\n\n- old\n";

  it("have the notes of their version, and only of the packaged version", () => {
    expect(releaseNotes(changelog, "v1.2.0", "1.2.0")).to.equal("- a\n- b");
    expect(() => releaseNotes(changelog, "v1.2.0", "1.1.0")).to.throw(/package\.json has version 1\.1\.0/);
    expect(() => releaseNotes(changelog, "v1.3.0", "1.3.0")).to.throw(/nothing under "## 1\.3\.0"/);
    expect(() => releaseNotes(changelog, "latest", "1.2.0")).to.throw(/must be v and a version/);
  });
});
