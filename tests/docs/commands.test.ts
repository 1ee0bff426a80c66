/** Runs every command and query of the runbook's pages against a running stack, so that none is outdated. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ask } from "../../cli/lib/service";
import { root } from "../../cli/lib/stack-config";
import { gatewayUser, longRangeTenants, tenants } from "../../names";
import { type LiveStack, liveStack } from "../support/live";
import { services } from "../support/names";
import { selectors } from "../support/queries";
import { type Command, filled, type Query, readsOnly, runbook } from "../support/runbook";
import { forward, shell, wrong } from "../support/shell";

/** Commands whose output may be empty on a healthy stack, with the reason. */
const mayBeEmpty: { command: RegExp; why: string }[] = [
  { command: / get events /, why: "nothing happened" },
  { command: / --field-selector=status\.phase/, why: "every pod runs" },
  { command: / networkpolicies/, why: "network.policies is off" },
  { command: / get hpa /, why: "nothing is scaled" },
  { command: / prometheusrules .*-l observability\/mimir-tenant/, why: "no rules for Mimir's ruler" },
  { command: / volumeattachments/, why: "local volumes are attached to nothing" },
  { command: /-l k8s-app=kube-dns/, why: "the cluster's DNS may run elsewhere" },
];

/** Commands that other layers run. */
const elsewhere: { command: RegExp; where: string }[] = [
  { command: /^\.\/obs smoke\b/, where: "its own tests" },
  { command: /^\.\/obs (up|refresh|preview|rotate|restore|upgrade|render|test)\b/, where: "engine" },
  { command: /^(git|pulumi config) /, where: "the reader's own files" },
  { command: /^helm rollback /, where: "rollback.test.ts" },
];

/** A dry run of a command that changes something. @returns undefined if it has none */
const rehearsal = (text: string): string | undefined => {
  const restart = /^kubectl (-n \S+) rollout restart (\S+)$/.exec(text);
  if (restart) return `kubectl ${restart[1]} get ${restart[2]}`;
  return /^kubectl (-n \S+ )?(delete|label|scale|patch|annotate) /.test(text)
    ? `${text} --dry-run=server`
    : undefined;
};

const { commands, queries } = runbook();
const all = commands.flatMap((command) => filled(command.text).map((text) => ({ ...command, text })));
const isElsewhere = ({ text }: Command) => elsewhere.some(({ command }) => command.test(text));

/** The same command only once, with all its pages in the title. */
const unique = new Map<string, Command[]>();
for (const command of all.filter((each) => !isElsewhere(each)))
  unique.set(command.text, [...(unique.get(command.text) ?? []), command]);
const fine = (told: string | undefined) => {
  if (told) throw new Error(told);
};
const counted = { commands: 0, queries: 0 };

describe("docs: commands of the runbook", function () {
  this.timeout(150_000);
  let live: LiveStack;
  before(async function () {
    live = await liveStack(this);
  });
  after(() => {
    if (live)
      console.log(
        `    ${counted.commands} commands of ${all.length} lines run, ${all.filter(isElsewhere).length} lines are other layers'`,
      );
  });

  for (const [text, same] of unique)
    it(`${text.split("\n")[0]}  (${same.map(({ where }) => where).join(", ")})`, async () => {
      counted.commands++;
      const mark = same[0]?.mark;
      if (/ port-forward /.test(text) && mark !== "script") {
        fine(await forward(text));
        return;
      }
      const rehearsed = mark === "script" || readsOnly(text) ? text : rehearsal(text);
      if (!rehearsed) throw new Error("it changes something, and cannot be rehearsed");
      const run = /^\.\/obs /.test(rehearsed) ? rehearsed.replace(/ prod\b/, ` ${live.stack}`) : rehearsed;
      const empty = mayBeEmpty.some(({ command }) => command.test(text));
      fine(wrong(run, await shell(run), empty));
    });
});

/** Metrics of a stack that has run for longer, as recorded. */
const recorded = JSON.parse(readFileSync(join(root, "tests", "recorded", "metrics.json"), "utf8")).prometheus;

/** Metrics that exist only after certain events; the page describes the problem that they indicate. */
const notAlways = [
  /^kubelet_volume_stats_/, // only of volumes whose driver reports them
  /^(loki|cortex|tempo)_discarded_(samples|spans)_total$/,
  /_fail(ures|ed)_total$/,
  /_errors_total$/,
  /^otelcol_(receiver|exporter|processor)_/,
  /^tempo_(distributor|ingester|discarded)_/,
  /^traces_/,
  /^http_client_request_duration_seconds_count$/,
];

describe("docs: queries of the runbook", function () {
  this.timeout(60_000);
  let live: LiveStack;
  let known: Set<string>;
  const get = async (what: Parameters<typeof ask>[1], path: string, as?: string) => {
    const { status, body } = await ask(live.config, what, { path, ...(as && { as }) });
    if (status !== 200) throw new Error(`${status}: ${body.slice(0, 300)}`);
    return JSON.parse(body);
  };
  const reader = (tenant: string) => gatewayUser(tenant, "read");
  before(async function () {
    live = await liveStack(this);
    const names = "/api/v1/label/__name__/values";
    const asked = await Promise.all([
      get(services.prometheus, names),
      get(services.mimir, `/prometheus${names}`, reader(longRangeTenants)),
    ]);
    known = new Set([...asked.flatMap(({ data }) => data), ...Object.keys(recorded)]);
  });
  after(() => {
    if (live) console.log(`    ${counted.queries} queries asked`);
  });

  const answer: Record<Query["datasource"], (text: string) => Promise<unknown>> = {
    prometheus: (text) => get(services.prometheus, `/api/v1/query?query=${encodeURIComponent(text)}`),
    mimir: (text) =>
      get(
        services.mimir,
        `/prometheus/api/v1/query?query=${encodeURIComponent(text)}`,
        reader(`${tenants.pods}|${tenants.nodes}`),
      ),
    loki: async (text) => {
      const kind = text.startsWith("{") ? "query_range" : "query";
      const path = `/loki/api/v1/${kind}?limit=5&query=${encodeURIComponent(text)}`;
      const { data } = await get(services.loki, path, reader(tenants.logs));
      expect(data.result, "the stack itself logs").not.to.deep.equal([]);
    },
    tempo: (text) => get(services.tempo, `/api/search?q=${encodeURIComponent(text)}`, reader(tenants.traces)),
  };

  for (const { text, where, language, datasource } of queries)
    it(`${text}  (${where})`, async () => {
      counted.queries++;
      await answer[datasource](text);
      if (language !== "prometheus") return;
      const missing = selectors(text)
        .map(({ metric }) => metric)
        .filter((metric): metric is string => metric !== undefined && !known.has(metric))
        .filter((metric) => !notAlways.some((pattern) => pattern.test(metric)));
      expect(missing, "metrics that do not exist").to.deep.equal([]);
    });
});
