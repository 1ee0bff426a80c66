import { expect } from "chai";
import { alertmanagerConfig } from "../../values/alertmanager";
import { alertRules } from "../../values/alerts";
import { dashboardConfigMaps } from "../../values/dashboards";
import { grafanaSecrets, grafanaValues } from "../../values/grafana";
import { grafanaAlerting } from "../../values/grafana-alerting";
import { dashboardReader } from "../../values/grafana-dashboards";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { ldapToml, rolePath } from "../../values/grafana-login";
import { everyIntegration } from "../support/receivers";
import { type Config, type Environment, settingsOf } from "../support/stacks";

// biome-ignore lint/suspicious/noExplicitAny: values are read deeply, and only the chart defines their form
type Any = any;

const valuesOf = (environment: Environment, config: Config = {}): Any =>
  grafanaValues(settingsOf(environment, config));
const iniOf = (environment: Environment, config: Config = {}): Any =>
  valuesOf(environment, config)["grafana.ini"];

/** Paths that the kubelet and Prometheus request. */
const requestedPaths = (url: string) => {
  const { readinessProbe, livenessProbe, serviceMonitor } = valuesOf("dev", { grafana: { url } });
  return [readinessProbe.httpGet.path, livenessProbe.httpGet.path, serviceMonitor.path];
};

const oauth = {
  clientId: "grafana",
  clientSecret: "of-the-client",
  authUrl: "https://login.example.com/authorize",
  tokenUrl: "https://login.example.com/token",
  apiUrl: "https://login.example.com/userinfo",
  roles: { admin: ["platform", "d'Artagnan"], editor: ["developers"], viewer: [] },
};
const ldap = {
  host: "ldap.example.com",
  port: 636,
  tls: "tls",
  bindDn: "cn=grafana,dc=example,dc=com",
  bindPassword: "of-the-directory",
  searchBase: "ou=people,dc=example,dc=com",
  loginAttribute: "uid",
  roles: { admin: ["cn=admins,dc=example,dc=com"], editor: [], viewer: ["cn=staff,dc=example,dc=com"] },
};
const withOauth = (more: Config = {}): Config => ({
  grafana: { auth: { kind: "oauth", oauth: { ...oauth, ...more } } },
});
const withLdap = (more: Config = {}): Config => ({
  grafana: { auth: { kind: "ldap", ldap: { ...ldap, ...more } } },
});

