/** The real Grafana: its configuration, notifications about alerts, and logins with roles. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { generate } from "selfsigned";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { grafanaValues } from "../../values/grafana";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { basic } from "../support/gateway";
import { Browser, Grafana, listener, needsGrafana, passwordIn } from "../support/grafana";
import { Oidc, type OidcOptions } from "../support/oidc";
import { freePort } from "../support/servers";
import { groupDn, needsSlapd, passwordOf, Slapd, suffix } from "../support/slapd";
import { type Config, settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** Stops a test's programs and deletes its folders after the suite. */
class Workplace {
  private readonly folders: string[] = [];
  private readonly running: { stop(): unknown }[] = [];

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), "observability-grafana-"));
    this.folders.push(folder);
    return folder;
  }

  async keep<T extends { stop(): unknown }>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    this.running.push(server);
    return server;
  }

  async clear(): Promise<void> {
    for (const server of this.running.reverse()) await server.stop();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
}

interface Datasource {
  uid: string;
  url: string;
  jsonData: Record<string, unknown>;
  basicAuthUser?: string;
  secureJsonData?: { basicAuthPassword: string };
  [field: string]: unknown;
}

describe("binaries: Grafana starts with its data sources, and sends alerts", function () {
  this.timeout(120_000);
  const place = new Workplace();
  let outside: Awaited<ReturnType<typeof listener>>;
  let grafana: Grafana;

  /** A part of a URL that looks like a variable. */
  const key = "?key=$PATH";
  const routes = [
    { severity: ["info"], receivers: [] },
    { severity: ["critical"], receivers: ["chat"] },
    { team: "shop", namespaces: ["cart", "till"], receivers: ["bell"] },
  ];

  before(async function () {
    const home = needsGrafana(this);
    await needsCharts(this);
    this.timeout(600_000);
    outside = await listener();
    const receivers = {
      chat: { webhookUrl: `${outside.url}/chat${key}` },
      bell: { slackUrl: `${outside.url}/bell` },
    };
    const config = { environment: "dev", alerting: { receivers, routes, groupWait: "1s" } };
    const options = {
      port: await freePort(),
      // It reloads changed routes once a minute by default.
      environment: { GF_UNIFIED_ALERTING_ALERTMANAGER_CONFIG_POLL_INTERVAL: "10s" },
      // The mock server for Loki, Mimir and all others.
      change: (text: string) => text.replaceAll(/http:\/\/[\w.-]+\.svc(:\d+)?/g, outside.url),
    };
    grafana = await place.keep(Grafana.start(home, place.folder(), config, options));
  });

  after(async () => {
    await place.clear();
    outside?.close();
  });

  const expected = (): Datasource[] => {
    const text = JSON.stringify(grafanaDatasources(settingsOf("dev"))["datasources"])
      .replaceAll(/http:\/\/[\w.-]+\.svc(:\d+)?/g, outside.url)
      .replaceAll("$$", "$");
    return JSON.parse(text);
  };

  it("responds to the paths of its probes without a login", async () => {
    const { livenessProbe, readinessProbe } = grafanaValues(settingsOf("prod")) as Record<
      string,
      { httpGet: { path: string } }
    >;
    for (const probe of [livenessProbe, readinessProbe])
      expect((await grafana.ask(probe?.httpGet.path ?? "")).status).to.equal(200);
  });

  it("has exactly the data sources of the values, with their links", async () => {
    const { body } = await grafana.asAdmin("/api/datasources");
    expect(body.map(({ uid }: Datasource) => uid)).to.have.members(expected().map(({ uid }) => uid));
    for (const { secureJsonData, editable, ...datasource } of expected()) {
      const { body: found } = await grafana.asAdmin(`/api/datasources/uid/${datasource.uid}`);
      expect(found, datasource.uid).to.deep.include({ ...datasource, readOnly: !editable });
    }
  });

  it("has links only to existing data sources", async () => {
    const there = expected().map(({ uid }) => uid);
    const links = [...JSON.stringify(expected()).matchAll(/"(?:datasourceUid|alertmanagerUid)":"([^"]+)"/g)];
    expect(links).not.to.be.empty;
    for (const [, uid] of links) expect(there).to.include(uid);
  });

  it("queries each as its user, with the password from the file, and sets no tenant", async () => {
    for (const { uid, basicAuthUser, secureJsonData } of expected()) {
      outside.seen.length = 0;
      const { status, body } = await grafana.asAdmin(`/api/datasources/proxy/uid/${uid}/api/v1/query`);
      expect(status, `${uid}: ${JSON.stringify(body)}`).to.equal(200);
      const [asked] = outside.seen;
      const [, file = ""] = /^\$__file\{.*\/([^/]+)\}$/.exec(secureJsonData?.basicAuthPassword ?? "") ?? [];
      const authorization = basicAuthUser && basic(basicAuthUser, passwordIn(file));
      expect(asked?.headers["authorization"], uid).to.equal(authorization);
      expect(asked?.headers, uid).not.to.have.property("x-scope-orgid");
    }
  });

  it("accepts only the admin user, with the form and with basic-auth credentials", async () => {
    const me = { login: "admin", admin: true, roles: ["Admin"] };
    expect(await grafana.who(await grafana.loginAsAdmin())).to.deep.equal(me);
    expect((await grafana.asAdmin("/api/user")).body.login).to.equal("admin");
    expect(await grafana.who(await grafana.login("admin", "admin"))).to.equal(undefined);
    for (const path of ["/api/datasources", "/api/search", "/api/org"])
      expect((await grafana.ask(path)).status, path).to.equal(401);
    const signUp = { method: "POST", body: JSON.stringify({ email: "me@example.com" }) };
    expect((await grafana.ask("/api/user/signup", signUp)).status).to.be.within(400, 404);
  });

  it("has the contact points, with their addresses from the environment", async () => {
    const { body } = await grafana.asAdmin("/api/v1/provisioning/contact-points");
    const found = body.map(({ name, type, uid, provenance }: Record<string, string>) => ({
      name,
      type,
      uid,
      provenance,
    }));
    const provenance = "file";
    expect(found).to.deep.include.members([
      { name: "chat", type: "webhook", uid: "chat-webhook", provenance },
      { name: "bell", type: "slack", uid: "bell-slack", provenance },
    ]);
    const chat = body.find(({ name }: { name: string }) => name === "chat");
    expect(chat.settings.url).to.equal(`${outside.url}/chat${key}`);
  });

  it("has the routes of the settings", async () => {
    const { body } = await grafana.asAdmin("/api/v1/provisioning/policies");
    expect(body).to.deep.include({ receiver: "chat", group_wait: "1s", repeat_interval: "12h" });
    expect(body.group_by).to.deep.equal(["cluster", "namespace", "alertname"]);
    const told = body.routes.map(
      (route: { object_matchers?: string[][]; routes?: { receiver: string }[]; receiver: string }) => [
        route.object_matchers?.map((parts) => parts.join(" ")),
        route.routes?.map(({ receiver }) => receiver) ?? route.receiver,
      ],
    );
    expect(told).to.deep.equal([
      [["severity =~ info"], "chat"],
      [["severity =~ critical"], ["chat"]],
      [["namespace =~ cart|till", "team = shop"], ["bell"]],
      [undefined, "chat"],
      [undefined, "bell"],
    ]);
    expect(body.routes[0].mute_time_intervals).to.deep.equal(["always"]);
    const { body: mutes } = await grafana.asAdmin("/api/v1/provisioning/mute-timings");
    expect(mutes.map(({ name }: { name: string }) => name)).to.deep.equal(["always"]);
  });

  it("sends an alert to the receivers of the routes, and a muted one to none", async () => {
    /** An alert that fires immediately: its labels, and its receivers. */
    const alerts: [name: string, labels: Record<string, string>, told: string[]][] = [
      ["Whisper", { severity: "info" }, []],
      ["Alarm", { severity: "critical" }, [`/chat${key}`]],
      ["Shop", { severity: "warning", team: "shop", namespace: "till" }, ["/bell"]],
      ["Other", { severity: "warning", team: "shop", namespace: "loki" }, ["/bell", `/chat${key}`]],
    ];
    outside.seen.length = 0;
    const folder = await grafana.asAdmin("/api/folders", "POST", { uid: "tests", title: "Tests" });
    expect(folder.status, JSON.stringify(folder.body)).to.equal(200);
    const group = await grafana.asAdmin("/api/v1/provisioning/folder/tests/rule-groups/all", "PUT", {
      title: "all",
      folderUid: "tests",
      interval: 10,
      rules: alerts.map(([title, labels]) => ({
        title,
        labels,
        ruleGroup: "all",
        folderUID: "tests",
        orgID: 1,
        condition: "A",
        for: "0s",
        noDataState: "NoData",
        execErrState: "Error",
        data: [
          {
            refId: "A",
            datasourceUid: "__expr__",
            relativeTimeRange: { from: 0, to: 0 },
            model: { type: "math", refId: "A", expression: "1 > 0" },
          },
        ],
      })),
    });
    expect(group.status, JSON.stringify(group.body)).to.equal(200);
    const notificationsFor = (name: string) =>
      [...new Set(outside.seen.filter(({ body }) => body.includes(name)).map(({ path }) => path))].sort();
    await until(60, "the notification", async () =>
      alerts.every(([name, , told]) => notificationsFor(name).length >= told.length) ? true : undefined,
    );
    // The muted alert may begin to fire after the others.
    await until(60, "all alerts", async () => {
      const { body } = await grafana.asAdmin("/api/alertmanager/grafana/api/v2/alerts");
      return body.length >= alerts.length ? true : undefined;
    });
    // Longer than the wait of a group.
    await wait(3000);
    for (const [name, , told] of alerts) expect(notificationsFor(name), name).to.deep.equal(told);
  });
});

