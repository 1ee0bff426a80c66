/**
 * Numbered traces by OTLP over HTTP, sent as an SDK sends them: two seconds' worth at once, tried again for a minute, then
 * given up. Run by k6 beside the numbered lines, see load.ts. It prints a line of JSON for each batch that ended:
 * `{"from":1,"to":2,"taken":true,"tries":1}`.
 */

import { sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";

const { url, run, failed } = JSON.parse(__ENV.CHAOS_TRACES);
/** Traces in a batch, one for each second. */
const size = 2;
/** How long an SDK tries, in seconds: https://opentelemetry.io/docs/specs/otlp/#failures leaves it to them; Go's takes a minute. */
const patience = 60;
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes, and no answer at all */
const retried = [0, 429, 502, 503, 504];

export const options = {
  // What happened to one connection is not to decide about later traces.
  noConnectionReuse: true,
  scenarios: {
    traces: {
      executor: "constant-arrival-rate",
      rate: 1,
      timeUnit: `${size}s`,
      duration: "24h",
      preAllocatedVUs: 4,
      maxVUs: 60,
    },
  },
};

/** One span, which is the whole trace. Its id says the run and the number. */
function span(number, written) {
  const hex = number.toString(16);
  return {
    traceId: run + hex.padStart(24, "0"),
    spanId: hex.padStart(16, "0"),
    name: "chaos",
    kind: 2,
    startTimeUnixNano: `${written}000000`,
    endTimeUnixNano: `${written + 1}000000`,
    attributes: [{ key: "chaos.number", value: { intValue: String(number) } }],
    ...(failed && { status: { code: 2 } }),
  };
}

export default function () {
  const now = Date.now();
  const to = (exec.scenario.iterationInTest + 1) * size;
  const from = to - size + 1;
  const spans = Array.from({ length: size }, (_, index) =>
    span(from + index, now - (size - 1 - index) * 1000),
  );
  const attributes = [{ key: "service.name", value: { stringValue: `chaos-${run}` } }];
  const body = JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] });
  const params = { headers: { "Content-Type": "application/json" }, timeout: "10s" };
  let pause = 1;
  for (let tries = 1; ; tries += 1) {
    const { status } = http.post(`${url}/v1/traces`, body, params);
    const taken = status === 200;
    if (taken || !retried.includes(status) || Date.now() - now > patience * 1000) {
      console.log(JSON.stringify({ from, to, taken, tries, ...(!taken && { status }) }));
      return;
    }
    sleep(pause);
    pause = Math.min(5, pause * 1.5);
  }
}
