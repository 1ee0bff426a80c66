/** A hub's gateways in a real nginx: an agent writes only its own tenant, and reads nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { probeHub } from "../../components/hub-probe";
import { type Store, stores } from "../../names";
import { parseSettings } from "../../settings";
import { Backends, Gateway, needsNginx, passwordsOf } from "../support/gateway";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("dev", {
  agents: { "eu-1": {}, "eu-2": {} },
  access: { ingress: { domain: "hub.stack.test" } },
});
const own: Record<Store, string> = { loki: "logs", mimir: "pods", tempo: "traces" };
const push: Record<Store, string> = {
  loki: "/otlp/v1/logs",
  mimir: "/api/v1/push",
  tempo: "/v1/traces",
};
const query: Record<Store, string> = {
  loki: "/loki/api/v1/labels",
  mimir: "/prometheus/api/v1/query?query=up",
  tempo: "/api/search",
};

describe("binaries: a hub's gateways", function () {
  this.timeout(60_000);
  let folder: string;
  before(function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-agents-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("serve thirty agents with the longest names, and read all of them together", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `cluster-${index}-`.padEnd(63, "x"));
    const agents = Object.fromEntries(names.map((name) => [name, {}]));
    const many = settingsOf("dev", { agents, access: { ingress: { domain: "hub.stack.test" } } });
    const backends = await Backends.start("mimir", many);
    const place = { store: "mimir" as const, settings: many, at: backends.at };
    const gateway = await Gateway.start(join(folder, "thirty"), place);
    const last = names.at(-1) ?? "";
    for (const [user, path] of [
      [`${last}-write`, push.mimir],
      ["all.clusters-read", query.mimir],
    ] as const)
      expect(
        (await gateway.ask(user, { method: path === push.mimir ? "POST" : "GET", path })).status,
      ).to.equal(200);
    expect(backends.got.map(({ headers }) => headers["x-scope-orgid"])).to.deep.equal([
      last,
      `pods|nodes|${names.join("|")}`,
    ]);
    await gateway.stop();
    backends.stop();
  });

  it("are probed by the program of an agent, which stops if they reject the password of the hub's outputs", async () => {
    const backends = await Backends.start("loki", settings);
    const place = { store: "loki" as const, settings, at: backends.at };
    const gateway = await Gateway.start(join(folder, "probed"), place);
    const stack = "organization/observability/prod";
    const agent = parseSettings("eu-1", { environment: "dev", cluster: { name: "eu-1" }, hub: { stack } });
    const nowhere = "http://127.0.0.1:9";
    const probe = (loki: string, password: string) =>
      probeHub(
        agent,
        { stack },
        {
          endpoints: {
            loki,
            mimir: "http://mimir-gateway.mimir.svc",
            tempo: "http://tempo-gateway.tempo.svc",
          },
          passwords: { loki: password, mimir: "", tempo: "" },
          generation: 1,
          client: { certificate: "", key: "", expires: "" },
          grafanaUrl: "",
        },
      );
    const [right = ""] = passwordsOf("loki", settings)["eu-1-write"] ?? [];
    expect(await probe(gateway.url, right)).to.deep.equal({ warnings: [], problems: [] });
    expect(backends.got.map(({ method, bytes }) => [method, bytes])).to.deep.equal([["GET", 0]]);
    const { warnings, problems } = await probe(gateway.url, "old");
    expect(warnings).to.deep.equal([]);
    expect(problems.map(({ path, allowed }) => `${path}: ${allowed}`)).to.deep.equal([
      `hub.stack: a stack whose gateways accept the passwords in its outputs: ${gateway.url} answers 401 to eu-1-write, and rejected data is lost`,
    ]);
    const unreachable = await probe(nowhere, right);
    expect(unreachable.problems).to.deep.equal([]);
    expect(unreachable.warnings.map((text) => text.split(" from this machine")[0])).to.deep.equal([
      `hub.endpoints.loki: ${nowhere} is not reachable as a gateway of ${stack}`,
    ]);
    await gateway.stop();
    backends.stop();
  });

  for (const store of stores)
    describe(store, () => {
      let backends: Backends;
      let gateway: Gateway;
      before(async () => {
        backends = await Backends.start(store, settings);
        gateway = await Gateway.start(join(folder, store), { store, settings, at: backends.at });
      });
      after(async () => {
        await gateway?.stop();
        backends?.stop();
      });
      beforeEach(() => {
        backends.got.length = 0;
      });
      const tenantsGot = () => backends.got.map(({ headers }) => headers["x-scope-orgid"]);

      it("write an agent's data to its own tenant", async () => {
        expect((await gateway.ask("eu-1-write", { method: "POST", path: push[store] })).status).to.equal(200);
        expect(tenantsGot()).to.deep.equal(["eu-1"]);
      });

      it("reject an agent that writes to another agent's tenant, or to the hub's", async () => {
        for (const tenant of ["eu-2", own[store], "eu-1|eu-2"]) {
          const headers = { "X-Scope-OrgID": tenant };
          const answer = await gateway.ask("eu-1-write", { method: "POST", path: push[store], headers });
          expect(answer.status, tenant).to.equal(403);
        }
        expect((await gateway.ask("eu-1-write", { path: query[store] })).status, "reading").to.equal(403);
        expect(backends.got).to.deep.equal([]);
      });

      it("read all clusters together, and one cluster alone", async () => {
        const all = store === "mimir" ? "pods|nodes" : own[store];
        expect((await gateway.ask("all.clusters-read", { path: query[store] })).status).to.equal(200);
        expect((await gateway.ask("eu-2-read", { path: query[store] })).status).to.equal(200);
        expect(tenantsGot()).to.deep.equal([`${all}|eu-1|eu-2`, "eu-2"]);
        const write = { method: "POST", path: push[store] };
        expect((await gateway.ask("all.clusters-read", write)).status).to.equal(403);
      });

      if (store === "mimir")
        it("let an agent manage rules only in its own tenant", async () => {
          const path = "/prometheus/config/v1/rules/eu-1";
          expect((await gateway.ask("eu-1-write", { method: "POST", path })).status).to.equal(200);
          expect(tenantsGot()).to.deep.equal(["eu-1"]);
          const headers = { "X-Scope-OrgID": "eu-2" };
          expect((await gateway.ask("eu-1-write", { method: "POST", path, headers })).status).to.equal(403);
        });

      if (store === "mimir")
        it("deny an agent access to alerts, whose rules may read other tenants", async () => {
          const alerts = "/alertmanager/api/v2/alerts";
          for (const path of [alerts, "/alertmanager/api/v2/silences", "/api/v1/alerts"])
            for (const method of ["GET", "POST"])
              expect(
                (await gateway.ask("eu-1-write", { method, path })).status,
                `${method} ${path}`,
              ).to.equal(403);
          expect(backends.got).to.deep.equal([]);
          expect((await gateway.ask("eu-1-read", { path: alerts })).status).to.equal(200);
        });
    });
});
