/** A day of logs in common formats, by pod: access log, JSON, logfmt, klog, Java and the journal. */
import { logJobs, tenants } from "../../names";
import { Message } from "./message";

/** Pseudo-random numbers from 0 to 1, the same in each run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const next = random(1);
const below = (count: number): number => Math.floor(next() * count);
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;
const hex = (): string =>
  below(2 ** 32)
    .toString(16)
    .padStart(8, "0");

const paths = ["/api/cart", "/api/orders", "/api/orders/items", "/login", "/products", "/static/app.js", "/"];
const agents = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148",
  "python-requests/2.32.3",
];
const events = [
  "order accepted and queued for payment",
  "cache miss, loading the product from the database",
  "payment provider answered, capturing the amount",
  "connection to postgresql.shop.svc:5432 reused after idle time",
  "upstream request timeout, attempt will be retried with backoff",
];
const levels = ["info", "info", "info", "info", "info", "info", "debug", "warn", "error"] as const;

/** Average length of a line, in bytes. */
const lineBytes = 200;

/** A line by format; about a third of it differs from line to line. */
const formats: Record<string, (time: string, level: string) => string> = {
  nginx: (time) =>
    `10.${below(256)}.${below(256)}.${below(256)} - - [${time}] "GET ${oneOf(paths)}?id=${hex()} HTTP/1.1" ${oneOf([200, 200, 200, 304, 404, 500])} ${below(50_000)} "-" "${oneOf(agents)}" 0.${below(1000)}`,
  json: (time, level) =>
    `{"time":"${time}","level":"${level}","logger":"shop.orders","message":"${oneOf(events)}","trace_id":"${hex()}${hex()}${hex()}${hex()}","status":${oneOf([200, 201, 404, 503])},"duration_ms":${below(3000)},"user":"u${below(90_000)}"}`,
  logfmt: (time, level) =>
    `ts=${time} level=${level} caller=handler.go:${below(900)} component=server msg="${oneOf(events)}" method=POST path=${oneOf(paths)} status=${oneOf([200, 204, 500])} duration=${below(900)}ms request_id=${hex()}${hex()}`,
  klog: (time, level) =>
    `${level[0]?.toUpperCase()}1129 ${time.slice(11, 23)} ${below(9)} controller.go:${below(900)}] "${oneOf(events)}" pod="shop/cart-${hex()}" object="default/config-${below(50)}" attempt=${below(5)} err="<nil>" duration="${below(900)}ms"`,
  java: (time, level) =>
    `${time} ${level.toUpperCase().padStart(5)} [http-nio-8080-exec-${below(40)}] c.e.shop.payments.PaymentService : ${oneOf(events)} (order=${hex()}, customer=${below(90_000)}, amount=${below(900)}.${below(90) + 10} EUR, took ${below(900)} ms)`,
};

/** A stream: a pod's lines of one level, as the collectors label them. */
export interface Stream {
  labels: string;
  level: string;
  format: (time: string, level: string) => string;
  /** Share of all lines. */
  share: number;
}

const namespaces = ["shop", "payments", "search", "identity", "warehouse", "ingress-nginx"];

/** Streams of a source, one for each level. @param share of all lines */
function byLevel(labels: Record<string, string>, format: string, share: number): Stream[] {
  return [...new Set(levels)].map((level) => {
    const pairs = Object.entries({ cluster: "bench", ...labels, level });
    return {
      labels: `{${pairs.map(([name, value]) => `${name}="${value}"`).join(", ")}}`,
      level,
      format: formats[format] ?? String,
      share: (share * levels.filter((one) => one === level).length) / levels.length,
    };
  });
}

/** Streams of this number of pods, and of the journals and events of their cluster, which have a twentieth of the lines. */
export function streamsOf(pods: number): Stream[] {
  const names = Object.keys(formats);
  const ofPods = Array.from({ length: pods }, (_, pod) => {
    const format = names[pod % names.length] ?? "json";
    const namespace = namespaces[pod % namespaces.length] ?? "shop";
    const container = `${namespace}-${format}`;
    const labels = {
      ...{ namespace, pod_name: `${container}-${pod}`, container_name: container, service_name: container },
      ...{ node_name: `node-${pod % 10}`, job: `${namespace}/${container}` },
    };
    return byLevel(labels, format, 0.95 / pods);
  });
  const journals = Array.from({ length: 10 }, (_, node) =>
    byLevel(
      { job: logJobs.journal, node_name: `node-${node}`, unit: "kubelet.service", service_name: "kubelet" },
      "klog",
      0.004,
    ),
  );
  const cluster = { job: logJobs.events, namespace: "shop", service_name: "events" };
  return [...ofPods, ...journals, byLevel(cluster, "logfmt", 0.01)].flat();
}

/** A text that one line per hour contains. */
export const needle = "5eedf00d5eedf00d5eedf00d";

/**
 * Pushes for Loki, one per minute, oldest first.
 *
 * @param bytes of all lines together
 * @param from, to milliseconds
 */
export function* logPushes(streams: Stream[], bytes: number, from: number, to: number) {
  const message = new Message();
  const minutes = Math.round((to - from) / 60_000);
  const perMinute = bytes / minutes;
  for (let minute = 0; minute < minutes; minute++) {
    const start = from + minute * 60_000;
    const texts = Array.from({ length: 60 }, (_, second) => new Date(start + second * 1000).toISOString());
    for (const [index, { labels, level, format, share }] of streams.entries()) {
      const marks = index === 0 && minute % 60 === 30;
      // Rounded up or down at random, so that streams with few lines have one in some minutes.
      const count = Math.max(Number(marks), Math.floor((perMinute * share) / lineBytes + next()));
      if (!count) continue;
      message.nested(1, (stream) => {
        stream.text(1, labels);
        for (let line = 0; line < count; line++) {
          const at = start + Math.floor((line / count) * 60_000);
          const marked = marks && line === 0 ? ` ${needle}` : "";
          stream.nested(2, (entry) =>
            entry
              .nested(1, (time) => time.number(1, Math.floor(at / 1000)).number(2, (at % 1000) * 1e6 + line))
              .text(2, format(texts[Math.floor((at - start) / 1000)] ?? "", level) + marked),
          );
        }
      });
    }
    yield { body: message.takeSnappy(), hourEnds: minute % 60 === 59 };
  }
}

/** Headers of a push to Loki. */
export const logHeaders = {
  "Content-Type": "application/x-protobuf",
  "X-Scope-OrgID": tenants.logs,
};