describe("unit: values of grafana", () => {
  it("is probed and scraped below the path of its URL, except for its API", () => {
    expect(requestedPaths("http://localhost:3000")).to.deep.equal(["/api/health", "/healthz", "/metrics"]);
    expect(requestedPaths("http://localhost:3000/grafana/")).to.deep.equal([
      ...["/api/health", "/grafana/healthz", "/grafana/metrics"],
    ]);
  });

  it("manages alerts only where a tenant has a ruler, and names the Alertmanager there", () => {
    const { datasources } = grafanaDatasources(settingsOf("prod")) as {
      datasources: { name: string; jsonData: { manageAlerts?: boolean; alertmanagerUid?: string } }[];
    };
    const of = (managed: boolean) =>
      datasources.flatMap(({ jsonData }) =>
        jsonData.manageAlerts === managed ? [jsonData.alertmanagerUid] : [],
      );
    expect(of(true)).not.to.be.empty.and.not.to.include(undefined);
    expect(new Set(of(false))).to.deep.equal(new Set([undefined]));
  });

  describe("authentication (R8.2)", () => {
    it("allows no anonymous access and no sign-up", () => {
      for (const environment of ["dev", "prod"] as const) {
        const ini = iniOf(environment);
        expect(ini["auth.anonymous"]).to.deep.equal({ enabled: false });
        expect(ini.users.allow_sign_up).to.equal(false);
      }
    });

    it("shows nothing without a login: neither snapshots nor public dashboards", () => {
      for (const environment of ["dev", "prod"] as const) {
        const ini = iniOf(environment);
        expect(ini.snapshots).to.deep.equal({ enabled: false, external_enabled: false });
        expect(ini.public_dashboards).to.deep.equal({ enabled: false });
      }
    });

    it("allows the local admin only in dev", () => {
      expect(iniOf("dev").auth).to.deep.equal({ disable_login: false, disable_login_form: false });
      expect(iniOf("dev")["auth.basic"]).to.deep.equal({ enabled: true });
      expect(iniOf("prod").auth).to.deep.equal({ disable_login: true, disable_login_form: true });
      expect(iniOf("prod")["auth.basic"]).to.deep.equal({ enabled: false });
      expect(iniOf("prod", withLdap()).auth).to.deep.equal({
        disable_login: true,
        disable_login_form: false,
      });
    });

    it("uses OAuth2 with PKCE, a role for each group, and the client's secret from the environment", () => {
      const settings = settingsOf("prod", withOauth());
      const section = iniOf("prod", withOauth())["auth.generic_oauth"];
      expect(section).to.include({
        enabled: true,
        client_id: "`grafana`",
        client_secret: "$__env{OAUTH_CLIENT_SECRET}",
        use_pkce: true,
        auto_login: false,
        role_attribute_strict: false,
        use_refresh_token: false,
        scopes: "openid profile email groups",
        auth_url: `\`${oauth.authUrl}\``,
        token_url: `\`${oauth.tokenUrl}\``,
        api_url: `\`${oauth.apiUrl}\``,
      });
      expect(grafanaSecrets(settings)).to.deep.equal({ OAUTH_CLIENT_SECRET: "of-the-client" });
      expect(JSON.stringify(grafanaValues(settings))).not.to.include("of-the-client");
    });

    it("maps roles with JMESPath: the highest first, quotes escaped, other users rejected if viewers are set", () => {
      const pathOf = (roles: object) => {
        const given = settingsOf("prod", withOauth({ roles, groupsClaim: "realm.roles" })).grafana.auth.oauth;
        if (!given) throw new Error("there is no oauth");
        return rolePath(given);
      };
      expect(pathOf(oauth.roles)).to.equal(
        "contains(realm.roles[*], 'platform') && 'GrafanaAdmin' || contains(realm.roles[*], 'd\\'Artagnan') && 'GrafanaAdmin' || " +
          "contains(realm.roles[*], 'developers') && 'Editor'",
      );
      expect(pathOf({ admin: [], editor: [], viewer: ["staff"] })).to.equal(
        "contains(realm.roles[*], 'staff') && 'Viewer'",
      );
    });

    it("uses LDAP, whose password is not in the file", () => {
      const settings = settingsOf(
        "prod",
        withLdap({ filter: "(objectClass=person)", groupSearchBase: "ou=g" }),
      );
      const given = settings.grafana.auth.ldap;
      if (!given) throw new Error("there is no ldap");
      const toml = ldapToml(given);
      for (const line of [
        'host = "ldap.example.com"',
        "port = 636",
        "use_ssl = true",
        "start_tls = false",
        "bind_password = '''${LDAP_BIND_PASSWORD}'''",
        'search_filter = "(&(uid=%s)(objectClass=person))"',
        'group_search_base_dns = ["ou=g"]',
        'group_dn = "cn=admins,dc=example,dc=com"\norg_role = "Admin"\ngrafana_admin = true',
        'group_dn = "cn=staff,dc=example,dc=com"\norg_role = "Viewer"',
      ])
        expect(toml).to.include(line);
      expect(grafanaSecrets(settings)).to.deep.equal({ LDAP_BIND_PASSWORD: "of-the-directory" });
      expect(JSON.stringify(grafanaValues(settings))).not.to.include("of-the-directory");
    });
  });

  describe("data sources (R8.1)", () => {
    const datasourcesOf = (config: Config = {}): Any[] =>
      valuesOf("dev", config).datasources["datasources.yaml"].datasources;
    const named = (name: string, config: Config = {}): Any =>
      datasourcesOf(config).find((datasource) => datasource.name === name);

    it("are Prometheus, Mimir as a whole and by tenant, Loki, Tempo, and the Alertmanagers", () => {
      const tenants = { mimir: { tenants: { pods: {}, nodes: {}, prometheus: {}, payments: {} } } };
      expect(datasourcesOf(tenants).map(({ uid }) => uid)).to.deep.equal([
        "prometheus",
        "mimir",
        "mimir-long-range",
        "mimir-pods",
        "mimir-nodes",
        "mimir-prometheus",
        "mimir-payments",
        "mimir-rollup-5m",
        "mimir-rollup-1h",
        "loki",
        "tempo",
        "alertmanager",
        "alertmanager-pods",
        "alertmanager-nodes",
      ]);
      expect(new Set(datasourcesOf().map(({ editable, access }) => `${editable} ${access}`))).to.deep.equal(
        new Set(["false proxy"]),
      );
      expect(datasourcesOf().filter(({ isDefault }) => isDefault)).to.have.length(1);
    });

    it("are readers of their tenant, with a password from a mounted file", () => {
      const { extraSecretMounts } = valuesOf("prod");
      const [{ items, ...mount }, ...others] = extraSecretMounts;
      expect(others).to.deep.equal([]);
      expect(mount).to.deep.equal({
        name: "gateway-credentials",
        secretName: "gateway-credentials",
        mountPath: "/etc/gateway",
        readOnly: true,
      });
      const files: string[] = items.map(({ path }: { path: string }) => path);
      for (const { path, key } of items) expect(path).to.equal(key);

      const users = {
        Mimir: ["mimir", "pods.nodes-read"],
        "Mimir pods": ["mimir", "pods-read"],
        "Mimir nodes": ["mimir", "nodes-read"],
        "Mimir prometheus": ["mimir", "prometheus-read"],
        "Mimir rollup-5m": ["mimir", "rollup-5m-read"],
        "Mimir rollup-1h": ["mimir", "rollup-1h-read"],
        "Mimir long range": ["mimir", "pods.nodes.rollup-5m.rollup-1h-read"],
        Loki: ["loki", "logs-read"],
        Tempo: ["tempo", "traces-read"],
        "Alertmanager of Mimir pods": ["mimir", "pods-read"],
        "Alertmanager of Mimir nodes": ["mimir", "nodes-read"],
      };
      for (const [datasource, [store, user]] of Object.entries(users)) {
        const { basicAuth, basicAuthUser, secureJsonData } = named(datasource);
        const file = `${store}-${user}.password`;
        expect({ basicAuth, basicAuthUser, secureJsonData }, datasource).to.deep.equal({
          basicAuth: true,
          basicAuthUser: user,
          secureJsonData: { basicAuthPassword: `$__file{/etc/gateway/${file}}` },
        });
        expect(files, datasource).to.include(file);
      }
      // All others use no gateway, and no header contradicts the gateway.
      const open = datasourcesOf().filter(({ basicAuth }) => !basicAuth);
      for (const { url } of open) expect(url).not.to.match(/-gateway\./);
      expect(JSON.stringify(datasourcesOf())).not.to.include("httpHeader");
      expect(new Set(files)).to.deep.equal(
        new Set(Object.values(users).map(([store, user]) => `${store}-${user}.password`)),
      );
    });

    it("have the passwords of additional tenants, and restart Grafana when they change", () => {
      const values = valuesOf("dev", {
        mimir: { tenants: { team: {} } },
        access: { generations: [4, 3] },
      });
      const keys = values.extraSecretMounts[0].items.map(({ key }: { key: string }) => key);
      expect(keys).to.include("mimir-team-read.password");
      expect(keys.filter((key: string) => key.includes("-write"))).to.deep.equal([]);
      expect(values.podAnnotations["observability/password-generation"]).to.equal("4");
    });

    it("link to each other", () => {
      const uids = datasourcesOf().map(({ uid }) => uid);
      const tempo = named("Tempo").jsonData;
      const links = [
        tempo.tracesToLogsV2.datasourceUid,
        tempo.tracesToMetrics.datasourceUid,
        tempo.serviceMap.datasourceUid,
        named("Loki").jsonData.derivedFields[0].datasourceUid,
        named("Mimir").jsonData.exemplarTraceIdDestinations[0].datasourceUid,
      ];
      expect(links).to.deep.equal(["loki", "mimir", "mimir", "tempo", "tempo"]);
      expect(tempo.tracesToMetrics.tags).to.deep.include({ key: "k8s.cluster.name", value: "cluster" });
      for (const { jsonData } of datasourcesOf())
        if (jsonData.alertmanagerUid) expect(uids).to.include(jsonData.alertmanagerUid);
    });

    it("find trace IDs in all usual spellings of a log line", () => {
      const expression = new RegExp(named("Loki").jsonData.derivedFields[0].matcherRegex);
      const id = "0af7651916cd43dd8448eb211c80319c";
      for (const line of [
        `{"trace_id":"${id}"}`,
        `{"traceId": "${id}"}`,
        `level=info traceID=${id} msg=x`,
        `trace_id="${id}"`,
      ])
        expect(expression.exec(line)?.[1], line).to.equal(id);
      expect(expression.exec(`span_id=${id.slice(16)}`)).to.equal(null);
    });

    it("escape dollar signs, which Grafana expands as variables", () => {
      const text = JSON.stringify(datasourcesOf());
      expect(text).to.include("$${__value.raw}").and.to.include("$$__tags");
      // Grafana's own syntax for reading a file, which is not escaped.
      expect(text.replaceAll("$$", "").replaceAll("$__file{", "")).not.to.include("$");
    });
  });

  describe("storage", () => {
    it("is a volume, with which one Grafana runs at a time", () => {
      const { persistence, deploymentStrategy, replicas } = valuesOf("prod");
      expect(persistence).to.deep.equal({
        enabled: true,
        size: "10Gi",
        annotations: { "helm.sh/resource-policy": "keep" },
      });
      expect([deploymentStrategy.type, replicas]).to.deep.equal(["Recreate", 1]);
      expect(valuesOf("dev").persistence.annotations).to.deep.equal({});
    });

    it("is a PostgreSQL shared by several replicas; alerts are then sent once", () => {
      const database = { host: "db:5432", name: "g", user: "u", password: "of-the-database", tls: "require" };
      const config = { grafana: { replicas: 3, database } };
      const values = valuesOf("dev", config);
      expect(values.persistence).to.deep.equal({ enabled: false });
      expect(values.deploymentStrategy.type).to.equal("RollingUpdate");
      expect(values.podDisruptionBudget).to.deep.equal({ maxUnavailable: 1 });
      expect(values.headlessService).to.equal(true);
      expect(values["grafana.ini"].unified_alerting.ha_peers).to.equal("grafana-headless.grafana.svc:9094");
      expect(values["grafana.ini"].database).to.include({
        type: "postgres",
        host: "db:5432",
        ssl_mode: "require",
      });
      expect(grafanaSecrets(settingsOf("dev", config))).to.deep.equal({
        GF_DATABASE_PASSWORD: "of-the-database",
      });
      expect(JSON.stringify(values)).not.to.include("of-the-database");
    });
  });

  it("is served at its URL: cookies, and an Ingress with TLS", () => {
    const { ingress, "grafana.ini": ini } = valuesOf("prod");
    expect(ingress).to.deep.equal({
      enabled: true,
      // The query timeout, and time for the store's own error.
      annotations: { "nginx.ingress.kubernetes.io/proxy-read-timeout": "315" },
      hosts: ["grafana.example.com"],
      path: "/",
      tls: [{ hosts: ["grafana.example.com"], secretName: "grafana-tls" }],
    });
    const tls = valuesOf("prod", {
      network: { ingressNamespaces: ["ingress-nginx"], tls: { certificates: "ownCa" } },
    });
    expect(tls.ingress.annotations).to.include({ "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" });
    expect(ini.security).to.include({ cookie_secure: true, strict_transport_security: true });
    expect(valuesOf("dev").ingress).to.deep.equal({ enabled: false });
    expect(iniOf("dev").security.cookie_secure).to.equal(false);
  });

  it("restarts when a secret in its environment changes, without showing it", () => {
    const annotationOf = (clientSecret: string) =>
      valuesOf("prod", withOauth({ clientSecret })).podAnnotations["checksum/environment"];
    expect(annotationOf("one")).not.to.equal(annotationOf("another"));
  });

  it("installs the successor of JSON API, from grafana.com or a mirror (R8.5)", () => {
    expect(valuesOf("dev").env.GF_PLUGINS_PREINSTALL).to.match(
      /^yesoreyeram-infinity-datasource@\d+\.\d+\.\d+$/,
    );
    const plugins = ["a-panel@1.0.0@https://mirror.example.com/a.zip", "b@2.0.0"];
    expect(valuesOf("dev", { grafana: { plugins } }).env.GF_PLUGINS_PREINSTALL).to.equal(plugins.join(","));
  });

  it("loads dashboards from the namespaces in the settings, with permission only for ConfigMaps there", () => {
    const settings = settingsOf("dev", { grafana: { dashboards: { namespaces: ["shop", "monitoring"] } } });
    const readers = dashboardReader(settings);
    expect(readers.map(({ namespace }) => namespace)).to.deep.equal(["grafana", "monitoring", "shop"]);
    for (const { role } of readers)
      expect(role.rules).to.deep.equal([
        { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] },
      ]);
    const { sidecar, rbac }: Any = grafanaValues(settings);
    expect(sidecar.dashboards.searchNamespace).to.deep.equal(["grafana", "monitoring", "shop"]);
    expect(sidecar.dashboards.resource).to.equal("configmap");
    expect(rbac.create).to.equal(false);
  });

  it("starts after the first sync of its dashboards, because Grafana deletes those without a file", () => {
    const { dashboards } = valuesOf("prod").sidecar;
    expect(dashboards).to.deep.include({ initDashboards: true, restartPolicy: "Always" });
    expect(dashboards.startupProbe.httpGet.path).to.equal("/healthz");
  });

  it("shows runbook pages with the stack's own names in commands", () => {
    const page = (prefix: string): string => {
      const pages = dashboardConfigMaps(settingsOf("dev", { namespaces: { prefix } })).find(
        ({ metadata }) => metadata.name === "dashboard-runbooks",
      )?.data;
      expect(JSON.stringify(pages)).not.to.include("PREFIX");
      return JSON.parse(pages?.["runbook-nologsingested.json"] ?? "").panels[0].options.content;
    };
    expect(page("")).to.include("kubectl -n alloy-logs logs ds/alloy-logs --since=30m");
    const second = page("b-");
    expect(second).to.include("kubectl -n b-alloy-logs logs ds/b-alloy-logs --since=30m");
    expect(second).to.include("kubectl -n b-loki logs deploy/loki-gateway --since=30m");
    expect(second).to.include("## Diagnosis\n\n```\nkubectl");
    // Grafana has the pages of alerts, and no other pages.
    expect(second).to.match(/\[LokiIngesterUnhealthy\]\(\/d\/runbook-lokiingesterunhealthy\)/);
    expect(second).to.include("docs/guides/access.md").and.not.to.include("](../");
  });

  it("has no dashboard of MinIO without MinIO, and none too large for a ConfigMap", () => {
    const names = (config: Config) =>
      dashboardConfigMaps(settingsOf("dev", config)).map(({ metadata }) => metadata.name);
    const credentials = { accessKey: "key", secretKey: "secret-of-eight" };
    const external = {
      endpoint: "s3.example.com",
      region: "r",
      tls: true,
      pathStyle: true,
      loki: credentials,
      mimir: credentials,
      tempo: credentials,
    };
    expect(names({})).to.include("dashboard-minio");
    expect(names({ objectStorage: { kind: "external", external } })).not.to.include("dashboard-minio");
    for (const { metadata, data } of dashboardConfigMaps(settingsOf("dev")))
      expect(JSON.stringify(data).length, metadata.name).to.be.below(900_000);
  });
});

