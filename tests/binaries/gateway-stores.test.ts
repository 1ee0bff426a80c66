/** Real Loki, Mimir and Tempo behind the gateways: only a tenant's readers see data of its writer. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { writeHeaders, writeRequest } from "../support/remote-write";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { otlp, requestsOf, Tempo } from "../support/traces";

const settings = settingsOf("dev", {
  mimir: { tenants: { team: {} } },
  tempo: { tenants: { traces: {}, guests: {} } },
});
const json = { "content-type": "application/json" };

describe("binaries: stores behind their gateways", function () {
  this.timeout(180_000);
  let folder: string;
  let gateway: Gateway;
  before(function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-gateway-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  describe("Loki", () => {
    let loki: Loki;
    before(async function () {
      const [program = ""] = needs(this, "loki");
      this.timeout(180_000);
      loki = await Loki.start(program, join(folder, "loki"));
      const at = () => new URL(loki.url).host;
      gateway = await Gateway.start(join(folder, "loki-gateway"), { store: "loki", settings, at });
    });
    after(async () => {
      await gateway?.stop();
      await loki?.stop();
    });

    const body = (line: string) =>
      JSON.stringify({ streams: [{ stream: { job: "test" }, values: [[`${Date.now()}000000`, line]] }] });
    const path = "/loki/api/v1/push";
    const query = `/loki/api/v1/query_range?${new URLSearchParams({ query: '{job="test"}', since: "1h" })}`;

    it("shows a reader the data of its tenant's writer, and nothing of another tenant", async () => {
      // Another tenant's line, as a client with direct access to Loki could write it.
      const headers = { ...json, "X-Scope-OrgID": "pods" };
      const foreign = await fetch(`${loki.url}${path}`, { method: "POST", headers, body: body("foreign") });
      expect(foreign.status).to.equal(204);
      for (const [user, status] of [
        ["logs-read", 403],
        [undefined, 401],
        ["logs-write", 204],
      ] as const) {
        const sent = { method: "POST", path, headers: json, body: body(`of ${user}`) };
        expect((await gateway.ask(user, sent)).status, user).to.equal(status);
      }
      const found = await until(60, "the line", async () => {
        const answer = await gateway.ask("logs-read", { path: query });
        expect(answer.status, answer.body).to.equal(200);
        return answer.body.includes("of logs-write") ? answer.body : undefined;
      });
      expect(found).not.to.include("foreign").and.not.to.include("of logs-read");
      for (const [user, status] of [
        ["logs-write", 403],
        [undefined, 401],
      ] as const)
        expect((await gateway.ask(user, { path: query })).status).to.equal(status);
      const asPods = { path: query, headers: { "X-Scope-OrgID": "pods" } };
      expect((await gateway.ask("logs-read", asPods)).status).to.equal(403);
    });

    it("hides Loki's own endpoints: the gateway does not forward to them", async () => {
      for (const hidden of ["/config", "/metrics", "/ring", "/services"]) {
        expect((await fetch(`${loki.url}${hidden}`)).status, hidden).to.equal(200);
        expect((await gateway.ask("logs-read", { path: hidden })).status, hidden).to.equal(404);
      }
      for (const user of ["logs-read", "logs-write"])
        expect((await gateway.ask(user, { method: "POST", path: "/flush" })).status).to.equal(404);
    });
  });

  describe("Mimir", () => {
    let mimir: Mimir;
    before(async function () {
      const [program = ""] = needs(this, "mimir");
      this.timeout(180_000);
      mimir = await Mimir.start(program, join(folder, "mimir"), settings);
      const at = () => new URL(mimir.url).host;
      gateway = await Gateway.start(join(folder, "mimir-gateway"), { store: "mimir", settings, at });
    });
    after(async () => {
      await gateway?.stop();
      await mimir?.stop();
    });

    const write = (user: string | undefined, of: string) =>
      gateway.ask(user, {
        method: "POST",
        path: "/api/v1/push",
        headers: writeHeaders,
        body: writeRequest([{ labels: { __name__: "mine", of }, samples: [{ value: 1 }] }]),
      });
    /** Values of the label `of` in a reader's results. */
    const seen = async (user: string) => {
      const { status, body } = await gateway.ask(user, { path: "/prometheus/api/v1/query?query=mine" });
      expect(status, body).to.equal(200);
      const { result } = JSON.parse(body).data as { result: { metric: Record<string, string> }[] };
      return result.map(({ metric }) => [metric["of"], metric["__tenant_id__"]]);
    };

    it("shows each reader its own tenants", async () => {
      for (const tenant of ["pods", "nodes", "team"]) {
        expect((await write(`${tenant}-write`, tenant)).status, tenant).to.equal(200);
        expect((await write(`${tenant}-read`, "a reader")).status, tenant).to.equal(403);
      }
      expect((await write(undefined, "nobody")).status).to.equal(401);
      expect((await write("pods.nodes-read", "several")).status).to.equal(403);
      for (const tenant of ["pods", "nodes", "team"])
        expect(await seen(`${tenant}-read`), tenant).to.deep.equal([[tenant, undefined]]);
      expect(await seen("prometheus-read")).to.deep.equal([]);
      expect(await seen("pods.nodes-read")).to.have.deep.members([
        ["pods", "pods"],
        ["nodes", "nodes"],
      ]);
    });

    it("lets only the user for rules change those of its tenant, and the others list them", async () => {
      const rules = "/prometheus/config/v1/rules";
      // A namespace of rules in Alloy's form.
      const namespace = `${rules}/alloy%2Fshop%2Frules`;
      const headers = { "content-type": "application/yaml" };
      const body = "name: group\nrules:\n  - record: a:b\n    expr: vector(1)\n";
      const post = (user: string) => gateway.ask(user, { method: "POST", path: namespace, headers, body });
      for (const user of ["team-read", "team-write"]) expect((await post(user)).status, user).to.equal(403);
      expect((await post("team-rules")).status).to.equal(202);
      for (const user of ["team-read", "team-write", "team-rules"]) {
        const { status, body: text } = await gateway.ask(user, { path: rules });
        expect([status, text.includes("alloy/shop/rules"), text.includes("a:b")]).to.deep.equal([
          200,
          true,
          true,
        ]);
      }
      expect((await gateway.ask("pods-read", { path: rules })).body).not.to.include("a:b");
      const group = { method: "DELETE", path: `${namespace}/group` };
      expect((await gateway.ask("team-write", group)).status).to.equal(403);
      // Mimir responds with success, and deletes nothing of another tenant.
      await gateway.ask("pods-rules", group);
      expect((await gateway.ask("team-read", { path: rules })).body).to.include("a:b");
      expect((await gateway.ask("team-rules", group)).status).to.equal(202);
    });

    it("hides Mimir's own endpoints: the gateway does not forward to them", async () => {
      for (const hidden of ["/config", "/metrics", "/ingester/ring", "/services"]) {
        expect((await mimir.ask(undefined, hidden)).status, hidden).to.equal(200);
        expect((await gateway.ask("pods-write", { path: hidden })).status, hidden).to.equal(404);
      }
      // Mimir normalizes such a path and redirects to the result.
      for (const path of [
        "/prometheus/../config",
        "/prometheus/%2e%2e/config",
        "/config/..%2fprometheus/api/v1/rules",
      ])
        expect((await gateway.ask("pods-read", { path })).status, path).to.equal(404);
    });
  });

  describe("Tempo", () => {
    let tempo: Tempo;
    before(async function () {
      const [program = ""] = needs(this, "tempo");
      this.timeout(180_000);
      tempo = await Tempo.start(program, join(folder, "tempo"), settings);
      gateway = await Gateway.start(join(folder, "tempo-gateway"), {
        store: "tempo",
        settings,
        at: tempo.at,
      });
    });
    after(async () => {
      await gateway?.stop();
      await tempo?.stop("SIGKILL");
    });

    it("shows a reader the traces of its tenant, by ID and by search", async () => {
      const write = (user: string | undefined, name: string) => {
        const [{ client, trace } = { client: undefined, trace: "" }] = requestsOf(name, 1);
        const body = JSON.stringify(otlp(client ? [client] : []));
        return gateway
          .ask(user, { method: "POST", path: "/v1/traces", headers: json, body })
          .then(({ status }) => ({ status, trace }));
      };
      const traces: Record<string, string> = {};
      for (const tenant of ["traces", "guests"]) {
        const { status, trace } = await write(`${tenant}-write`, tenant);
        expect(status, tenant).to.equal(200);
        traces[tenant] = trace;
        expect((await write(`${tenant}-read`, "a reader")).status).to.equal(403);
      }
      expect((await write(undefined, "nobody")).status).to.equal(401);

      const now = Math.floor(Date.now() / 1000);
      const search = `/api/search?${new URLSearchParams({ q: "{}", start: `${now - 600}`, end: `${now + 60}` })}`;
      for (const tenant of ["traces", "guests"]) {
        const user = `${tenant}-read`;
        const found = await until(60, `the trace of ${tenant}`, async () => {
          const { status, body } = await gateway.ask(user, { path: search });
          expect(status, body).to.equal(200);
          const ids = (JSON.parse(body).traces as { traceID: string }[]).map(({ traceID }) => traceID);
          return ids.length ? ids.map((id) => id.padStart(32, "0")) : undefined;
        });
        expect(found).to.deep.equal([traces[tenant]]);
        for (const [of, trace] of Object.entries(traces)) {
          const { status } = await gateway.ask(user, { path: `/api/traces/${trace}` });
          expect(status, `${user} of ${of}`).to.equal(of === tenant ? 200 : 404);
        }
        expect((await gateway.ask(`${tenant}-write`, { path: search })).status).to.equal(403);
      }
    });
  });
});
