/** The real Grafana: what it makes of its configuration, whom it tells about alerts, and whom it lets in as what. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { generate } from "selfsigned";
import { until } from "../../cli/smoke/check";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { Browser, Grafana, listener, needsGrafana } from "../support/grafana";
import { Oidc, type OidcOptions } from "../support/oidc";
import { freePort } from "../support/servers";
import { groupDn, needsSlapd, passwordOf, personDn, Slapd, suffix } from "../support/slapd";
import { type Config, settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** What a test starts is ended, and its folders are gone, when the suite is over. */
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
  secureJsonData?: { httpHeaderValue1: string };
  [field: string]: unknown;
}

describe("binaries: Grafana starts with its datasources, and tells about alerts", function () {
  this.timeout(120_000);
  const place = new Workplace();
  let outside: Awaited<ReturnType<typeof listener>>;
  let grafana: Grafana;

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
      chat: { webhookUrl: `${outside.url}/chat` },
      bell: { slackUrl: `${outside.url}/bell` },
    };
    const config = { environment: "dev", alerting: { receivers, routes, groupWait: "1s" } };
    const options = {
      port: await freePort(),
      // What answers for Loki, Mimir and all others.
      change: (text: string) => text.replaceAll(/http:\/\/[\w.-]+\.svc\.cluster\.local(:\d+)?/g, outside.url),
    };
    grafana = await place.keep(Grafana.start(home, place.folder(), config, options));
  });

  after(async () => {
    await place.clear();
    outside?.close();
  });

  const expected = (): Datasource[] => {
    const text = JSON.stringify(grafanaDatasources(settingsOf("dev"))["datasources"])
      .replaceAll(/http:\/\/[\w.-]+\.svc\.cluster\.local(:\d+)?/g, outside.url)
      .replaceAll("$$", "$");
    return JSON.parse(text);
  };

  it("has exactly the datasources of the values, with their links", async () => {
    const { body } = await grafana.asAdmin("/api/datasources");
    expect(body.map(({ uid }: Datasource) => uid)).to.have.members(expected().map(({ uid }) => uid));
    for (const { secureJsonData, editable, ...datasource } of expected()) {
      const { body: found } = await grafana.asAdmin(`/api/datasources/uid/${datasource.uid}`);
      expect(found, datasource.uid).to.deep.include({ ...datasource, readOnly: !editable });
    }
  });

  it("leads with every link to a datasource that is there", async () => {
    const there = expected().map(({ uid }) => uid);
    const links = [...JSON.stringify(expected()).matchAll(/"(?:datasourceUid|alertmanagerUid)":"([^"]+)"/g)];
    expect(links).not.to.be.empty;
    for (const [, uid] of links) expect(there).to.include(uid);
  });

  it("asks each in the name of its tenant", async () => {
    for (const { uid, secureJsonData } of expected()) {
      outside.seen.length = 0;
      const { status, body } = await grafana.asAdmin(`/api/datasources/proxy/uid/${uid}/api/v1/query`);
      expect(status, `${uid}: ${JSON.stringify(body)}`).to.equal(200);
      const [asked] = outside.seen;
      expect(asked?.headers["x-scope-orgid"], uid).to.equal(secureJsonData?.httpHeaderValue1);
    }
  });

  it("lets in the admin user, by form and by HTTP basic, and nobody else", async () => {
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
    expect(chat.settings.url).to.equal(`${outside.url}/chat`);
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

  it("tells of an alert whom the routes name, and of a muted one nobody", async () => {
    /** An alert that fires at once: its labels, and who is to be told. */
    const alerts: [name: string, labels: Record<string, string>, told: string[]][] = [
      ["Whisper", { severity: "info" }, []],
      ["Alarm", { severity: "critical" }, ["/chat"]],
      ["Shop", { severity: "warning", team: "shop", namespace: "till" }, ["/bell"]],
      ["Other", { severity: "warning", team: "shop", namespace: "loki" }, ["/bell", "/chat"]],
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
    const toldOf = (name: string) =>
      [...new Set(outside.seen.filter(({ body }) => body.includes(name)).map(({ path }) => path))].sort();
    await until(60, "what is told", async () =>
      alerts.every(([name, , told]) => toldOf(name).length >= told.length) ? true : undefined,
    );
    const { body } = await grafana.asAdmin("/api/alertmanager/grafana/api/v2/alerts");
    const firing = body.map(({ labels }: { labels: { alertname: string } }) => labels.alertname);
    expect(firing).to.have.members(alerts.map(([name]) => name));
    // Longer than a group waits for others.
    await wait(3000);
    for (const [name, , told] of alerts) expect(toldOf(name), name).to.deep.equal(told);
  });
});

/** Groups with names that files, queries and shells might stumble over. */
const groups = { admin: ["platform", 'SRE\'s #1; "on call"'], editor: ["developers"] };

describe("binaries: Grafana lets in whom the identity provider knows", function () {
  this.timeout(60_000);
  let place: Workplace;
  let home: string;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(() => place.clear());

  before(async function () {
    home = needsGrafana(this);
    await needsCharts(this);
  });

  const secret = "a-client's-\"secret\"-\\-$1;#2`3";
  const people = {
    ann: [groups.admin[0] ?? ""],
    abe: ["guests", groups.admin[1] ?? ""],
    eve: ["developers", "guests"],
    vic: ["guests"],
    nob: ["others"],
  };

  /** A provider and a Grafana in production that knows it. */
  const start = async (auth: Config, provider: Partial<OidcOptions> = {}) => {
    const port = await freePort();
    const redirectUri = `http://localhost:${port}/login/generic_oauth`;
    const known = { clientId: "grafana", clientSecret: secret, redirectUri, people, ...provider };
    const oidc = await place.keep(Oidc.start(known));
    const roles = { ...groups, viewer: ["guests"] };
    const oauth = { clientId: "grafana", clientSecret: secret, ...oidc.endpoints, roles, ...auth };
    const config = { environment: "prod", grafana: { auth: { kind: "oauth", oauth } } };
    const grafana = await place.keep(Grafana.start(home, place.folder(), config, { port }));
    /** Somebody logs in, from a page of Grafana's. */
    const login = async (name: string, path = "/login/generic_oauth") => {
      const browser = new Browser();
      const form = await browser.open(`${grafana.url}${path}`);
      expect(form.url).to.include(`${oidc.issuer}/interaction/`);
      const body = new URLSearchParams({ login: name });
      const end = await browser.open(form.url, { method: "POST", body });
      expect(end.url).to.include(grafana.url);
      return { end, who: await grafana.who(browser) };
    };
    return { oidc, grafana, login };
  };
  const as = (login: string, role: string, admin = false) => ({
    login: `${login}@example.com`,
    admin,
    roles: [role],
  });

  it("by their groups, and nobody else", async function () {
    this.timeout(300_000);
    const { grafana, login } = await start({});
    expect((await login("ann")).who).to.deep.equal(as("ann", "Admin", true));
    expect((await login("abe")).who).to.deep.equal(as("abe", "Admin", true));
    expect((await login("eve")).who).to.deep.equal(as("eve", "Editor"));
    expect((await login("vic")).who).to.deep.equal(as("vic", "Viewer"));
    const refused = await login("nob");
    expect(refused.who).to.equal(undefined);
    expect(refused.end.url).to.equal(`${grafana.url}/login`);
    expect(grafana.log).to.include("role_attribute_strict");

    // The admin user is there, and has no way in.
    expect(await grafana.who(await grafana.loginAsAdmin())).to.equal(undefined);
    expect((await grafana.asAdmin("/api/user")).status).to.equal(401);
    expect((await grafana.ask("/api/search")).status).to.equal(401);
    expect((await new Browser().open(`${grafana.url}/`)).url).to.equal(`${grafana.url}/login`);
    expect(grafana.log).not.to.include(secret);
  });
});
