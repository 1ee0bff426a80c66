/** Real Loki, Mimir and Tempo of a hub behind its gateways: writes of an agent, and queries over all clusters. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { metrics, total } from "../../cli/commands/doctor/readings";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { writeHeaders, writeRequest } from "../support/remote-write";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { otlp, requestsOf, Tempo } from "../support/traces";

const settings = settingsOf("dev", {
  agents: { "eu-1": {}, "us-1": {} },
  access: { ingress: { domain: "hub.stack.test" } },
});
const json = { "content-type": "application/json" };
const everybody = "all.clusters-read";

/** The fix for each reason, in the runbook of an alert. */
const fixes = (alert: string) =>
  readFileSync(join(root, "docs", "operations", "runbooks", `${alert}.md`), "utf8").split("## Mitigation")[1];

/** Entries of eu-1 that a store discarded because they are in the future. */
const discardedBy = (page: string, name: string, tenant: string): number =>
  total(
    metrics(page)(name).filter(
      ({ labels }) => labels["reason"] === "too_far_in_future" && labels[tenant] === "eu-1",
    ),
  );

describe("binaries: stores of a hub", function () {
  this.timeout(180_000);
  let folder: string;
  let gateway: Gateway;
  before(function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-hub-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  describe("Loki", () => {
    let loki: Loki;
    before(async function () {
      const [program = ""] = needs(this, "loki");
      const { querier, runtimeConfig, limits_config } = lokiConfiguration(settings);
      const { otlp_config, allow_structured_metadata } = limits_config as Record<string, unknown>;
      const file = join(folder, "loki-overrides.yaml");
      writeFileSync(file, stringify(runtimeConfig));
      const limits = { discover_service_name: [], otlp_config, allow_structured_metadata };
      const more = { querier, runtime_config: { file } };
      loki = await Loki.start(program, join(folder, "loki"), limits, undefined, more);
      const at = () => new URL(loki.url).host;
      gateway = await Gateway.start(join(folder, "loki-gateway"), { store: "loki", settings, at });
    });
    after(async () => {
      await gateway?.stop();
      await loki?.stop();
    });

    /** Pushes a line, with the name of a cluster if there is one. */
    const push = (user: string, line: string, cluster?: string, headers = {}, ahead = 0) => {
      const stream = { job: "test", ...(cluster && { cluster }) };
      const body = JSON.stringify({
        streams: [{ stream, values: [[`${Date.now() + ahead * 1000}000000`, line]] }],
      });
      const sent = { method: "POST", path: "/loki/api/v1/push", headers: { ...json, ...headers }, body };
      return gateway.ask(user, sent);
    };
    const path = `/loki/api/v1/query_range?${new URLSearchParams({ query: '{job="test"}', since: "1h" })}`;
    const linesOf = async (user: string) => {
      const { status, body } = await gateway.ask(user, { path });
      expect(status, body).to.equal(200);
      const { result } = JSON.parse(body).data as { result: { values: [string, string][] }[] };
      return result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
    };

    it("discards data that an agent writes as another cluster, or as none, and reports the reason in its metrics", async () => {
      const blocked = 260;
      const claims = { "X-Loki-Ingestion-Policy": "own" };
      for (const [cluster, headers] of [["us-1"], ["dev"], [undefined], ["us-1", claims]] as const)
        expect((await push("eu-1-write", "foreign", cluster, headers)).status, cluster).to.equal(blocked);
      const attribute = (key: string, text: string) => ({ key, value: { stringValue: text } });
      const logRecords = [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: "foreign" } }];
      const resource = { attributes: [attribute("job", "test"), attribute("cluster", "us-1")] };
      const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
      const sent = { method: "POST", path: "/otlp/v1/logs", headers: json, body };
      expect((await gateway.ask("eu-1-write", sent)).status).to.equal(blocked);
      const own = { ...sent, body: body.replace('"us-1"', '"eu-1"').replace("foreign", "by OTLP") };
      expect((await gateway.ask("eu-1-write", own)).status).to.equal(204);
      await until(60, "the line", async () => (await linesOf("eu-1-read")).length > 0 || undefined);
      expect(await linesOf("eu-1-read")).to.deep.equal(["by OTLP"]);
      const page = await (await fetch(`${loki.url}/metrics`)).text();
      const discarded = metrics(page)("loki_discarded_samples_total").filter(
        ({ labels }) => labels["reason"] === "blocked_ingestion_policy" && labels["tenant"] === "eu-1",
      );
      expect(total(discarded)).to.equal(5);
    });

    it("discards lines of an agent whose clock is 20 minutes ahead, and reports the reason in its metrics", async () => {
      const { status, body } = await push("eu-1-write", "ahead", "eu-1", {}, 1200);
      expect(status, body).to.equal(400);
      const page = await (await fetch(`${loki.url}/metrics`)).text();
      expect(discardedBy(page, "loki_discarded_samples_total", "tenant")).to.equal(1);
      expect(fixes("LogsRejected")).to.match(/`too_far_in_future`.*clocks/);
    });

    it("returns lines of the hub and of an agent in one query, and only the agent's to the agent's reader", async () => {
      expect((await push("logs-write", "of the hub")).status).to.equal(204);
      expect((await push("us-1-write", "of us-1", "us-1")).status).to.equal(204);
      await until(60, "all lines", async () => (await linesOf(everybody)).length === 3 || undefined);
      expect(await linesOf(everybody)).to.deep.equal(["by OTLP", "of the hub", "of us-1"]);
      expect(await linesOf("us-1-read")).to.deep.equal(["of us-1"]);
    });
  });

  describe("Mimir", () => {
    let mimir: Mimir;
    before(async function () {
      const [program = ""] = needs(this, "mimir");
      mimir = await Mimir.start(program, join(folder, "mimir"), settings);
      const at = () => new URL(mimir.url).host;
      gateway = await Gateway.start(join(folder, "mimir-gateway"), { store: "mimir", settings, at });
    });
    after(async () => {
      await gateway?.stop();
      await mimir?.stop();
    });

    it("sets the cluster label of an agent's series, and queries all clusters together", async () => {
      for (const [user, cluster] of [
        ["nodes-write", "dev"],
        ["eu-1-write", "us-1"],
      ] as const) {
        const body = writeRequest([{ labels: { __name__: "mine", cluster }, samples: [{ value: 1 }] }]);
        const sent = { method: "POST", path: "/api/v1/push", headers: writeHeaders, body };
        expect((await gateway.ask(user, sent)).status, user).to.equal(200);
      }
      const clusters = async (user: string) => {
        const { status, body } = await gateway.ask(user, { path: "/prometheus/api/v1/query?query=mine" });
        expect(status, body).to.equal(200);
        const { result } = JSON.parse(body).data as { result: { metric: Record<string, string> }[] };
        return result.map(({ metric }) => metric["cluster"]).sort();
      };
      expect(await clusters(everybody)).to.deep.equal(["dev", "eu-1"]);
      expect(await clusters("us-1-read")).to.deep.equal([]);
    });

    it("discards samples of an agent whose clock is 20 minutes ahead, and reports the reason in its metrics", async () => {
      const samples = [{ value: 1, time: Date.now() + 1_200_000 }];
      const body = writeRequest([{ labels: { __name__: "ahead" }, samples }]);
      const sent = { method: "POST", path: "/api/v1/push", headers: writeHeaders, body };
      expect((await gateway.ask("eu-1-write", sent)).status).to.equal(400);
      const page = await (await fetch(`${mimir.url}/metrics`)).text();
      expect(discardedBy(page, "cortex_discarded_samples_total", "user")).to.equal(1);
      expect(fixes("MetricsRejected")).to.match(/`too_far_in_future`.*clocks/);
    });

    const rules = "/prometheus/config/v1/rules";
    /** Loads a group with this number of rules. */
    const load = (user: string, name: string, count: number) => {
      const body = JSON.stringify({
        name,
        rules: Array.from({ length: count }, (_, index) => ({ record: `a:b${index}`, expr: "vector(1)" })),
      });
      const headers = { "content-type": "application/yaml" };
      return gateway.ask(user, { method: "POST", path: `${rules}/own`, headers, body });
    };

    it("accepts all rules of an agent's cluster: kube-prometheus-stack has groups of 26", async () => {
      expect((await load("eu-1-write", "node-exporter", 26)).status).to.equal(202);
      for (let group = 0; group < 80; group++)
        expect((await load("eu-1-write", `group-${group}`, 1)).status).to.equal(202);
    });
  });

  describe("Tempo", () => {
    let tempo: Tempo;
    before(async function () {
      const [program = ""] = needs(this, "tempo");
      tempo = await Tempo.start(program, join(folder, "tempo"), settings);
      const place = { store: "tempo" as const, settings, at: tempo.at };
      gateway = await Gateway.start(join(folder, "tempo-gateway"), place);
    });
    after(async () => {
      await gateway?.stop();
      await tempo?.stop("SIGKILL");
    });

    it("finds traces of the hub and of an agent with one search and by ID", async () => {
      const written: string[] = [];
      for (const user of ["traces-write", "eu-1-write"]) {
        const [{ client, trace } = { client: undefined, trace: "" }] = requestsOf(user, 1);
        const body = JSON.stringify(otlp(client ? [client] : []));
        const sent = { method: "POST", path: "/v1/traces", headers: json, body };
        expect((await gateway.ask(user, sent)).status, user).to.equal(200);
        written.push(trace);
      }
      const now = Math.floor(Date.now() / 1000);
      const range = { start: `${now - 600}`, end: `${now + 60}` };
      const ask = async (user: string, path: string) => {
        const { status, body } = await gateway.ask(user, { path });
        expect(status, body).to.equal(200);
        return JSON.parse(body);
      };
      const search = async (user: string) => {
        const { traces } = await ask(user, `/api/search?${new URLSearchParams({ q: "{}", ...range })}`);
        return (traces as { traceID: string }[]).map(({ traceID }) => traceID.padStart(32, "0")).sort();
      };
      await until(60, "both traces", async () => (await search(everybody)).length === 2 || undefined);
      expect(await search(everybody)).to.deep.equal([...written].sort());
      expect(await search("eu-1-read")).to.deep.equal(written.slice(1));
      for (const trace of written) await ask(everybody, `/api/traces/${trace}`);
      const tags = await ask(everybody, `/api/v2/search/tags?${new URLSearchParams(range)}`);
      expect(JSON.stringify(tags)).to.include("service.name");
    });
  });
});
