/**
 * One nginx configuration for the gateways of Loki, Mimir and Tempo. It replaces the charts' own, which trust the
 * tenant in the client's request. Here the authenticated user determines the tenant. Only listed routes are open, so no
 * client can flush an ingester or delete data through a gateway.
 */
import {
  address,
  gatewayAccess,
  gatewayUser,
  namespaces,
  type Role,
  type Store,
  sentLogs,
  tenants,
} from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { answerTimeout } from "../settings/queries";
import { type GatewayUser, gatewayUsers } from "./gateway";
import { closed, type Need, type Route, routes, type Target } from "./gateway-routes";
import { isIpv6 } from "./ip-family";

const needs: Need[] = ["read", "write", "manage", "alert"];

/** The variable with the tenant for a need: empty for an unknown user, `!` for one without permission. */
const tenantVariable = (need: Need) => `$may_${need}`;

const indent = (lines: string[]) => lines.map((line) => `  ${line}`);
const block = (head: string, lines: string[]) => [`${head} {`, ...indent(lines), "}"];

/** Maps from the client's credentials to the tenant that it may read or write. */
function tenantMaps(users: GatewayUser[], agents: string[]): string[] {
  const tenantsOf = (variable: string, some: GatewayUser[]) =>
    block(`map $login ${variable}`, [
      'default "!";',
      '"" "";',
      ...some.map(({ name, tenant }) => `"${name}" "${tenant}";`),
    ]);
  const ofRole = (role: Role) => users.filter((user) => user.role === role);
  const agentUsers = agents.map((agent) => gatewayUser(agent, "write"));
  return [
    ...tenantsOf(tenantVariable("read"), ofRole("read")),
    ...tenantsOf(tenantVariable("write"), ofRole("write")),
    // An agent has a single user, which also loads its rules.
    ...tenantsOf("$of_rules", [...ofRole("rules"), ...users.filter(({ name }) => agentUsers.includes(name))]),
    // Every user of a tenant may read its rules: a client that synchronizes rules compares them first.
    ...tenantsOf("$of_anybody", users),
    ...block(`map $request_method ${tenantVariable("manage")}`, [
      "default $of_rules;",
      "GET $of_anybody;",
      "HEAD $of_anybody;",
    ]),
    // Alertmanager's configuration can contain passwords, so no writer may read it. An agent's rules may read other
    // tenants (source_tenants): their alerts are for the hub's receivers, not for the agent.
    ...block(`map $login ${tenantVariable("alert")}`, [
      `default ${tenantVariable("manage")};`,
      ...ofRole("write").map(({ name }) => `"${name}" "!";`),
    ]),
    // If a request names a tenant, it must be the user's own. Otherwise the client could mistake the response for that
    // of another tenant.
    ...needs.flatMap((need) =>
      block(`map "${tenantVariable(need)}:$http_x_scope_orgid" $refused_${need}`, [
        "default 1;",
        '"~^!" 1;',
        '"~^[^:]*:$" 0;',
        '"~^([^:]+):\\1$" 0;',
      ]),
    ),
  ];
}

/**
 * Connections that a request may try. For each new one, kube-proxy picks an endpoint at random. If one of two endpoints
 * is down, 1 request in 32 reaches no live endpoint.
 */
const attempts = 5;

const upstreamName = ({ name, port }: Target) => `${name}-${port}`;

/**
 * The Services of the routes. A failed node stays in its Services for about 45 s, so connections that are not accepted
 * must be retried. Entries of one Service have the same address; `max_fails=0` keeps nginx from marking it as
 * unavailable.
 */
function upstreams(settings: Settings, store: Store): string[] {
  const { [store]: namespace } = namespaces(settings);
  const targets = new Map(routes[store].map(({ to }) => [upstreamName(to), to]));
  return [...targets].flatMap(([name, to]) =>
    block(`upstream ${name}`, Array(attempts).fill(`server ${address({ namespace, ...to })} max_fails=0;`)),
  );
}

