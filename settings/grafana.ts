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

/** Maps groups of the identity provider to Grafana roles. */
const roles = group({
  admin: list(text("a group"), "a list of groups").describe("Groups whose members get the role Admin"),
  editor: list(text("a group"), "a list of groups").describe("Groups whose members get the role Editor"),
  viewer: list(text("a group"), "a list of groups").describe(
    "Groups whose members get the role Viewer; without any, every user of the provider gets it",
  ),
}).describe("Groups and their roles; a member of several groups gets the highest role");

const oauth = group({
  name: text("a name").optional().describe("Label of the button on the login page; default `Single sign-on`"),
  clientId: text("a client's id").describe("Client ID of Grafana at the provider"),
  clientSecret: secret("a client secret", /^\S+$/)
    .optional()
    .describe("Secret of that client; without it, `OAUTH_CLIENT_SECRET` of grafana.existingSecret"),
  authUrl: httpUrl().describe("The provider's authorization endpoint"),
  tokenUrl: httpUrl().describe("The provider's token endpoint"),
  apiUrl: httpUrl().describe("The provider's userinfo endpoint"),
  logoutUrl: httpUrl().optional().describe("URL that users are redirected to after logout"),
  scopes: list(text("a scope"), "a list of scopes")
    .optional()
    .describe(
      "Scopes; default openid, profile, email, groups. With offline_access, a session lasts as long as the provider renews its token",
    ),
  groupsClaim: text("the name of a claim", /^[\w.]+$/)
    .optional()
    .describe("Claim that lists a user's groups; default `groups`"),
  roles,
  pkce: yesNo()
    .optional()
    .describe(
      "Whether to use PKCE, which binds the authorization code to the client that requested it; default true",
    ),
  autoLogin: yesNo()
    .optional()
    .describe("Whether users are redirected to the provider without a click; default false"),
}).describe("Login through an OAuth2 or OpenID Connect provider");

const ldap = group({
  host: text("a host name").describe("Host of the directory"),
  port: wholeNumber(1, 65535).describe("Port of the directory"),
  tls: oneOf("tls", "starttls", "none").describe("Encryption of the connection"),
  bindDn: text("a distinguished name").describe("DN of the account that searches for users"),
  bindPassword: secret("a password", /^.+$/)
    .optional()
    .describe("Password of bindDn; without it, `LDAP_BIND_PASSWORD` of grafana.existingSecret"),
  searchBase: text("a distinguished name").describe("Base DNs of the search for users"),
  loginAttribute: text("an attribute", /^[\w-]+$/).describe(
    "Attribute with the login name: uid, or sAMAccountName in Active Directory",
  ),
  filter: text("an LDAP filter in parentheses", /^\(.*\)$/)
    .optional()
    .describe("Further condition for users, such as (objectClass=person)"),
  groupSearchBase: text("a distinguished name")
    .optional()
    .describe(
      "Base DNs of the search for groups that list their members; without it, the attribute memberOf of users",
    ),
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
  ).describe("URL at which users open Grafana; links in alerts use it"),
  ingress: group({
    ...ingressFields("Annotations, such as cert-manager.io/cluster-issuer"),
  })
    .optional()
    .describe(
      "An Ingress for the host of grafana.url; without it, Grafana is reachable only inside the cluster",
    ),
  database: group({
    host: text("a host with a port", /^[\w.-]+:\d{1,5}$/).describe("Host and port of a PostgreSQL server"),
    name: text("a database's name: letters, digits, dots, dashes", /^[\w.-]+$/).describe(
      "Name of the database",
    ),
    user: text("a user: letters, digits, dots, dashes", /^[\w.@-]+$/).describe("Who connects"),
    password: secret("a password", /^.+$/)
      .optional()
      .describe("Password; without it, `GF_DATABASE_PASSWORD` of grafana.existingSecret"),
    tls: oneOf("disable", "require", "verify-full").describe("Encryption of the connection (sslmode)"),
  })
    .optional()
    .describe("An existing PostgreSQL database; without it, each Grafana has its own database on a volume"),
  secretKey: secret("a key of 16 to 128 characters", /^\S{16,128}$/)
    .optional()
    .describe(
      "Key that encrypts secrets in Grafana's database; generated by default. With a different key, existing secrets cannot be read",
    )
    .meta({ later: "fixed" }),
  existingSecret: dnsName()
    .optional()
    .describe(
      "Secret in the namespace grafana with OAUTH_CLIENT_SECRET, LDAP_BIND_PASSWORD or GF_DATABASE_PASSWORD, unless they are settings; Grafana waits until it exists",
    ),
  auth: group({
    kind: oneOf("local", "oauth", "ldap").describe(
      "Identity provider; `local`, the admin user only, is for dev",
    ),
    oauth: oauth.optional(),
    ldap: ldap.optional(),
  }).describe("Authentication; anonymous access is disabled"),
  plugins: list(
    text("id@version, or id@version@url of a zip file", /^[a-z0-9-]+@[\w.+-]+(@https?:\/\/\S+)?$/),
    "a list of id@version",
  ).describe("Plugins that Grafana installs when it starts, from grafana.com or from the URL"),
  dashboards: group({
    namespaces: list(dnsName(), "a list of namespaces").describe(
      "Additional namespaces whose ConfigMaps with the label grafana_dashboard become dashboards",
    ),
    ...resources,
  }).describe("Sidecar of Grafana that loads dashboards from ConfigMaps"),
}).describe("Grafana");