describe("binaries: Grafana accepts users of the identity provider", function () {
  this.timeout(120_000);
  let place: Workplace;
  let home: string;
  let oidc: Oidc;
  let grafana: Grafana;

  /** A secret with characters that need quoting in files, queries and shells. */
  const secret = 'a-client\'s-"secret"-\\-$1;#2`3';
  const groups = { admin: ["platform", 'CORP\\SRE\'s #1; "on call"'], editor: ["developers"] };
  const [platform = "", onCall = ""] = groups.admin;
  let people: Record<string, string[]>;
  let provider: OidcOptions;

  /** A provider, and a Grafana in production that uses it; tokens are valid for 15 s. */
  const start = async (
    auth: Config,
    options: Partial<OidcOptions>,
    environment: Record<string, string> = {},
  ) => {
    place = new Workplace();
    const port = await freePort();
    people = { ann: [platform], abe: [onCall], eve: ["guests", "developers"], vic: ["guests"], nob: [] };
    provider = {
      port: await freePort(),
      client: { id: "grafana", secret, redirectUri: `http://localhost:${port}/login/generic_oauth` },
      people,
      seconds: 15,
      ...options,
    };
    oidc = await place.keep(Oidc.start(provider));
    const oauth = { clientId: "grafana", clientSecret: secret, ...oidc.endpoints, ...auth };
    const config = { environment: "prod", grafana: { auth: { kind: "oauth", oauth } } };
    grafana = await place.keep(Grafana.start(home, place.folder(), config, { port, environment }));
  };

  /** Opens a page of Grafana, follows the redirect to the provider, and logs in there. */
  const login = async (name: string, path = "/login/generic_oauth") => {
    const browser = new Browser();
    const form = await browser.open(`${grafana.url}${path}`);
    expect(form.url).to.include(`${oidc.issuer}/interaction/`);
    const end = await browser.open(form.url, { method: "POST", body: new URLSearchParams({ login: name }) });
    return { browser, end: end.url, who: await grafana.who(browser) };
  };
  const as = (name: string, role: string, admin = false) => ({
    login: `${name}@example.com`,
    admin,
    roles: [role],
  });

  before(async function () {
    home = needsGrafana(this);
    await needsCharts(this);
  });

  describe("if roles have groups, which the ID token contains", () => {
    before(async function () {
      this.timeout(600_000);
      await start({ roles: { ...groups, viewer: ["guests"] } }, { inIdToken: true });
    });
    after(() => place.clear());

    it("with the role of their groups", async () => {
      expect(await login("ann")).to.deep.include({ end: `${grafana.url}/`, who: as("ann", "Admin", true) });
      expect((await login("abe")).who).to.deep.equal(as("abe", "Admin", true));
      expect((await login("eve")).who).to.deep.equal(as("eve", "Editor"));
      expect((await login("vic")).who).to.deep.equal(as("vic", "Viewer"));
    });

    it("and no one without such a group", async () => {
      expect(await login("nob")).to.deep.include({ end: `${grafana.url}/login`, who: undefined });
    });

    it("and not the admin user, with the form or with basic-auth credentials", async () => {
      expect(await grafana.who(await grafana.loginAsAdmin())).to.equal(undefined);
      expect((await grafana.asAdmin("/api/user")).status).to.equal(401);
      expect((await grafana.ask("/api/search")).status).to.equal(401);
    });

    it("for longer than the provider's token is valid, if it has no refresh token", async () => {
      const { browser, who } = await login("vic");
      await wait(17_000);
      expect(await grafana.who(browser)).to.deep.equal(who);
    });

    it("and no one with an invalid client secret", async () => {
      oidc.stop();
      const client = { ...provider.client, secret: "another" };
      oidc = await place.keep(Oidc.start({ ...provider, client }));
      expect(await login("ann")).to.deep.include({ end: `${grafana.url}/login`, who: undefined });
      expect(oidc.refused).to.include("invalid_client");
    });
  });

  describe("or the admin user, while the provider is unavailable and the variables of docs/guides/access.md are set", () => {
    before(async function () {
      this.timeout(600_000);
      const text = readFileSync(join(root, "docs", "guides", "access.md"), "utf8");
      const [, variables = ""] = /set env deployment\/grafana (GF_\S+=.*)/.exec(text) ?? [];
      const environment = Object.fromEntries(variables.split(" ").map((one) => one.split("=")));
      expect(environment).to.include({ GF_AUTH_DISABLE_LOGIN: "false" });
      await start({ roles: { ...groups, viewer: [] }, autoLogin: true }, {}, environment);
      oidc.stop();
    });
    after(() => place.clear());

    it("with the form", async () => {
      expect(await grafana.who(await grafana.loginAsAdmin())).to.include({ login: "admin", admin: true });
    });

    it("and not with basic-auth credentials, or without a login", async () => {
      expect((await grafana.asAdmin("/api/user")).status).to.equal(401);
      expect((await grafana.ask("/api/search")).status).to.equal(401);
    });
  });

  describe("if everyone may view, and only the userinfo endpoint returns groups", () => {
    before(async function () {
      this.timeout(600_000);
      const scopes = ["openid", "profile", "email", "groups", "offline_access"];
      await start({ roles: { ...groups, viewer: [] }, autoLogin: true, scopes }, { renews: true });
    });
    after(() => place.clear());

    it("without a click", async () => {
      expect(await login("vic", "/")).to.deep.include({ end: `${grafana.url}/`, who: as("vic", "Viewer") });
    });

    it("with the role of their groups, or as viewers", async () => {
      expect((await login("ann")).who).to.deep.equal(as("ann", "Admin", true));
      expect((await login("eve")).who).to.deep.equal(as("eve", "Editor"));
      expect((await login("nob")).who).to.deep.equal(as("nob", "Viewer"));
    });

    it("with fewer permissions after they have left a group", async () => {
      people["abe"] = ["guests"];
      expect((await login("abe")).who).to.deep.equal(as("abe", "Viewer"));
      people["ann"] = [];
      expect((await login("ann")).who).to.deep.equal(as("ann", "Viewer"));
    });

    it("for as long as the provider renews their token", async () => {
      const { browser, who } = await login("eve");
      const renewed = () => oidc.granted.filter((type) => type === "refresh_token").length;
      const before = renewed();
      await wait(17_000);
      expect(await grafana.who(browser)).to.deep.equal(who);
      expect(renewed()).to.be.above(before);
      delete people["eve"];
      await wait(17_000);
      expect(await grafana.who(browser)).to.equal(undefined);
    });
  });
});