/**
 * Conditions for a retry on another connection, at most 5 s after the first attempt. Stores deduplicate repeated
 * pushes, as they do if a client retries. A silence or a rule is sent again only if the first connection failed.
 */
const retried: Record<Need, string> = {
  read: "error timeout http_502 http_503 non_idempotent",
  write: "error timeout non_idempotent",
  manage: "error timeout",
  alert: "error timeout",
};

function location(store: Store, { location, need, to, path, webSocket, errorPage }: Route): string[] {
  const tenant = tenantVariable(need);
  const role: Role = need === "read" || need === "write" ? need : "rules";
  return block(`location ${location}`, [
    `if (${tenant} = "") { return 401 "authentication required"; }`,
    `if ($refused_${need}) { return 403 "forbidden: user lacks ${role} access or X-Scope-OrgID does not match"; }`,
    `proxy_set_header X-Scope-OrgID ${tenant};`,
    'proxy_set_header Authorization "";',
    ...(store === "loki" ? ["proxy_set_header X-Loki-Ingestion-Policy $ingestion_policy;"] : []),
    ...(webSocket
      ? ["proxy_set_header Upgrade $http_upgrade;", 'proxy_set_header Connection "upgrade";']
      : // Since 1.29.7, nginx reuses connections by default. A request on a connection to a failed node would wait for
        // the whole read timeout: only a new connection is retried after `proxy_connect_timeout`.
        ['proxy_set_header Connection "close";']),
    ...(errorPage ? ["proxy_intercept_errors on;", `error_page ${errorPage};`] : []),
    // Grafana would wait for the whole query timeout on an open connection to a gateway on a failed node.
    ...(need === "read" ? ["keepalive_timeout 0;"] : []),
    `proxy_next_upstream ${retried[need]};`,
    `proxy_pass http://${upstreamName(to)}${path ?? ""};`,
  ]);
}

/**
 * Whether the user of a request over TLS differs from the holder of the client certificate. This rejects an agent that
 * uses the password of another one. Requests inside the cluster have no certificate.
 */
const certificateMap = (agents: string[]): string[] =>
  block('map "$ssl_client_s_dn:$login" $not_holder', [
    "default 1;",
    '"~^:" 0;',
    '"~:$" 0;',
    ...agents.map((agent) => `"CN=${agent}:${gatewayUser(agent, "write")}" 0;`),
  ]);

/** The header selects the limits that Loki applies. Agents have their own policy, so they cannot set it. */
const policyMap = block(`map "${tenantVariable("write")}:$http_x_loki_ingestion_policy" $ingestion_policy`, [
  'default "";',
  `"${tenants.logs}:${sentLogs}" "${sentLogs}";`,
]);

/**
 * Whether Loki rejected OTLP logs because of the stream limit, not because of the tenant's rate. That response contains
 * the labels of the stream; the other one has at most 240 bytes. Loki has already stored the accepted part of the push,
 * so a retry would only delay the logs of other applications.
 */
const refusedStreamMap = block('map "$ingestion_policy:$upstream_http_content_length" $refused_stream', [
  "default 0;",
  `"~^${sentLogs}:(2[5-9][0-9]|[3-9][0-9][0-9]|[0-9][0-9][0-9][0-9]+)$" 1;`,
]);

/** The locations of the routes' error pages. */
const errorPages: Record<Store, string[]> = {
  loki: block("location @refused", [
    'if ($refused_stream) { return 400 "stream_limit: new streams of this push are rejected; all others are stored"; }',
    'return 429 "rate_limited or stream_limit: retry";',
  ]),
  mimir: [],
  tempo: ['location @again { return 503 "temporarily unavailable: retry"; }'],
};

