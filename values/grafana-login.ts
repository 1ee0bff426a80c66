/** Authentication of Grafana's users. */
import { grafanaEnv } from "../names";
import type { Settings } from "../settings";
import type { Values } from "./shared";

type OAuth = NonNullable<Settings["grafana"]["auth"]["oauth"]>;
type Ldap = NonNullable<Settings["grafana"]["auth"]["ldap"]>;

/** The role of a user from the groups that the provider reports, in JMESPath: https://jmespath.org/specification.html */
export function rolePath({ groupsClaim = "groups", roles }: OAuth): string {
  const member = (groups: string[], role: string) =>
    groups.map(
      (group) => `contains(${groupsClaim}[*], '${group.replaceAll(/['\\]/g, "\\$&")}') && '${role}'`,
    );
  return [
    ...member(roles.admin, "GrafanaAdmin"),
    ...member(roles.editor, "Editor"),
    ...member(roles.viewer, "Viewer"),
  ].join(" || ");
}

/** Literal text in grafana.ini: without the backquotes, # and ; begin a comment. */
const verbatim = (text: string) => `\`${text}\``;

/** https://grafana.com/docs/grafana/latest/setup-grafana/configure-security/configure-authentication/generic-oauth/ */
function oauth(settings: OAuth): Values {
  const { scopes = ["openid", "profile", "email", "groups"], roles, logoutUrl } = settings;
  return {
    enabled: true,
    name: verbatim(settings.name ?? "Single sign-on"),
    client_id: verbatim(settings.clientId),
    client_secret: `$__env{${grafanaEnv.oauth}}`,
    auth_url: verbatim(settings.authUrl),
    token_url: verbatim(settings.tokenUrl),
    api_url: verbatim(settings.apiUrl),
    scopes: scopes.join(" "),
    role_attribute_path: verbatim(rolePath(settings)),
    // A user without a role is rejected, or gets the role of `auto_assign_org_role`. The path itself must not contain
    // that default: Grafana uses the first role that it finds, and the ID token, which it checks first, often contains
    // no groups.
    role_attribute_strict: roles.viewer.length > 0,
    allow_assign_grafana_admin: true,
    allow_sign_up: true,
    use_pkce: settings.pkce ?? true,
    // If the provider issues no refresh token, Grafana would end the session with the access token.
    use_refresh_token: scopes.includes("offline_access"),
    auto_login: settings.autoLogin ?? false,
    ...(logoutUrl && { signout_redirect_url: verbatim(logoutUrl) }),
  };
}

/** Grafana's ldap.toml: https://grafana.com/docs/grafana/latest/setup-grafana/configure-security/configure-authentication/ldap/ */
export function ldapToml(ldap: Ldap): string {
  const { roles, loginAttribute, filter } = ldap;
  const login = `(${loginAttribute}=%s)`;
  const mapping =
    (role: string, admin = false) =>
    (group: string) => [
      "",
      "[[servers.group_mappings]]",
      `group_dn = ${JSON.stringify(group)}`,
      `org_role = "${role}"`,
      ...(admin ? ["grafana_admin = true"] : []),
    ];
  return [
    "[[servers]]",
    `host = ${JSON.stringify(ldap.host)}`,
    `port = ${ldap.port}`,
    `use_ssl = ${ldap.tls !== "none"}`,
    `start_tls = ${ldap.tls === "starttls"}`,
    `bind_dn = ${JSON.stringify(ldap.bindDn)}`,
    // Substituted before the file is parsed as TOML: quotes and backslashes in it must stay literal.
    `bind_password = '''\${${grafanaEnv.ldap}}'''`,
    `search_filter = ${JSON.stringify(filter ? `(&${login}${filter})` : login)}`,
    `search_base_dns = [${JSON.stringify(ldap.searchBase)}]`,
    ...(ldap.groupSearchBase
      ? [
          'group_search_filter = "(member=%s)"',
          'group_search_filter_user_attribute = "dn"',
          `group_search_base_dns = [${JSON.stringify(ldap.groupSearchBase)}]`,
        ]
      : []),
    "",
    "[servers.attributes]",
    'name = "givenName"',
    'surname = "sn"',
    `username = ${JSON.stringify(loginAttribute)}`,
    'member_of = "memberOf"',
    'email = "mail"',
    // The first match applies.
    ...roles.admin.flatMap(mapping("Admin", true)),
    ...roles.editor.flatMap(mapping("Editor")),
    ...(roles.viewer.length ? roles.viewer : ["*"]).flatMap(mapping("Viewer")),
    "",
  ].join("\n");
}

/** The authentication sections of grafana.ini. */
export function loginConfiguration({ environment, grafana: { auth } }: Settings): Values {
  // Production has no shared password: the admin user's works only in dev.
  const local = environment === "dev";
  return {
    auth: { disable_login: !local, disable_login_form: !local && auth.kind !== "ldap" },
    "auth.anonymous": { enabled: false },
    "auth.basic": { enabled: local },
    users: { allow_sign_up: false, auto_assign_org_role: "Viewer" },
    ...(auth.kind === "oauth" && auth.oauth && { "auth.generic_oauth": oauth(auth.oauth) }),
    ...(auth.kind === "ldap" && {
      "auth.ldap": { enabled: true, config_file: "/etc/grafana/ldap.toml", allow_sign_up: true },
    }),
  };
}
