/** A day of traces: requests through a dozen services, some slow and some failed. */
import { tenants } from "../../names";
import { random } from "./logs";
import { Message } from "./message";

const next = random(2);
const below = (count: number): number => Math.floor(next() * count);
const id = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, () => below(256)));

const services = [
  ...["frontend", "cart", "checkout", "payments", "orders", "search"],
  ...["catalog", "identity", "warehouse", "shipping", "postgresql", "mail"],
];
const routes = ["/api/cart", "/api/orders", "/api/checkout", "/api/search", "/login"];

/** Spans of each trace. */
const traceSize = 10;
/** A customer with one trace per hour. */
export const rareCustomer = "customer-of-one-trace";

const attribute = (message: Message, field: number, key: string, value: string) =>
  message.nested(field, (pair) => pair.text(1, key).nested(2, (any) => any.text(1, value)));

/** The spans of one service in a trace that began at a time in milliseconds. */
function spansOf(message: Message, trace: Buffer, parents: Buffer[], at: number, customer: string): void {
  const service = services[below(services.length)] ?? "frontend";
  const namespace = `team-${services.indexOf(service) % 4}`;
  message.nested(1, (group) => {
    group.nested(1, (resource) => {
      attribute(resource, 1, "service.name", service);
      attribute(resource, 1, "service.namespace", namespace);
      attribute(resource, 1, "k8s.cluster.name", "bench");
      attribute(resource, 1, "k8s.namespace.name", namespace);
      attribute(resource, 1, "k8s.pod.name", `${service}-7c9d8f5b4-${below(5)}`);
      attribute(resource, 1, "deployment.environment", "prod");
    });
    group.nested(2, (scope) =>
      scope.nested(2, (span) => {
        const own = id(8);
        const start = BigInt(at + parents.length * 2) * 1_000_000n;
        // Most take milliseconds, one in a thousand more than a second.
        const duration = BigInt(Math.round(2e6 / Math.max(0.001, next())));
        const failed = next() < 0.02;
        span.bytes(1, trace).bytes(2, own);
        const parent = parents[below(parents.length)];
        if (parent) span.bytes(4, parent);
        parents.push(own);
        const route = routes[below(routes.length)] ?? "/";
        span.text(5, `GET ${route}`).number(6, parent ? 2 + below(2) : 2);
        span.fixed64(7, start).fixed64(8, start + duration);
        attribute(span, 9, "http.route", route);
        attribute(span, 9, "http.request.method", "GET");
        attribute(span, 9, "http.response.status_code", failed ? "500" : "200");
        attribute(span, 9, "customer", customer);
        if (service === "postgresql") attribute(span, 9, "db.system", "postgresql");
        if (failed) span.nested(15, (status) => status.number(3, 2));
      }),
    );
  });
}

/**
 * Pushes for Tempo, a hundred traces each, oldest first.
 *
 * @param spans of all traces together
 * @param from, to milliseconds
 */
export function* spanPushes(spans: number, from: number, to: number) {
  const message = new Message();
  const perHour = Math.round(spans / traceSize / ((to - from) / 3_600_000));
  for (let hour = from; hour < to; hour += 3_600_000)
    for (let trace = 0; trace < perHour; trace++) {
      const [own, parents]: [Buffer, Buffer[]] = [id(16), []];
      const customer = trace === 0 ? rareCustomer : `customer-${below(20_000)}`;
      const at = hour + Math.floor((trace / perHour) * 3_600_000);
      for (let span = 0; span < traceSize; span++) spansOf(message, own, parents, at, customer);
      const hourEnds = trace === perHour - 1;
      if (trace % 100 === 99 || hourEnds) yield { body: message.take(), hourEnds };
    }
}

/** Headers of a push to Tempo. */
export const spanHeaders = { "Content-Type": "application/x-protobuf", "X-Scope-OrgID": tenants.traces };
