/** The gateways' own configuration in a real nginx: authentication, tenants, and reachable endpoints. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Store, stores } from "../../names";
import { gatewayUsers } from "../../values/gateway";
import {
  Backends,
  basic,
  Gateway,
  needsNginx,
  type Passwords,
  passwordsOf,
  type Sent,
} from "../support/gateway";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("prod", {
  mimir: { tenants: { team: {} } },
  tempo: { tenants: { guests: {} } },
});

/** A route through a gateway, and its target. */
interface Way {
  target: string;
  path: string;
  /** Path behind the gateway, if it differs. */
  behind?: string;
}
interface Ways {
  /** Two tenants; Loki's second one has no user. */
  tenants: [own: string, other: string];
  read: Way[];
  write: Way[];
  /** Readable by every user of the tenant, changed by the user for rules. */
  manage: Way[];
  /** Endpoints of the components that the gateway does not expose. */
  closed: string[];
}

const everywhere = [
  "/metrics",
  "/config",
  "/flush",
  "/shutdown",
  "/services",
  "/memberlist",
  "/debug/pprof/heap",
];
const ways: Record<Store, Ways> = {
  loki: {
    tenants: ["logs", "pods"],
    read: [
      { target: "loki-query-frontend:3100", path: "/loki/api/v1/query_range?query=%7Bjob%3D%22a%2Fb%22%7D" },
      { target: "loki-query-frontend:3100", path: "/loki/api/v1/labels" },
      { target: "loki-query-frontend:3100", path: "/loki/api/v1/label/app/values" },
      { target: "loki-querier:3100", path: "/loki/api/v1/tail?query=%7B%7D" },
    ],
    write: [
      { target: "loki-distributor:3100", path: "/loki/api/v1/push" },
      { target: "loki-distributor:3100", path: "/otlp/v1/logs" },
    ],
    manage: [],
    closed: [
      ...["/loki/api/v1/delete", "/loki/api/v1/delete?query=%7B%7D", "/loki/api/v1/%64elete"],
      ...[
        "/ring",
        "/distributor/ring",
        "/ingester/shutdown",
        "/ingester/prepare_shutdown",
        "/compactor/ring",
      ],
      ...["/api/prom/push", "/ui/", "/loki/apiary"],
    ],
  },
  mimir: {
    tenants: ["pods", "team"],
    read: [
      { target: "mimir-query-frontend:8080", path: "/prometheus/api/v1/query?query=up" },
      { target: "mimir-query-frontend:8080", path: "/prometheus/api/v1/label/job/values" },
      { target: "mimir-query-frontend:8080", path: "/api/v1/status/buildinfo" },
      { target: "mimir-ruler:8080", path: "/prometheus/api/v1/rules" },
      { target: "mimir-ruler:8080", path: "/prometheus/api/v1/alerts" },
    ],
    write: [
      { target: "mimir-distributor:8080", path: "/api/v1/push" },
      { target: "mimir-distributor:8080", path: "/otlp/v1/metrics" },
    ],
    manage: [
      { target: "mimir-ruler:8080", path: "/prometheus/config/v1/rules" },
      // Namespaces of rules have slashes, as Alloy names them.
      { target: "mimir-ruler:8080", path: "/prometheus/config/v1/rules/alloy%2Fshop%2Frules/group" },
      { target: "mimir-alertmanager:8080", path: "/api/v1/alerts" },
      { target: "mimir-alertmanager:8080", path: "/alertmanager/api/v2/silences" },
    ],
    closed: [
      ...[
        "/ingester/flush",
        "/ingester/ring",
        "/ingester/shutdown",
        "/ingester/tsdb/pods",
        "/distributor/ring",
      ],
      ...["/api/v1/push/influx/write", "/api/v1/upload/block/01/start", "/compactor/delete_tenant"],
      ...["/ruler/delete_tenant_config", "/multitenant_alertmanager/configs", "/api/v1/user_limits"],
      ...["/store-gateway/tenants", "/runtime_config", "/api/v1/alertsandmore", "/api/v1/status/config"],
    ],
  },
  tempo: {
    tenants: ["traces", "guests"],
    read: [
      { target: "tempo-query-frontend:3200", path: "/api/search?q=%7B%7D" },
      { target: "tempo-query-frontend:3200", path: "/api/traces/0af7651916cd43dd8448eb211c80319c" },
      { target: "tempo-query-frontend:3200", path: "/api/v2/traces/0af7651916cd43dd8448eb211c80319c" },
    ],
    write: [
      { target: "tempo-distributor:4318", path: "/v1/traces" },
      {
        target: "tempo-distributor:14268",
        path: "/jaeger/api/traces?format=x",
        behind: "/api/traces?format=x",
      },
      { target: "tempo-distributor:9411", path: "/zipkin/spans", behind: "/api/v2/spans" },
    ],
    manage: [],
    closed: [
      ...["/api/overrides", "/api/overrides?scope=merged", "/ingester/ring", "/status", "/status/overrides"],
      ...["/v1/metrics", "/v1/traces/", "/ready/../flush", "/kvstore"],
    ],
  },
};

