/**
 * One nginx configuration for the gateways of Loki, Mimir and Tempo, instead of the charts' own, which take the tenant from
 * whoever asks: here it is the user's own. Only what is listed is reachable, so that nobody flushes an ingester or deletes
 * data through a gateway.
 */
import { address, gatewayAccess, type Role, type Store } from "../names";
import type { Settings } from "../settings";
import { type GatewayUser, gatewayUsers } from "./gateway";

/** What a request may want: to read, to write, or to see (GET) or change rules and alert configurations. */
type Need = Role | "manage";

/** A way through a gateway. */
interface Route {
  /** What nginx compares the path with: https://nginx.org/en/docs/http/ngx_http_core_module.html#location */
  location: string;
  need: Need;
  /** Host and port that it leads to. */
  to: string;
  /** Path there, where it is another one. */
  path?: string;
  /** Whether the connection becomes a WebSocket. */
  webSocket?: boolean;
  /** Whether a client may try again what failed with 500: he is told 503 then. */
  again?: boolean;
}

const service = (store: Store, component: string, port: number) =>
  address({ namespace: store, name: `${store}-${component}`, port });

const lokiPort = 3100;
const mimirPort = 8080;
const routes: Record<Store, Route[]> = {
  // https://grafana.com/docs/loki/latest/reference/loki-http-api/
  loki: [
    { location: "= /loki/api/v1/push", need: "write", to: service("loki", "distributor", lokiPort) },
    { location: "= /otlp/v1/logs", need: "write", to: service("loki", "distributor", lokiPort) },
    {
      location: "= /loki/api/v1/tail",
      need: "read",
      to: service("loki", "querier", lokiPort),
      webSocket: true,
    },
    { location: "/loki/api/", need: "read", to: service("loki", "query-frontend", lokiPort) },
  ],
  // https://grafana.com/docs/mimir/latest/references/http-api/
  mimir: [
    { location: "= /api/v1/push", need: "write", to: service("mimir", "distributor", mimirPort) },
    { location: "= /otlp/v1/metrics", need: "write", to: service("mimir", "distributor", mimirPort) },
    { location: "/prometheus/config/v1/rules", need: "manage", to: service("mimir", "ruler", mimirPort) },
    { location: "/prometheus/api/v1/rules", need: "read", to: service("mimir", "ruler", mimirPort) },
    { location: "/prometheus/api/v1/alerts", need: "read", to: service("mimir", "ruler", mimirPort) },
    { location: "= /api/v1/alerts", need: "manage", to: service("mimir", "alertmanager", mimirPort) },
    { location: "/alertmanager/", need: "manage", to: service("mimir", "alertmanager", mimirPort) },
    {
      location: "= /api/v1/status/buildinfo",
      need: "read",
      to: service("mimir", "query-frontend", mimirPort),
    },
    { location: "/prometheus/", need: "read", to: service("mimir", "query-frontend", mimirPort) },
  ],
  // https://grafana.com/docs/tempo/latest/api_docs/
  tempo: [
    // 500 is what comes while an ingester stops. OTLP tries it again as a 503 only:
    // https://opentelemetry.io/docs/specs/otlp/#failures-1
    { location: "= /v1/traces", need: "write", to: service("tempo", "distributor", 4318), again: true },
    {
      location: "= /jaeger/api/traces",
      need: "write",
      to: service("tempo", "distributor", 14268),
      path: "/api/traces",
    },
    {
      location: "= /zipkin/spans",
      need: "write",
      to: service("tempo", "distributor", 9411),
      path: "/api/v2/spans",
    },
    { location: "/api/", need: "read", to: service("tempo", "query-frontend", 3200) },
  ],
};

/** What lies below a way through and is none: nobody deletes data or changes limits here, whoever serves it one day. */
const closed: Record<Store, string[]> = {
  loki: ["/loki/api/v1/delete"],
  mimir: [],
  tempo: ["/api/overrides"],
};

const needs: Need[] = ["read", "write", "manage"];

