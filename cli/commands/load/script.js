/**
 * The load of `obs load`, run by k6 inside the cluster. LOAD_PLAN contains all numbers and addresses as JSON (plan.ts),
 * and variables such as LOKI_WRITE the credentials of gateway users (life.ts).
 * It prints a line `OBS-STEP {json}` after each step, `OBS-WORDS {json}` for rejected requests, and the summary between
 * two markers at the end (summary.ts).
 */

import { sleep } from "k6";
import crypto from "k6/crypto";
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Trend } from "k6/metrics";
import { clearInterval, setInterval, setTimeout } from "k6/timers";

const plan = JSON.parse(__ENV.LOAD_PLAN);
const { run, seconds, urls } = plan;
const kinds = Object.keys(plan.kinds);
const writes = kinds.filter((kind) => plan.kinds[kind].probed);
const steps = Array.from({ length: plan.steps }, (_, index) => index + 1);
const total = plan.steps * seconds;

const counters = {
  items: new Counter("load_items"),
  refused: new Counter("load_refused"),
  errors: new Counter("load_errors"),
};
const answer = new Trend("load_answer", true);
const visible = new Trend("load_visible", true);
const lost = new Counter("load_lost");

/** k6 keeps numbers by tag only where a threshold asks for them; these hold always. */
const kept = [
  ...kinds.flatMap((kind) =>
    steps.flatMap((step) => Object.keys(counters).map((name) => `load_${name}{kind:${kind},step:${step}}`)),
  ),
  ...writes.map((kind) => `load_lost{kind:${kind}}`),
].map((name) => [name, ["count>=0"]]);
const keptTrends = [
  ...kinds.map((kind) => `load_answer{kind:${kind}}`),
  ...writes.map((kind) => `load_visible{kind:${kind}}`),
].map((name) => [name, ["max>=0"]]);

/** The load of one kind: the rate jumps at the beginning of each step. */
function arrivals(kind) {
  const { requestsPerMinute, vus } = plan.kinds[kind];
  return {
    executor: "ramping-arrival-rate",
    exec: "send",
    env: { KIND: kind },
    timeUnit: "1m",
    startRate: requestsPerMinute[0],
    stages: requestsPerMinute.flatMap((target) => [
      { target, duration: "0s" },
      { target, duration: `${seconds}s` },
    ]),
    preAllocatedVUs: vus.first,
    maxVUs: vus.most,
    gracefulStop: "20s",
  };
}

/** One iteration in one VU. */
const once = (name, env = {}) => ({
  executor: "per-vu-iterations",
  exec: name,
  env,
  vus: 1,
  iterations: 1,
  maxDuration: `${total + plan.patience + 60}s`,
});

export const options = {
  summaryTrendStats: ["med", "p(95)", "p(99)", "max", "count"],
  scenarios: Object.fromEntries([
    ...kinds.map((kind) => [kind, arrivals(kind)]),
    ...writes.map((kind) => [`probe-${kind}`, once("probe", { KIND: kind })]),
    ["progress", once("progress")],
  ]),
  thresholds: Object.fromEntries([...kept, ...keptTrends]),
};

/** Waits until all four can be reached: a network plugin takes some seconds to know a new pod. */
export function setup() {
  const doors = Object.values(urls).map((url) => `${url}/ready`);
  for (let second = 0; second < 60; second++) {
    if (doors.every((door) => http.get(door).status !== 0)) return;
    sleep(1);
  }
}

/** The variable contains the whole authorization header of a gateway user. */
const as = (variable) => ({ Authorization: __ENV[variable] });
const asJson = (headers) => ({ ...headers, "Content-Type": "application/json" });
const nanos = (milliseconds) => `${milliseconds}000000`;
const text = (key, value) => ({ key, value: { stringValue: value } });
const hex = (size) =>
  Array.from(new Uint8Array(crypto.randomBytes(size)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Lines of a stream each, as Loki's push takes them. */
const logs = (streams) => ({
  method: "POST",
  url: `${urls.loki}/loki/api/v1/push`,
  body: JSON.stringify({ streams }),
  headers: asJson(as("LOKI_WRITE")),
});

/** Gauges, as OTLP takes them. */
const gauges = (name, dataPoints) => ({
  method: "POST",
  url: `${urls.mimir}/otlp/v1/metrics`,
  body: JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: [text("service.name", "obs-load")] },
        scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints } }] }],
      },
    ],
  }),
  headers: asJson(as("MIMIR_WRITE")),
});

/** Spans of one service, as OTLP takes them. Alloy takes them from everyone. */
const spansOf = (service, spans) => ({
  method: "POST",
  url: `${urls.otlp}/v1/traces`,
  body: JSON.stringify({
    resourceSpans: [{ resource: { attributes: [text("service.name", service)] }, scopeSpans: [{ spans }] }],
  }),
  headers: asJson({}),
});

