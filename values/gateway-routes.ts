/** Routes through the gateways of Loki, Mimir and Tempo: the required role and the target component of each path. */
import type { ServicePort, Store } from "../names";

/**
 * Permission that a request needs: to read, to write, to read (GET) or change rules, or to read or change
 * Alertmanager's configuration, alerts and silences.
 */
export type Need = "read" | "write" | "manage" | "alert";

/** A Service in the namespace of the store. */
export type Target = Pick<ServicePort, "name" | "port">;

/** A route through a gateway. */
export interface Route {
  /** Location pattern of nginx: https://nginx.org/en/docs/http/ngx_http_core_module.html#location */
  location: string;
  need: Need;
  /** Target Service. */
  to: Target;
  /** Path at that Service, if it differs. */
  path?: string;
  /** Whether the connection becomes a WebSocket. */
  webSocket?: boolean;
  /** An `error_page` of nginx, for a response that the gateway replaces. */
  errorPage?: string;
}

const service = (store: Store, component: string, port: number): Target => ({
  name: `${store}-${component}`,
  port,
});

const lokiPort = 3100;
const mimirPort = 8080;
export const routes: Record<Store, Route[]> = {
  // https://grafana.com/docs/loki/latest/reference/loki-http-api/
  loki: [
    { location: "= /loki/api/v1/push", need: "write", to: service("loki", "distributor", lokiPort) },
    {
      location: "= /otlp/v1/logs",
      need: "write",
      to: service("loki", "distributor", lokiPort),
      errorPage: "429 = @refused",
    },
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
    { location: "= /api/v1/alerts", need: "alert", to: service("mimir", "alertmanager", mimirPort) },
    { location: "/alertmanager/", need: "alert", to: service("mimir", "alertmanager", mimirPort) },
    {
      location: "= /api/v1/status/buildinfo",
      need: "read",
      to: service("mimir", "query-frontend", mimirPort),
    },
    { location: "/prometheus/", need: "read", to: service("mimir", "query-frontend", mimirPort) },
  ],
  // https://grafana.com/docs/tempo/latest/api_docs/
  tempo: [
    // Tempo returns 500 while an ingester stops. OTLP clients retry a 503, but not a 500:
    // https://opentelemetry.io/docs/specs/otlp/#failures-1
    {
      location: "= /v1/traces",
      need: "write",
      to: service("tempo", "distributor", 4318),
      errorPage: "500 =503 @again",
    },
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

/** Paths below an open one that stay closed: no client deletes data or changes limits through a gateway. */
export const closed: Record<Store, string[]> = {
  loki: ["/loki/api/v1/delete"],
  mimir: [],
  tempo: ["/api/overrides"],
};