/** For a need the variable that holds the tenant: empty for nobody we know, `!` for who may not. */
const tenantVariable = (need: Need) => `$may_${need}`;

const indent = (lines: string[]) => lines.map((line) => `  ${line}`);
const block = (head: string, lines: string[]) => [`${head} {`, ...indent(lines), "}"];

/** Maps from who asks to the tenant that he may read or write. */
function tenantMaps(users: GatewayUser[]): string[] {
  const ofRole = (role: Role) =>
    block(`map $login ${tenantVariable(role)}`, [
      'default "!";',
      '"" "";',
      ...users.filter((user) => user.role === role).map(({ name, tenant }) => `"${name}" "${tenant}";`),
    ]);
  return [
    ...ofRole("read"),
    ...ofRole("write"),
    // Who writes a tenant may see its rules, too: who keeps them there compares before it changes.
    ...block("map $login $of_anybody", [
      'default "!";',
      '"" "";',
      ...users.map(({ name, tenant }) => `"${name}" "${tenant}";`),
    ]),
    ...block(`map $request_method ${tenantVariable("manage")}`, [
      `default ${tenantVariable("write")};`,
      "GET $of_anybody;",
      "HEAD $of_anybody;",
    ]),
    // A tenant that is named all the same has to be the user's own: else he would take an answer for another's.
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

function location({ location, need, to, path, webSocket, again }: Route): string[] {
  const tenant = tenantVariable(need);
  return block(`location ${location}`, [
    `if (${tenant} = "") { return 401 "name a user of the gateway and its password"; }`,
    `if ($refused_${need}) { return 403 "this user may not ${need} here, or not as that tenant"; }`,
    `proxy_set_header X-Scope-OrgID ${tenant};`,
    'proxy_set_header Authorization "";',
    ...(webSocket
      ? ["proxy_set_header Upgrade $http_upgrade;", 'proxy_set_header Connection "upgrade";']
      : []),
    ...(again ? ["proxy_intercept_errors on;", "error_page 500 =503 @again;"] : []),
    `proxy_pass http://${to}${path ?? ""};`,
  ]);
}

/** What nginx of a gateway reads as `nginx.conf`; users and passwords stand in a file of their own, from a Secret. */
export function gatewayConfiguration(store: Store, settings: Settings): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
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
      // A query may take as long as the store's own limit; what connects does so at once.
      "proxy_read_timeout 300s;",
      "proxy_send_timeout 300s;",
      "proxy_connect_timeout 10s;",
      // The largest push of the three: a batch of traces.
      "client_max_body_size 100m;",
      "client_body_buffer_size 1m;",
      "map_hash_bucket_size 256;",
      'log_format main \'$remote_addr [$time_local] $status "$request" $body_bytes_sent $login "$http_user_agent"\';',
      ...block("map $status $loggable", ["default 1;", '"~^[23]" 0;']),
      ...block("map $status $challenge", ['default "";', `401 'Basic realm="${store}"';`]),
      "access_log /dev/stderr main if=$loggable;",
      ...block("map $http_authorization $login", [
        'default "";',
        `include ${gatewayAccess.usersFolder}/${gatewayAccess.usersFile};`,
      ]),
      ...tenantMaps(gatewayUsers(store, settings)),
      // nginx compares the path put in order, and hands on the one it got: what climbs could be another one there.
      ...block("map $request_uri $climbs", [
        "default 0;",
        '"~*^[^?]*(/|%2f)(\\.|%2e){1,2}(/|%2f|[?#]|$)" 1;',
      ]),
      ...block("server", [
        "listen 8080;",
        "add_header WWW-Authenticate $challenge always;",
        "if ($climbs) { return 404; }",
        'location = / { return 200 "OK"; }',
        'location = /ready { return 200 "OK"; }',
        ...routes[store].flatMap(location),
        ...(routes[store].some(({ again }) => again)
          ? ['location @again { return 503 "not taken now: try again"; }']
          : []),
        ...closed[store].map((path) => `location ${path} { return 404; }`),
        "location / { return 404; }",
      ]),
    ]),
    "",
  ].join("\n");
}