const get = (store, url, parameters) => ({
  method: "GET",
  url: `${url}?${Object.entries(parameters)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&")}`,
  headers: as(`${store}_READ`),
});
const inLoki = (query, from, more = {}) =>
  get("LOKI", `${urls.loki}/loki/api/v1/query_range`, {
    query,
    start: nanos(from),
    end: nanos(Date.now() + 1000),
    limit: 1000,
    ...more,
  });
const inTempo = (q, from, limit) =>
  get("TEMPO", `${urls.tempo}/api/search`, {
    q,
    start: Math.floor(from / 1000) - 1,
    end: Math.floor(Date.now() / 1000) + 1,
    limit,
  });

const minutes = (count) => Date.now() - count * 60000;

/** The n-th request of each kind in a step; a batch has the plan's number of items. */
const requests = {
  logs(n, batch) {
    const line = (index) =>
      `level=info method=GET path=/orders/${n % 1000} status=${index % 50 ? 200 : 500} duration=${(index * 7) % 400}ms ` +
      `request=${run}-${n}-${index} message="obs load writes lines of about this length, as an application does"`;
    const values = Array.from({ length: batch }, (_, index) => [nanos(Date.now()), line(index)]);
    return logs([{ stream: { job: "obs-load", run, stream: `${n % plan.streams}` }, values }]);
  },
  metrics(n, batch, step) {
    const series = plan.series[step - 1];
    const point = (index) => ({
      asDouble: Math.random(),
      timeUnixNano: nanos(Date.now()),
      // One after the other, so that each series has a sample every plan.interval seconds.
      attributes: [text("run", run), text("series", `${(n * batch + index) % series}`)],
    });
    return gauges(
      "obs_load",
      Array.from({ length: batch }, (_, index) => point(index)),
    );
  },
  traces(n, batch) {
    const now = Date.now();
    let trace;
    let root;
    const spans = Array.from({ length: batch }, (_, index) => {
      const first = index % plan.spansPerTrace === 0;
      if (first) trace = hex(16);
      const spanId = hex(8);
      const span = {
        traceId: trace,
        spanId,
        name: first ? "GET /orders" : `step ${index % plan.spansPerTrace}`,
        kind: first ? 2 : 1,
        startTimeUnixNano: nanos(now - 100),
        endTimeUnixNano: nanos(now - 1 - (n % 50)),
        attributes: [text("run", run)],
      };
      if (first) root = spanId;
      return first ? span : { ...span, parentSpanId: root };
    });
    return spansOf("obs-load", spans);
  },
  LogQL: (n) =>
    n % 2
      ? inLoki(`{job="obs-load", run="${run}"} |= "status=500"`, minutes(5), { limit: 100 })
      : inLoki(`sum by (stream) (rate({job="obs-load", run="${run}"}[1m]))`, minutes(15), { step: "15s" }),
  PromQL: (n) =>
    get("MIMIR", `${urls.mimir}/prometheus/api/v1/query_range`, {
      query:
        n % 2 ? `avg(obs_load{run="${run}"})` : `quantile(0.95, avg_over_time(obs_load{run="${run}"}[1m]))`,
      start: Math.floor(minutes(15) / 1000),
      end: Math.floor(Date.now() / 1000),
      step: "15s",
    }),
  TraceQL: () => inTempo(`{ resource.service.name = "obs-load" && span.run = "${run}" }`, minutes(15), 20),
};

/** Rejections that this virtual user has reported. */
const reported = {};

/** Reports why a request was rejected: the first of its kind and status that a virtual user sees. */
function tell(kind, { status, error, body }) {
  if (reported[`${kind} ${status}`]) return;
  reported[`${kind} ${status}`] = true;
  console.log(
    `OBS-WORDS ${JSON.stringify({ kind, words: `${status || error} ${(body || "").trim().slice(0, 200)}`.trim() })}`,
  );
}

/** One request of the load. */
export function send() {
  const kind = __ENV.KIND;
  const { batch } = plan.kinds[kind];
  const since = Date.now() - exec.scenario.startTime;
  const step = Math.min(plan.steps, Math.floor(since / 1000 / seconds) + 1);
  const { method, url, body, headers } = requests[kind](exec.scenario.iterationInTest, batch, step);
  // Without a name each address would be a series of its own in k6's memory.
  const response = http.request(method, url, body, { headers, timeout: "15s", tags: { name: kind } });
  const { status, timings } = response;
  const came = status >= 200 && status < 300 ? "items" : status === 429 ? "refused" : "errors";
  counters[came].add(batch, { kind, step: `${step}` });
  if (came === "items") answer.add(timings.duration, { kind });
  else tell(kind, response);
}

