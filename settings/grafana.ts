/** Settings of Grafana: its address, authentication and database. */
import {
  disk,
  dnsName,
  group,
  ingressFields,
  list,
  oneOf,
  resources,
  secret,
  text,
  wholeNumber,
  yesNo,
} from "./fields";

const httpUrl = () => text("an http:// or https:// URL", /^https?:\/\/\S+$/);

/** Which groups of the identity provider become what in Grafana. */
const roles = group({
  admin: list(text("a group"), "a list of groups").describe("Groups whose members administer Grafana"),
  editor: list(text("a group"), "a list of groups").describe("Groups whose members may change dashboards"),
  viewer: list(text("a group"), "a list of groups").describe(
    "Groups whose members may look; with none, everybody who can log in may",
  ),
}).describe("Groups and the roles that they have; who is in several has the highest");

const oauth = group({
  name: text("a name")
    .optional()
    .describe("What the button on the login page says; without it `Single sign-on`"),
  clientId: text("a client's id").describe("Id under which Grafana is known to the provider"),
  clientSecret: secret("a client secret", /^\S+$/)
    .optional()
    .describe("Secret of that client; without it `OAUTH_CLIENT_SECRET` of grafana.existingSecret"),
  authUrl: httpUrl().describe("The provider's authorization endpoint"),
  tokenUrl: httpUrl().describe("The provider's token endpoint"),
  apiUrl: httpUrl().describe("The provider's userinfo endpoint"),
  logoutUrl: httpUrl().optional().describe("Where people are sent who log out"),
  scopes: list(text("a scope"), "a list of scopes")
    .optional()
    .describe(
      "Scopes; without them openid, profile, email, groups. With offline_access a session lasts as long as the provider renews its token",
    ),
  groupsClaim: text("the name of a claim", /^[\w.]+$/)
    .optional()
    .describe("Claim that lists a user's groups; without it `groups`"),
  roles,
  pkce: yesNo().optional().describe("Whether the code is bound to who asked for it (PKCE); without it true"),
  autoLogin: yesNo()
    .optional()
    .describe("Whether people are sent to the provider without a click; without it false"),
}).describe("Login through an OAuth2 or OpenID Connect provider");

const ldap = group({
  host: text("a host name").describe("Host of the directory"),
  port: wholeNumber(1, 65535).describe("Port of the directory"),
  tls: oneOf("tls", "starttls", "none").describe("How the connection is protected"),
  bindDn: text("a distinguished name").describe("Who looks people up"),
  bindPassword: secret("a password", /^.+$/)
    .optional()
    .describe("Password of bindDn; without it `LDAP_BIND_PASSWORD` of grafana.existingSecret"),
  searchBase: text("a distinguished name").describe("Where people are looked for"),
  loginAttribute: text("an attribute", /^[\w-]+$/).describe(
    "Attribute with the login name: uid, or sAMAccountName in Active Directory",
  ),
  filter: text("an LDAP filter in parentheses", /^\(.*\)$/)
    .optional()
    .describe("Further condition for people, such as (objectClass=person)"),
  groupSearchBase: text("a distinguished name")
    .optional()
    .describe("Where groups are looked for that name their members; without it a person's memberOf is read"),
  roles,
}).describe("Login through an LDAP directory; roles name groups by their distinguished names");

/** Grafana. */
export const grafana = group({
  replicas: wholeNumber(1, 10).describe("Number of replicas; several need grafana.database"),
  ...resources,
  disk: disk
    .describe("Size of the volume for Grafana's own database, unless grafana.database is set")
    .meta({ later: "larger only" }),
  url: text(
    "an http:// or https:// URL of a host, optionally with a port and a path",
    /^https?:\/\/[\w.-]+(:\d{1,5})?(\/[\w./-]*)?$/,
  ).describe("Address at which people open Grafana; links in alerts lead there"),
  ingress: group({
    ...ingressFields("Annotations, such as cert-manager.io/cluster-issuer"),
  })
    .optional()
    .describe(
      "An Ingress for the host of grafana.url; without it Grafana is reached inside the cluster only",
    ),
  database: group({
    host: text("a host with a port", /^[\w.-]+:\d{1,5}$/).describe("Host and port of a PostgreSQL"),
    name: text("a database's name: letters, digits, dots, dashes", /^[\w.-]+$/).describe(
      "Name of the database",
    ),
    user: text("a user: letters, digits, dots, dashes", /^[\w.@-]+$/).describe("Who connects"),
    password: secret("a password", /^.+$/)
      .optional()
      .describe("Password; without it `GF_DATABASE_PASSWORD` of grafana.existingSecret"),
    tls: oneOf("disable", "require", "verify-full").describe("How the connection is protected (sslmode)"),
  })
    .optional()
    .describe("A PostgreSQL that is there already; without it each Grafana keeps its own on a volume"),
  secretKey: secret("a key of 16 to 128 characters", /^\S{16,128}$/)
    .optional()
    .describe(
      "Key that encrypts secrets in Grafana's database; generated without it. With another one, those secrets cannot be read",
    )
    .meta({ later: "fixed" }),
  existingSecret: dnsName()
    .optional()
    .describe(
      "Secret in the namespace grafana with OAUTH_CLIENT_SECRET, LDAP_BIND_PASSWORD or GF_DATABASE_PASSWORD, unless they are settings; Grafana waits until it exists",
    ),
  auth: group({
    kind: oneOf("local", "oauth", "ldap").describe(
      "Who lets people in; `local`, the admin user alone, in dev only",
    ),
    oauth: oauth.optional(),
    ldap: ldap.optional(),
  }).describe("Authentication; anonymous access is disabled"),
  plugins: list(
    text("id@version, or id@version@url of a zip file", /^[a-z0-9-]+@[\w.+-]+(@https?:\/\/\S+)?$/),
    "a list of id@version",
  ).describe("Plugins that Grafana installs at its start, from grafana.com or from the URL"),
  dashboards: group({
    namespaces: list(dnsName(), "a list of namespaces").describe(
      "Additional namespaces whose ConfigMaps with the label grafana_dashboard become dashboards",
    ),
    ...resources,
  }).describe("The container beside Grafana that finds dashboards in ConfigMaps"),
}).describe("Grafana");