/** Paths from an exposed route to hidden ones, for servers that normalize paths differently than nginx. */
const climbing = (open: string) => [
  `${open}/../../../../flush`,
  `${open}/..%2f..%2f..%2f..%2fflush`,
  `${open}/%2e%2e/%2E./.%2e/%2e%2e/flush`,
  `/flush/..${open}`,
  `/flush/%2e%2e${open}`,
  `/flush%2f..${open}`,
  `/flush%2F%2E%2E%2F${open.slice(1)}`,
  `${open}/./x`,
  `${open}/..`,
];

describe("binaries: the gateways authenticate clients", function () {
  this.timeout(120_000);
  let folder: string;
  before(function () {
    needsNginx(this);
    folder = mkdtempSync(join(tmpdir(), "observability-gateway-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  for (const store of stores)
    describe(store, () => {
      const { tenants, read, write, manage, closed } = ways[store];
      const [tenant, other] = tenants;
      const [reader, writer, ruler] = [`${tenant}-read`, `${tenant}-write`, `${tenant}-rules`];
      /** Every route, with its allowed and denied roles. */
      const all: { way: Way; method: string; may: string; mayNot: string | undefined }[] = [
        ...read.map((way) => ({ way, method: "GET", may: reader, mayNot: writer })),
        ...write.map((way) => ({ way, method: "POST", may: writer, mayNot: reader })),
        ...manage.map((way) => ({ way, method: "GET", may: reader, mayNot: undefined })),
        ...manage.map((way) =>
          // Alertmanager's configuration can contain passwords.
          way.target.startsWith("mimir-alertmanager")
            ? { way, method: "GET", may: ruler, mayNot: writer }
            : { way, method: "GET", may: writer, mayNot: undefined },
        ),
        ...["POST", "DELETE"].flatMap((method) =>
          [reader, writer].flatMap((mayNot) => manage.map((way) => ({ way, method, may: ruler, mayNot }))),
        ),
      ];
      const [one, another] = [read[0]?.path ?? "", write[0]?.path ?? ""];
      let backends: Backends;
      let gateway: Gateway;

      before(async () => {
        backends = await Backends.start(store, settings);
        gateway = await start("one");
      });
      after(async () => {
        await gateway?.stop();
        backends?.stop();
      });
      beforeEach(() => {
        backends.got.length = 0;
        backends.status = 200;
      });

      const start = (name: string, passwords?: Passwords) =>
        Gateway.start(join(folder, `${store}-${name}`), {
          store,
          settings,
          at: backends.at,
          ...(passwords && { passwords }),
        });

      /** Expects that a request gets a status, and is not forwarded. */
      const refused = async (status: number, user: string | undefined, sent: Sent) => {
        const answer = await gateway.ask(user, sent);
        const what = `${user}: ${JSON.stringify(sent)}`;
        expect(answer.status, what).to.equal(status);
        expect(backends.got, what).to.deep.equal([]);
        return answer;
      };
      const login = (authorization: string) => ({ headers: { authorization } });

      it("rejects requests without a user and a password, with any tenant, and asks for credentials", async () => {
        for (const { way, method } of all)
          for (const headers of [{}, { "X-Scope-OrgID": tenant }, { "X-Scope-OrgID": "" }]) {
            const answer = await refused(401, undefined, { method, path: way.path, headers });
            expect(answer.headers["www-authenticate"]).to.equal(`Basic realm="${store}"`);
          }
        const challenge = (await gateway.ask(reader, { path: one })).headers["www-authenticate"];
        expect(challenge ?? "").to.equal("");
      });

      it("rejects malformed credentials", async () => {
        const right = passwordsOf(store, settings)[reader]?.[0] ?? "";
        const encoded = Buffer.from(`${reader}:${right}`).toString("base64");
        const cases = [
          basic(reader, `${right}x`),
          basic(reader, right.slice(0, -1)),
          basic(reader, ""),
          basic(reader, right.toUpperCase()),
          basic(reader.toUpperCase(), right),
          basic("nobody-read", right),
          basic("", ""),
          // Base64 in another letter case is another password, or none.
          `Basic ${encoded.toLowerCase()}`,
          `Basic ${encoded.toUpperCase()}`,
          `Basic ${encoded} `.concat("x"),
          `x Basic ${encoded}`,
          `Bearer ${encoded}`,
          // Texts that a `+` as a regular expression would match.
          `Basic ${encoded.replaceAll("+", "")}`,
          "Basic",
          "Basic .*",
          reader,
        ];
        for (const authorization of cases)
          await refused(401, undefined, { path: one, ...login(authorization) });
        expect(encoded).to.match(/\+/).and.to.match(/\//);
        expect((await gateway.ask(undefined, { path: one, ...login(`Basic ${encoded}`) })).status).to.equal(
          200,
        );
      });

      for (const { way, method, may, mayNot } of all)
        it(`${method} ${way.path} is allowed for ${may}${mayNot ? ` and denied for ${mayNot}` : ""}`, async () => {
          if (mayNot) await refused(403, mayNot, { method, path: way.path });
          const body = method === "POST" ? "something" : "";
          const answer = await gateway.ask(may, { method, path: way.path, body });
          expect([answer.status, answer.body]).to.deep.equal([200, `${way.target} took it`]);
          expect(backends.got).to.have.length(1);
          const [got] = backends.got;
          expect(got).to.deep.include({
            target: way.target,
            method,
            path: way.behind ?? way.path,
            bytes: body.length,
          });
          expect(got?.headers)
            .to.include({ "x-scope-orgid": tenant })
            .and.not.to.have.property("authorization");
        });

      it("forwards a query as long as the longest that a store accepts", async () => {
        // 128 KiB in Loki and Tempo, three times as many in a URL. Grafana sends it with GET.
        const path = `${one}${"%7C".repeat(128 * 1024)}`;
        const answer = await gateway.ask(reader, { path });
        expect([answer.status, backends.got[0]?.path.length]).to.deep.equal([200, path.length]);
      });

      it("every user has its own tenant", async () => {
        for (const { name, tenant: its, role } of gatewayUsers(store, settings)) {
          backends.got.length = 0;
          const path = role === "rules" ? manage[0]?.path : another;
          const sent = role === "read" ? { path: one } : { method: "POST", path: path ?? "" };
          expect((await gateway.ask(name, sent)).status, name).to.equal(200);
          expect(backends.got[0]?.headers["x-scope-orgid"], name).to.equal(its);
        }
      });

      it("an explicit tenant must be the user's own", async () => {
        for (const { way, method, may } of all) {
          for (const named of [
            other,
            "nobody",
            `${tenant}|${other}`,
            `${other}|${tenant}`,
            `${tenant}, ${other}`,
          ])
            await refused(403, may, { method, path: way.path, headers: { "X-Scope-OrgID": named } });
          for (const named of [tenant.toUpperCase(), `${tenant}:${tenant}`, `!`, ".*", `${tenant}|`])
            await refused(403, may, { method, path: way.path, headers: { "x-scope-orgid": named } });
          const headers = { "X-Scope-OrgID": tenant };
          expect((await gateway.ask(may, { method, path: way.path, headers })).status).to.equal(200);
          expect(backends.got[0]?.headers["x-scope-orgid"]).to.equal(tenant);
          backends.got.length = 0;
        }
      });

      it("a request never reads another tenant, however often and in whatever spelling it names one", async () => {
        const named: Record<string, string | string[]>[] = [
          { "X-Scope-OrgID": [tenant, other] },
          { "X-Scope-OrgID": [other, tenant] },
          { "X-Scope-OrgID": tenant, "x-scope-orgid ": other },
          { "X-Scope-OrgID": tenant, X_Scope_OrgID: other },
          { X_SCOPE_ORGID: other },
          { Connection: "X-Scope-OrgID" },
          { Connection: "close, X-Scope-OrgID", "X-Scope-OrgID": tenant },
        ];
        for (const headers of named)
          for (const [user, sent] of [
            [reader, { path: one }],
            [writer, { method: "POST", path: another }],
          ] as const) {
            backends.got.length = 0;
            const { status } = await gateway.ask(user, { ...sent, headers }).catch(() => ({ status: 400 }));
            expect(status, JSON.stringify(headers)).to.be.oneOf([200, 400, 403]);
            if (status !== 200) expect(backends.got).to.deep.equal([]);
            for (const { raw } of backends.got) {
              const tenantsNamed = raw.filter((_, at) => at % 2 && /scope.?orgid/i.test(raw[at - 1] ?? ""));
              expect(tenantsNamed, JSON.stringify(headers)).to.deep.equal([tenant]);
            }
          }
      });

      it("forwards errors of the stores; only traces get a retryable status after a 500, and limits of logs a text of the gateway", async () => {
        for (const status of [400, 429, 500, 502, 503])
          for (const { way, method, may } of all) {
            backends.status = status;
            const again = status === 500 && way.path === "/v1/traces";
            const limited = status === 429 && way.path === "/otlp/v1/logs";
            const answer = await gateway.ask(may, { method, path: way.path });
            expect([answer.status, answer.body], way.path).to.deep.equal(
              again
                ? [503, "temporarily unavailable: retry"]
                : [status, limited ? "rate_limited or stream_limit: retry" : `${way.target} took it`],
            );
          }
      });

      it("accepts the passwords of two generations while there are two, and of one afterward", async () => {
        const users = gatewayUsers(store, settings).map(({ name }) => name);
        const taking = (...taken: string[]): Passwords =>
          Object.fromEntries(users.map((user) => [user, taken.map((word) => `${word} of ${user}`)]));
        const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
        for (const [index, taken] of steps.entries()) {
          const rotated = await start(`generation-${index}`, taking(...taken));
          try {
            for (const user of users)
              for (const word of ["old", "new"]) {
                const path = user.endsWith("-rules") ? (manage[0]?.path ?? "") : another;
                const sent = user.endsWith("-read") ? { path: one } : { method: "POST", path };
                const authorization = basic(user, `${word} of ${user}`);
                const { status } = await rotated.ask(undefined, { ...sent, headers: { authorization } });
                expect(status, `${user} with ${word} of ${taken}`).to.equal(taken.includes(word) ? 200 : 401);
              }
          } finally {
            await rotated.stop();
          }
        }
      });

      it("forwards nothing that is not listed, for any user", async () => {
        for (const path of [...everywhere, ...closed])
          for (const user of [undefined, reader, writer])
            for (const method of ["GET", "POST", "PUT", "DELETE"]) await refused(404, user, { method, path });
      });

      it("forwards no paths with dot segments", async () => {
        for (const { way } of all)
          for (const path of climbing(way.path.replace(/\?.*/, "")))
            for (const user of [undefined, reader, writer]) {
              const { status } = await gateway.ask(user, { path });
              expect(status, path).to.be.oneOf([400, 404]);
              expect(backends.got, path).to.deep.equal([]);
            }
        // Queries and names are not normalized as paths.
        for (const path of [
          `${one.replace(/\?.*/, "")}?query=a/../b/..`,
          `${one.replace(/\?.*/, "")}?x=%2e%2e%2f`,
        ])
          expect((await gateway.ask(reader, { path })).status, path).to.equal(200);
      });

      it("reports its readiness without authentication, and nothing else", async () => {
        for (const path of ["/", "/ready"]) {
          const answer = await gateway.ask(undefined, { path });
          expect([answer.status, answer.body]).to.deep.equal([200, "OK"]);
        }
        expect(backends.got).to.deep.equal([]);
        expect((await gateway.ask(undefined, { path: "/" })).headers["server"]).to.equal("nginx");
      });

      if (store === "loki")
        it("lets only a reader follow a query over WebSocket", async () => {
          const path = "/loki/api/v1/tail?query=%7B%7D";
          const headers = {
            Connection: "Upgrade",
            Upgrade: "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
          };
          await refused(401, undefined, { path, headers });
          await refused(403, writer, { path, headers });
          await refused(403, reader, { path, headers: { ...headers, "X-Scope-OrgID": other } });
          const answer = await gateway.ask(reader, { path, headers });
          expect(answer.status).to.equal(101);
          expect(answer.headers["upgrade"]).to.equal("websocket");
          expect(backends.got).to.have.length(1);
          expect(backends.got[0]?.headers).to.include({
            upgrade: "websocket",
            connection: "upgrade",
            "x-scope-orgid": tenant,
          });
        });

      it("accepts a push of 60 MiB, but not one without an end", async () => {
        const headers = { "content-type": "application/octet-stream" };
        const body = Buffer.alloc(60 * 1024 ** 2, "x");
        const answer = await gateway.ask(writer, { method: "POST", path: another, headers, body });
        expect(answer.status).to.equal(200);
        expect(backends.got.map(({ bytes }) => bytes)).to.deep.equal([body.length]);
        backends.got.length = 0;
        const announced = { ...headers, "content-length": String(101 * 1024 ** 2) };
        const large = await gateway
          .ask(writer, { method: "POST", path: another, headers: announced })
          .catch(() => undefined);
        expect(large?.status ?? 413).to.equal(413);
        expect(backends.got).to.deep.equal([]);
      });

      it("logs rejected users, but no password", async () => {
        await gateway.ask(writer, { path: one });
        const logs = ["access.log", "error.log"].map((name) =>
          readFileSync(join(folder, `${store}-one`, name), "utf8"),
        );
        expect(logs[0]).to.include(` 403 "GET ${one} HTTP/1.1"`).and.to.include(writer);
        for (const [password = ""] of Object.values(passwordsOf(store, settings)))
          for (const log of logs) expect(log).not.to.include(password);
        for (const log of logs) expect(log).not.to.match(/Basic|Authorization/i);
        for (const user of [reader, writer])
          for (const log of logs) expect(log).not.to.include(gateway.login(user).slice("Basic ".length));
      });
    });
});