/** The port with TLS. The file name is a variable, so that nginx reads a renewed certificate with the next connection. */
function tlsLines(settings: Settings): { http: string[]; server: string[] } {
  const { service } = settings.access;
  if (!service) return { http: [], server: [] };
  const { tlsFolder, tlsPort, clientCaFolder, clientCaFile } = gatewayAccess;
  return {
    http: [
      ...block('map "" $tls_folder', [`default ${tlsFolder};`]),
      ...(service.clientCertificates ? certificateMap(sendingAgents(settings)) : []),
    ],
    server: [
      isIpv6(settings) ? `listen [::]:${tlsPort} ssl ipv6only=off;` : `listen ${tlsPort} ssl;`,
      "ssl_certificate $tls_folder/tls.crt;",
      "ssl_certificate_key $tls_folder/tls.key;",
      "ssl_protocols TLSv1.2 TLSv1.3;",
      // A resumed session would accept a client certificate beyond its expiry.
      "ssl_session_tickets off;",
      ...(service.clientCertificates
        ? [
            `ssl_client_certificate ${clientCaFolder}/${clientCaFile};`,
            "ssl_verify_client on;",
            'if ($not_holder) { return 403 "forbidden: the client certificate is not the one of the user"; }',
          ]
        : []),
    ],
  };
}

/** `nginx.conf` of a gateway. Users and passwords are in a separate file, from a Secret. */
export function gatewayConfiguration(store: Store, settings: Settings): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const tls = tlsLines(settings);
  return [
    "worker_processes 2;",
    "error_log /dev/stderr error;",
    "pid /tmp/nginx.pid;",
    ...block("events", ["worker_connections 4096;"]),
    ...block("http", [
      ...temporary.map((what) => `${what}_temp_path /tmp/${what}_temp;`),
      "default_type application/octet-stream;",
      "server_tokens off;",
      "proxy_http_version 1.1;",
      `proxy_read_timeout ${answerTimeout(settings)}s;`,
      `proxy_send_timeout ${answerTimeout(settings)}s;`,
      // A running pod accepts a connection within milliseconds, even under load: the kernel does it.
      "proxy_connect_timeout 500ms;",
      "proxy_next_upstream_timeout 5s;",
      // The largest push of the three stores: a batch of traces.
      "client_max_body_size 100m;",
      "client_body_buffer_size 1m;",
      // Grafana sends queries of logs and traces as part of the URL. Loki and Tempo accept 128 KiB, which are three times as long
      // in a URL; nginx's default is 8 KiB.
      "large_client_header_buffers 4 512k;",
      "map_hash_bucket_size 256;",
      'log_format main \'$remote_addr [$time_local] $status "$request" $body_bytes_sent $login "$http_user_agent"\';',
      ...block("map $status $loggable", ["default 1;", '"~^[23]" 0;']),
      ...block("map $status $challenge", ['default "";', `401 'Basic realm="${store}"';`]),
      "access_log /dev/stderr main if=$loggable;",
      ...block("map $http_authorization $login", [
        'default "";',
        `include ${gatewayAccess.usersFolder}/${gatewayAccess.usersFile};`,
      ]),
      ...tenantMaps(gatewayUsers(store, settings), sendingAgents(settings)),
      ...(store === "loki" ? [...policyMap, ...refusedStreamMap] : []),
      // nginx matches locations against the normalized path but forwards the original one. A path with `..` could
      // therefore reach another endpoint.
      ...block("map $request_uri $climbs", [
        "default 0;",
        '"~*^[^?]*(/|%2f)(\\.|%2e){1,2}(/|%2f|[?#]|$)" 1;',
      ]),
      ...upstreams(settings, store),
      ...tls.http,
      ...block("server", [
        isIpv6(settings) ? "listen [::]:8080 ipv6only=off;" : "listen 8080;",
        ...tls.server,
        "add_header WWW-Authenticate $challenge always;",
        "if ($climbs) { return 404; }",
        'location = / { return 200 "OK"; }',
        'location = /ready { return 200 "OK"; }',
        ...routes[store].flatMap((route) => location(store, route)),
        ...errorPages[store],
        ...closed[store].map((path) => `location ${path} { return 404; }`),
        "location / { return 404; }",
      ]),
    ]),
    "",
  ].join("\n");
}
