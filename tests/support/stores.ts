/** A mock server on loopback for Loki, Mimir, Tempo and Alloy, which records requests. */
import { createServer, type IncomingHttpHeaders } from "node:http";

// biome-ignore lint/suspicious/noExplicitAny: bodies are read deeply
type Json = any;

/** A received request. */
export interface Asked {
  path: string;
  parameters: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Json;
  /** Status of the response. */
  status: number;
}

/** The servers of {@link startStores}. */
export interface Stores {
  url: string;
  asked: Asked[];
  /** The requests to a path. */
  to(path: string): Asked[];
  stop(): Promise<void>;
}

/** All accepted writes to a path. */
const taken = (asked: Asked[], path: string) =>
  asked.filter((one) => one.path === path && one.status < 300).map(({ body }) => body);

const streamsOf = (asked: Asked[]) => taken(asked, "/loki/api/v1/push").flatMap(({ streams }) => streams);
const gaugesOf = (asked: Asked[]) =>
  taken(asked, "/otlp/v1/metrics").flatMap(
    ({ resourceMetrics }) => resourceMetrics[0].scopeMetrics[0].metrics,
  );
const servicesOf = (asked: Asked[]) =>
  taken(asked, "/v1/traces").flatMap(({ resourceSpans }) => resourceSpans);

/** Responses to queries: marked signals are found, everything else is empty. */
const answers: Record<string, (asked: Asked[], query: string, hidden: string) => Json> = {
  "/loki/api/v1/query_range": (asked, query, hidden) => ({
    data: {
      result: query.includes("obs-load-probe")
        ? streamsOf(asked)
            .filter(({ stream, values }) => stream.job === "obs-load-probe" && values[0][1] !== hidden)
            .map(({ values }) => ({ values }))
        : [],
    },
  }),
  "/prometheus/api/v1/query": (asked) => ({
    data: {
      result: gaugesOf(asked)
        .filter(({ name }) => name === "obs_load_probe")
        .slice(-1)
        .map(({ gauge }) => ({ value: [0, String(gauge.dataPoints[0].asDouble)] })),
    },
  }),
  "/prometheus/api/v1/query_range": () => ({ data: { result: [] } }),
  "/api/search": (asked, query) => ({
    traces: query.includes("obs-load-probe")
      ? servicesOf(asked)
          .filter(({ resource }) => resource.attributes[0].value.stringValue === "obs-load-probe")
          .map(({ scopeSpans }) => ({ traceID: scopeSpans[0].spans[0].traceId }))
      : [],
  }),
};

/**
 * Starts the server.
 *
 * @param fail status of a rejected write, or undefined; called with the write and the number of earlier ones
 * @param hidden a marked line that no query of logs finds
 */
export async function startStores(
  fail: (path: string, body: Json, before: number) => number | undefined,
  hidden: string,
): Promise<Stores> {
  const asked: Asked[] = [];
  const to = (path: string) => asked.filter((one) => one.path === path);
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      const { pathname: path, searchParams: parameters } = new URL(request.url ?? "", "http://stores");
      const body = text ? JSON.parse(text) : undefined;
      const query = parameters.get("query") ?? parameters.get("q") ?? "";
      const answer = answers[path]?.(asked, query, hidden);
      const known =
        answer || ["/ready", "/loki/api/v1/push", "/otlp/v1/metrics", "/v1/traces"].includes(path);
      const status = known ? (fail(path, body, to(path).length) ?? 200) : 404;
      asked.push({ path, parameters, headers: request.headers, body, status });
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer ?? {}));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const stop = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, asked, to, stop };
}
