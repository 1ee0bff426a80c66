/** Checks of the runbook that need no cluster: marks, commands, and outdated content. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "../../cli/lib/stack-config";
import { workloadVolumes } from "../../values/volumes";
import { anchors, page } from "../support/docs";
import { namespaces } from "../support/names";
import { obsOptions } from "../support/obs";
import { mistakes } from "../support/queries";
import { filled, placeholders, read, readsOnly, runbook, runbookPages, stages } from "../support/runbook";
import { settingsOf } from "../support/stacks";

const text = (path: string) => readFileSync(join(root, path), "utf8");
const { commands, queries } = runbook();
const commandsOfObs = obsOptions();

describe("unit: commands of the runbook", function () {
  this.timeout(60_000);

  it("are found: commands that are not found are not tested", () => {
    expect(commands.length).to.be.greaterThan(200);
    expect(queries.length).to.be.greaterThan(100);
    expect(runbookPages().filter((page) => read(page).commands.length === 0)).to.deep.equal([]);
  });

  it("a block without a mark only reads, a marked one changes something", () => {
    const unmarked = commands.filter(({ mark, text }) => mark === "reads" && !readsOnly(text));
    expect(unmarked, "change something").to.deep.equal([]);
    const harmless = commands.filter(
      ({ mark, text }) =>
        mark === "changes" && readsOnly(text) && !/ rollout status |^\.\/obs preview/.test(text),
    );
    expect(harmless, "only read").to.deep.equal([]);
  });

  it("have one pipeline per line, so that its exit code shows the result", () => {
    const several = commands.filter(({ mark, text }) => mark !== "script" && /;|&&|\|\||&$/.test(text));
    expect(several).to.deep.equal([]);
  });

  it("grow the volumes of a StatefulSet with ./obs upgrade --volumes, because up rejects a larger size", () => {
    const settings = workloadVolumes(settingsOf("prod"))
      .filter(({ owner }) => owner !== "release")
      .map(({ path }) => `\`${path}\``);
    const raised = runbookPages().flatMap((name) =>
      // Rows of tables, and paragraphs.
      text(name)
        .split(/\n\n|\n(?=\|)/)
        .filter((part) => /\braise\b/.test(part) && settings.some((setting) => part.includes(setting))),
    );
    expect(raised.length).to.be.greaterThan(5);
    expect(raised.filter((part) => !part.includes("./obs upgrade --volumes"))).to.deep.equal([]);
  });

  it("have only placeholders that the tests can fill", () => {
    const open = commands.flatMap(({ where, text }) =>
      /^\.\/obs |^pulumi /.test(text)
        ? []
        : filled(text)
            .filter((each) => /<[a-z]+>|\.\.\.|…/.test(each))
            .map(() => where),
    );
    expect(open, `not one of ${Object.keys(placeholders)}`).to.deep.equal([]);
  });

  it("set the number of lines for logs by label: the default of kubectl is ten for each pod", () => {
    const short = commands.filter(({ text }) => / logs .*-l /.test(text) && !/ --tail=/.test(text));
    expect(short).to.deep.equal([]);
  });

  it("use namespaces of the stack or the cluster", () => {
    const known = new Set<string>([...Object.values(namespaces), "kube-system", "default"]);
    const unknown = commands.flatMap(({ where, text }) =>
      filled(text).flatMap((each) =>
        [...each.matchAll(/(?: -n |\/api\/v1\/namespaces\/|obs get prod "?[\w-]+\.)([\w-]+)/g)]
          .filter(([, namespace = ""]) => !known.has(namespace))
          .map(([, namespace]) => `${where}: ${namespace}`),
      ),
    );
    expect(unknown).to.deep.equal([]);
  });

  it("use existing commands and options of obs", () => {
    const wrong = commands.flatMap(({ where, text }) => {
      const [, command = "", rest = ""] = /^\.\/obs (\w+)(.*)$/.exec(stages(text)[0] ?? "") ?? [];
      if (!command) return [];
      const known = commandsOfObs.get(command);
      if (!known) return [`${where}: obs ${command}`];
      const options = rest.match(/(?<= )--?[a-z-]+/g) ?? [];
      return options.filter((option) => !known.has(option)).map((option) => `${where}: ${option}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it("have valid queries", () => {
    const wrong = queries.flatMap(({ where, text, language }) =>
      mistakes(language, text).map((mistake) => `${where}: ${mistake}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it("use no address behind a gateway and no tenant header, which do not work without a user", () => {
    const stale =
      /X-Scope-OrgID|tempo-(query-frontend|distributor)\S*:(3200|4317|4318)\/(api|v1)|loki-\S+:3100\/loki\/api|mimir-\S+:8080\/(api\/v1|prometheus)/;
    const found = runbookPages().filter((page) => stale.test(text(page)));
    expect(found).to.deep.equal([]);
  });

  it("use ./obs get instead of the API server's proxy, which NetworkPolicies block", () => {
    expect(commands.filter(({ text }) => /--raw \S*\/proxy/.test(text))).to.deep.equal([]);
    expect(commands.filter(({ text }) => text.startsWith("./obs get ")).length).to.be.greaterThan(15);
  });

  it("are split at pipes, but not in quotes", () => {
    expect(stages('a "b|c" | grep -E "x|y" | tail')).to.deep.equal(['a "b|c"', 'grep -E "x|y"', "tail"]);
  });

  it("are recognized as changing or reading", () => {
    for (const each of ["kubectl -n loki get pods", "helm history loki -n loki", "kubectl get --raw /a"])
      expect(readsOnly(each), each).to.equal(true);
    for (const each of ["kubectl -n loki delete pod a", "helm rollback loki -n loki", "./obs up prod"])
      expect(readsOnly(each), each).to.equal(false);
  });

  it("docs/operations/runbook.md has the anchors of links in findings and pages", () => {
    expect(
      anchors(page("docs/operations/runbook.md", text("docs/operations/runbook.md"))),
    ).to.include.members(["components", "ingestion", "performance", "storage", "network", "dns", "rollback"]);
  });
});