describe("unit: receivers of alerts", () => {
  const alerting = {
    receivers: {
      oncall: { pagerdutyKey: "key-of-pagerduty" },
      "dev-chat": {
        slackUrl: "https://hooks.example.com/slack",
        webhookUrl: "https://hooks.example.com/web",
      },
    },
    routes: [
      { severity: ["critical"], team: "observability", receivers: ["oncall", "dev-chat"] },
      { namespaces: ["sandbox"], receivers: [] },
    ],
    heartbeat: { url: "https://beat.example.com/x", interval: "1m" },
  };
  const settings = settingsOf("dev", { alerting });

  it("by Alertmanager: the first matching route, otherwise every receiver; the heartbeat gets a constant alert", () => {
    const { route, receivers }: Any = alertmanagerConfig(settings);
    expect(route.routes).to.deep.equal([
      {
        receiver: "(smoke test)",
        matchers: ['namespace = "obs-smoke"'],
        group_by: ["..."],
        group_wait: "0s",
      },
      {
        receiver: "(heartbeat)",
        matchers: ['alertname = "Watchdog"'],
        group_wait: "0s",
        group_interval: "1m",
        repeat_interval: "54000ms",
      },
      { receiver: "(nobody)", matchers: ['alertname =~ "Watchdog|InfoInhibitor"'] },
      {
        receiver: "(nobody)",
        matchers: ['severity =~ "critical"', 'team = "observability"'],
        routes: [
          { receiver: "oncall", continue: true },
          { receiver: "dev-chat", continue: true },
        ],
      },
      { receiver: "(nobody)", matchers: ['namespace =~ "sandbox"'], routes: [] },
      { receiver: "oncall", continue: true },
      { receiver: "dev-chat", continue: true },
    ]);
    expect(receivers.map(({ name }: Any) => name)).to.deep.equal([
      "(nobody)",
      "(smoke test)",
      "(heartbeat)",
      "oncall",
      "dev-chat",
    ]);
    expect(receivers[3].pagerduty_configs[0].routing_key).to.equal("key-of-pagerduty");
    expect(receivers[4].slack_configs[0].api_url).to.equal("https://hooks.example.com/slack");
  });

  it("by every integration: in Alertmanager's format with secrets, in Grafana's with variables", () => {
    const all = settingsOf("prod", { alerting: everyIntegration });
    const { global, receivers }: Any = alertmanagerConfig(all);
    expect(global).to.deep.equal({
      smtp_smarthost: "smtp.test:587",
      smtp_from: "stack@test.dev",
      smtp_require_tls: true,
      smtp_auth_username: "alerts",
      smtp_auth_password: "password-of-smtp",
    });
    const region = "eu-central-1";
    const topic_arn = "arn:aws:sns:eu-central-1:123456789012:alerts";
    const keys = { access_key: "access-key-of-sns", secret_key: "secret-key-of-sns" };
    expect(receivers.slice(2)).to.deep.equal(
      Object.entries({
        mail: { email_configs: { to: "team@test.dev, oncall@test.dev" } },
        hook: { webhook_configs: { url: "https://hooks.test/web" } },
        slack: { slack_configs: { api_url: "https://hooks.test/slack" } },
        teams: { msteamsv2_configs: { webhook_url: "https://hooks.test/teams" } },
        pager: { pagerduty_configs: { routing_key: "key-of-pagerduty" } },
        genie: { opsgenie_configs: { api_key: "key-of-opsgenie", api_url: "https://api.eu.opsgenie.com/" } },
        topic: { sns_configs: { topic_arn, sigv4: { region, ...keys } } },
      }).map(([name, config]) => {
        const [[list, item] = []] = Object.entries(config);
        return { name, [list ?? ""]: [{ ...item, send_resolved: true }] };
      }),
    );
    const files: Any = grafanaAlerting(all);
    expect(
      files["contactpoints.yaml"].contactPoints.flatMap(({ receivers: [one] }: Any) => [one]),
    ).to.deep.equal([
      { uid: "mail-email", type: "email", settings: { addresses: "team@test.dev;oncall@test.dev" } },
      { uid: "hook-webhook", type: "webhook", settings: { url: "$RECEIVER_HOOK_WEBHOOKURL" } },
      { uid: "slack-slack", type: "slack", settings: { url: "$RECEIVER_SLACK_SLACKURL" } },
      { uid: "teams-teams", type: "teams", settings: { url: "$RECEIVER_TEAMS_TEAMSURL" } },
      {
        uid: "pager-pagerduty",
        type: "pagerduty",
        settings: { integrationKey: "$RECEIVER_PAGER_PAGERDUTYKEY" },
      },
      {
        uid: "genie-opsgenie",
        type: "opsgenie",
        settings: {
          apiKey: "$RECEIVER_GENIE_OPSGENIEAPIKEY",
          apiUrl: "https://api.eu.opsgenie.com/v2/alerts",
        },
      },
      {
        uid: "topic-sns",
        type: "sns",
        settings: {
          topic_arn,
          sigv4: {
            region,
            access_key: "$RECEIVER_TOPIC_SNSACCESSKEY",
            secret_key: "$RECEIVER_TOPIC_SNSSECRETKEY",
          },
        },
      },
    ]);
    expect(grafanaSecrets(all)).to.include({
      GF_SMTP_PASSWORD: "password-of-smtp",
      RECEIVER_TEAMS_TEAMSURL: "https://hooks.test/teams",
      RECEIVER_GENIE_OPSGENIEAPIKEY: "key-of-opsgenie",
      RECEIVER_TOPIC_SNSSECRETKEY: "secret-key-of-sns",
    });
    const values: Any = grafanaValues(all);
    expect(values["grafana.ini"].smtp).to.deep.equal({
      enabled: true,
      host: "smtp.test:587",
      from_address: "stack@test.dev",
      user: "alerts",
      startTLS_policy: "MandatoryStartTLS",
    });
    expect(JSON.stringify(values)).not.to.match(/hooks\.test|-of-(sns|opsgenie|pagerduty|smtp)/);
  });

  it("by email on port 465: TLS from the start, so that STARTTLS is not required", () => {
    const smtp = { host: "smtp.test:465", from: "stack@test.dev" };
    const { global }: Any = alertmanagerConfig(settingsOf("dev", { alerting: { smtp } }));
    expect(global).to.deep.equal({
      smtp_smarthost: smtp.host,
      smtp_from: smtp.from,
      smtp_require_tls: false,
    });
  });

  it("by Grafana for its own alerts: the same, with secrets from the environment", () => {
    const files: Any = grafanaAlerting(settings);
    expect(files["contactpoints.yaml"].contactPoints[1].receivers).to.deep.equal([
      { uid: "dev-chat-webhook", type: "webhook", settings: { url: "$RECEIVER_DEV_CHAT_WEBHOOKURL" } },
      { uid: "dev-chat-slack", type: "slack", settings: { url: "$RECEIVER_DEV_CHAT_SLACKURL" } },
    ]);
    const [policy] = files["policies.yaml"].policies;
    expect(policy.routes[0].object_matchers).to.deep.equal([
      ["severity", "=~", "critical"],
      ["team", "=", "observability"],
    ]);
    expect(policy.routes[1].mute_time_intervals).to.deep.equal(["always"]);
    expect(grafanaSecrets(settings)).to.deep.equal({
      RECEIVER_ONCALL_PAGERDUTYKEY: "key-of-pagerduty",
      RECEIVER_DEV_CHAT_WEBHOOKURL: "https://hooks.example.com/web",
      RECEIVER_DEV_CHAT_SLACKURL: "https://hooks.example.com/slack",
    });
    expect(JSON.stringify(grafanaValues(settings))).not.to.match(
      /hooks.example|key-of-pagerduty|beat.example/,
    );
  });

  it("by Grafana only through the integrations that a receiver still has", () => {
    const { contactPoints, deleteContactPoints }: Any = grafanaAlerting(settings)["contactpoints.yaml"];
    const [kept, deleted] = [
      contactPoints.flatMap(({ receivers }: Any) => receivers),
      deleteContactPoints,
    ].map((all: Any[]) => all.map(({ uid }) => uid).filter((uid: string) => uid.startsWith("dev-chat-")));
    expect(kept).to.deep.equal(["dev-chat-webhook", "dev-chat-slack"]);
    expect(deleted).to.have.members(
      ["email", "teams", "pagerduty", "opsgenie", "sns"].map((type) => `dev-chat-${type}`),
    );
  });

  it("by Grafana to receivers with long names: it does not start with identifiers of more than 40 characters", () => {
    const receivers = Object.fromEntries(
      ["payments", "shipping"].map((team) => [
        `${team}-${"x".repeat(50)}`,
        { webhookUrl: "https://hooks.test", slackUrl: "https://hooks.test" },
      ]),
    );
    const { contactPoints, deleteContactPoints }: Any = grafanaAlerting(
      settingsOf("dev", { alerting: { receivers } }),
    )["contactpoints.yaml"];
    const uids = [...contactPoints.flatMap((one: Any) => one.receivers), ...deleteContactPoints].map(
      ({ uid }) => uid,
    );
    expect(new Set(uids)).to.have.lengthOf(14);
    for (const uid of uids) expect(uid).to.match(/^[\w-]{1,40}$/);
  });

  it("and nothing is provisioned without receivers", () => {
    expect(grafanaAlerting(settingsOf("dev"))).to.deep.equal({});
  });

  it("with a runbook page and a dashboard, in Grafana or at the URL of the settings", () => {
    const annotationsOf = (config: Config) =>
      alertRules(settingsOf("dev", config))
        .flatMap(({ spec }) => spec.groups.flatMap(({ rules }) => rules))
        .find(({ alert }) => alert === "TracesDropped")?.annotations ?? {};
    const shown = annotationsOf({ grafana: { url: "https://grafana.example.com/" } });
    expect(shown["runbook_url"]).to.equal("https://grafana.example.com/d/runbook-tracesdropped");
    expect(shown["dashboard_url"]).to.match(/^https:\/\/grafana.example.com\/d\/[\w-]+$/);
    expect(
      annotationsOf({ alerting: { runbooks: "https://docs.example.com/runbooks/" } })["runbook_url"],
    ).to.equal("https://docs.example.com/runbooks/TracesDropped.md");
  });
});