describe("binaries: Grafana accepts users of the LDAP directory", function () {
  this.timeout(60_000);
  let place: Workplace;
  let home: string;
  let slapd: Slapd;
  let grafana: Grafana;

  /** A password with characters that need quoting in files. */
  const reader = { dn: `cn=grafana,${suffix}`, password: 'it\'s \\ "$1"; #2' };
  const people = {
    ann: ["guests", "platform"],
    eve: ["developers"],
    vic: ["guests"],
    nob: ["others"],
    old: ["platform", "former"],
  };
  const roles = {
    admin: [groupDn("platform")],
    editor: [groupDn("developers")],
    viewer: [groupDn("guests")],
  };

  before(async function () {
    home = needsGrafana(this);
    needsSlapd(this);
    await needsCharts(this);
  });

  /** A self-signed certificate for loopback. */
  const certificate = async () => {
    const { cert, private: key } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      keyType: "ec",
      extensions: [
        { name: "basicConstraints", cA: true },
        { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
      ],
    });
    return { cert, key };
  };

  /** A directory, and a Grafana in production that uses it and trusts its certificate. */
  const start = async (tls: "none" | "starttls" | "tls", ldap: Config) => {
    place = new Workplace();
    const folder = place.folder();
    const ownCertificate = await certificate();
    const ports = { plain: await freePort(), tls: await freePort() };
    const directory = { people, reader };
    slapd = await place.keep(Slapd.start(join(folder, "slapd"), directory, ports, ownCertificate));
    const trusted = join(folder, "ca.crt");
    writeFileSync(trusted, ownCertificate.cert);
    const given = {
      host: "127.0.0.1",
      port: tls === "tls" ? ports.tls : ports.plain,
      tls,
      bindDn: reader.dn,
      bindPassword: reader.password,
      searchBase: `ou=people,${suffix}`,
      loginAttribute: "uid",
      roles,
      ...ldap,
    };
    const config = { environment: "prod", grafana: { auth: { kind: "ldap", ldap: given } } };
    const options = { port: await freePort(), environment: { SSL_CERT_FILE: trusted } };
    grafana = await place.keep(Grafana.start(home, join(folder, "grafana"), config, options));
    return { folder, directory, ports };
  };

  const login = async (name: string, password = passwordOf(name)) =>
    grafana.who(await grafana.login(name, password));
  const as = (name: string, role: string, admin = false) => ({ login: name, admin, roles: [role] });
  /** Grafana's own status of its connection. */
  const status = async (browser: Browser) => {
    const { body } = await grafana.asked(browser, "/api/admin/ldap/status");
    return body[0];
  };
  /** Another directory with the same users replaces ours, with an untrusted certificate. */
  const trustsNoOther = async ({ folder, directory, ports }: Awaited<ReturnType<typeof start>>) => {
    const admin = await grafana.login("ann", passwordOf("ann"));
    expect(await status(admin)).to.include({ available: true, error: "" });
    await slapd.stop();
    slapd = await place.keep(Slapd.start(join(folder, "other"), directory, ports, await certificate()));
    expect(await login("ann")).to.equal(undefined);
    expect((await status(admin)).error).to.include("x509");
  };

  describe("if users list their groups", () => {
    let folder: string;
    before(async function () {
      this.timeout(600_000);
      const filter = `(!(memberOf=${groupDn("former")}))`;
      ({ folder } = await start("none", { filter }));
    });
    after(() => place.clear());

    it("according to its own check", async () => {
      const admin = await grafana.login("ann", passwordOf("ann"));
      expect(await status(admin)).to.include({ host: "127.0.0.1", available: true, error: "" });
      const { body } = await grafana.asked(admin, "/api/admin/ldap/eve");
      expect(body.login.ldapValue).to.equal("eve");
      expect(body.email.ldapValue).to.equal("eve@example.com");
      expect(body.roles).to.deep.equal([
        { orgId: 1, orgName: "Main Org.", orgRole: "Editor", groupDN: groupDn("developers") },
      ]);
    });

    it("with the role of their groups", async () => {
      expect(await login("ann")).to.deep.equal(as("ann", "Admin", true));
      expect(await login("eve")).to.deep.equal(as("eve", "Editor"));
      expect(await login("vic")).to.deep.equal(as("vic", "Viewer"));
    });

    it("and no one else: not with a wrong or empty password, without a group, or outside the filter", async () => {
      expect(await login("ann", "wrong")).to.equal(undefined);
      expect(await login("ann", "")).to.equal(undefined);
      expect(await login("*", passwordOf("ann"))).to.equal(undefined);
      for (const name of ["nob", "old", "who"]) expect(await login(name), name).to.equal(undefined);
    });

    it("and not the admin user, with the form or with basic-auth credentials", async () => {
      expect(await grafana.who(await grafana.loginAsAdmin())).to.equal(undefined);
      expect((await grafana.asAdmin("/api/user")).status).to.equal(401);
    });

    it("with a bind password that is in no file", () => {
      const text = readFileSync(join(folder, "grafana", "etc", "grafana", "ldap.toml"), "utf8");
      expect(text).to.include(reader.dn);
      expect(text).not.to.include(reader.password);
    });
  });

  describe("if groups list their members, over StartTLS", () => {
    let started: Awaited<ReturnType<typeof start>>;
    before(async function () {
      this.timeout(600_000);
      const groupSearchBase = `ou=groups,${suffix}`;
      started = await start("starttls", { groupSearchBase, roles: { ...roles, viewer: [] } });
    });
    after(() => place.clear());

    it("with the role of their groups, or as viewers", async () => {
      expect(await login("ann")).to.deep.equal(as("ann", "Admin", true));
      expect(await login("eve")).to.deep.equal(as("eve", "Editor"));
      expect(await login("nob")).to.deep.equal(as("nob", "Viewer"));
      expect(await login("eve", "wrong")).to.equal(undefined);
    });

    it("and trusts no replacement of the directory", () => trustsNoOther(started));
  });

  describe("over TLS", () => {
    let started: Awaited<ReturnType<typeof start>>;
    before(async function () {
      this.timeout(600_000);
      started = await start("tls", {});
    });
    after(() => place.clear());

    it("with the role of their groups", async () => {
      expect(await login("ann")).to.deep.equal(as("ann", "Admin", true));
      expect(await login("vic")).to.deep.equal(as("vic", "Viewer"));
    });

    it("and trusts no replacement of the directory", () => trustsNoOther(started));
  });
});