/** How a marked signal is written, and which of them are found. */
const probes = {
  logs: {
    write: (n) => logs([{ stream: { job: "obs-load-probe", run }, values: [[nanos(Date.now()), `${n}`]] }]),
    look: (from) => inLoki(`{job="obs-load-probe", run="${run}"}`, from - 1000),
    found: ({ data }) => data.result.flatMap(({ values }) => values.map(([, line]) => Number(line))),
  },
  metrics: {
    write: (n) =>
      gauges("obs_load_probe", [
        { asDouble: n, timeUnixNano: nanos(Date.now()), attributes: [text("run", run)] },
      ]),
    look: () =>
      get("MIMIR", `${urls.mimir}/prometheus/api/v1/query`, { query: `obs_load_probe{run="${run}"}` }),
    // A series shows its last value: whatever was written before is there, too.
    found: ({ data }) =>
      data.result.flatMap(({ value }) => Array.from({ length: Number(value[1]) }, (_, n) => n + 1)),
  },
  traces: {
    // Failed, because no sampling leaves out what failed; the number is the end of its id.
    write(n) {
      const now = Date.now();
      const span = {
        traceId: hex(12) + n.toString(16).padStart(8, "0"),
        spanId: hex(8),
        name: "probe",
        kind: 2,
        startTimeUnixNano: nanos(now - 1),
        endTimeUnixNano: nanos(now),
        attributes: [text("run", run)],
        status: { code: 2 },
      };
      return spansOf("obs-load-probe", [span]);
    },
    look: (from) =>
      inTempo(`{ resource.service.name = "obs-load-probe" && span.run = "${run}" }`, from - 5000, 500),
    found: ({ traces }) => (traces || []).map(({ traceID }) => Number.parseInt(traceID.slice(-8), 16)),
  },
};

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const asked = ({ method, url, body, headers }) =>
  http.asyncRequest(method, url, body || null, {
    headers,
    timeout: "15s",
    tags: { name: "probe" },
  });

/**
 * Writes one marked signal each second whether or not the ones before are found, and looks for all of them with one
 * query at a time: what cannot be seen for long makes neither more queries nor fewer writes.
 */
export async function probe() {
  const kind = __ENV.KIND;
  const { write, look, found } = probes[kind];
  const waiting = new Map();
  let number = 0;
  let underway = 0;
  const until = Date.now() + total * 1000;
  const next = async () => {
    number += 1;
    const [own, begun] = [number, Date.now()];
    underway += 1;
    const { status } = await asked(write(own));
    underway -= 1;
    if (status >= 200 && status < 300) waiting.set(own, begun);
    else lost.add(1, { kind });
  };
  const writer = setInterval(() => {
    if (Date.now() < until) next();
  }, 1000);
  while (Date.now() < until || (waiting.size + underway && Date.now() < until + plan.patience * 1000)) {
    await pause(plan.look);
    if (!waiting.size) continue;
    const { status, body } = await asked(look(Math.min(...waiting.values())));
    if (status !== 200) continue;
    for (const own of found(JSON.parse(body))) {
      if (waiting.has(own)) visible.add(Date.now() - waiting.get(own), { kind });
      waiting.delete(own);
    }
  }
  clearInterval(writer);
  if (waiting.size) lost.add(waiting.size, { kind });
}

/** The results of a step from k6's own metrics: a function that returns the value of a counter. */
const stepOf = (count, step) =>
  Object.fromEntries(
    kinds.map((kind) => [
      kind,
      Object.fromEntries(
        Object.keys(counters).map((name) => [name, count(`load_${name}{kind:${kind},step:${step}}`)]),
      ),
    ]),
  );

/** Prints the results of each step so far; the summary includes requests that are still in flight. */
export async function progress() {
  for (const step of steps) {
    await pause(exec.scenario.startTime + step * seconds * 1000 - Date.now());
    const { status, body } = http.get(plan.status);
    const metrics = status === 200 ? JSON.parse(body).data : [];
    const count = (id) =>
      metrics.filter((metric) => metric.id === id).map(({ attributes }) => attributes.sample.count)[0] || 0;
    console.log(`OBS-STEP ${JSON.stringify({ step, kinds: stepOf(count, step) })}`);
  }
}

export function handleSummary({ metrics, state }) {
  const valuesOf = (name) => (metrics[name] ? metrics[name].values : {});
  const count = (name) => valuesOf(name).count || 0;
  const times = (name) => {
    const values = valuesOf(name);
    return values.count
      ? { count: values.count, p50: values.med, p95: values["p(95)"], p99: values["p(99)"] }
      : { count: 0 };
  };
  const summary = {
    seconds: state.testRunDurationMs / 1000,
    dropped: count("dropped_iterations"),
    steps: steps.map((step) => stepOf(count, step)),
    answer: Object.fromEntries(kinds.map((kind) => [kind, times(`load_answer{kind:${kind}}`)])),
    visible: Object.fromEntries(
      writes.map((kind) => [
        kind,
        { ...times(`load_visible{kind:${kind}}`), lost: count(`load_lost{kind:${kind}}`) },
      ]),
    ),
  };
  return { stdout: `\nOBS-SUMMARY\n${JSON.stringify(summary)}\nOBS-END\n` };
}
